//! Real programs that stand around a smoke run: moto, HAProxy, tinyproxy, each ended with its test.

use std::{
    env, fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lsdeploy::emulator;
use rustix::process::Signal;

/// The page of the OpenShift router, shortened.
pub(super) const ROUTER_PAGE: &str = "<html><body><h1>Application is not available</h1></body></html>";

/// A program that ends with the test.
pub(super) struct Part(Child);

impl Part {
    /// Starts a program and waits until it listens.
    pub(super) fn start(command: &mut Command, listens: SocketAddr) -> Self {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        let part = Self(quiet.process_group(0).spawn().unwrap());
        let started = Instant::now();
        while TcpStream::connect(listens).is_err() {
            assert!(started.elapsed() < Duration::from_mins(1), "nothing listens on {listens}: {command:?}");
            thread::sleep(Duration::from_millis(50));
        }
        part
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // What it started goes with it: `faketime` runs the program that it is given as a child.
        let _ = rustix::process::kill_process_group(rustix::process::Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// A port that is free now.
pub(super) fn free_port(address: IpAddr) -> u16 {
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

/// A moto server, started by `before` (another program with its arguments) where there is one.
pub(super) fn moto(address: IpAddr, before: &[&str]) -> Option<(Part, SocketAddr)> {
    let program = given("LSDEPLOY_TEST_MOTO", "the path of moto_server")?;
    let listens = SocketAddr::new(address, free_port(address));
    let words: Vec<&str> = before.iter().copied().chain([program.as_str()]).collect();
    let mut command = Command::new(words[0]);
    // Else moto takes `s3-localstack-t` in the host for the name of a bucket.
    command.args(&words[1..]).env("S3_IGNORE_SUBDOMAIN_BUCKETNAME", "true");
    command.args(["--host", &address.to_string(), "--port", &listens.port().to_string()]);
    let part = Part::start(&mut command, listens);
    let after = emulator::profile("moto").unwrap().after_start;
    let done = Command::new(&after[0]).args(&after[1..]).env("MOTO_PORT", listens.port().to_string()).status();
    assert!(done.unwrap().success(), "what the profile does after moto's start");
    Some((part, listens))
}

/// HAProxy with these frontends and backends.
pub(super) fn haproxy(folder: &Path, sections: &str, listens: SocketAddr) -> Option<Part> {
    let program = program("haproxy")?;
    let page = folder.join("503.http");
    fs::write(&page, format!("HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/html\r\n\r\n{ROUTER_PAGE}"))
        .unwrap();
    let file = folder.join("haproxy.cfg");
    let defaults = "global\n  maxconn 100\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n";
    fs::write(&file, format!("{defaults}  errorfile 503 {}\n{sections}\n", page.display())).unwrap();
    Some(Part::start(Command::new(program).arg("-db").arg("-f").arg(&file), listens))
}

/// tinyproxy with these lines in its configuration.
pub(super) fn tinyproxy(folder: &Path, lines: &str) -> Option<(Part, SocketAddr)> {
    let program = program("tinyproxy")?;
    let listens = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), free_port(Ipv4Addr::LOCALHOST.into()));
    let file = folder.join(format!("tinyproxy-{}.conf", listens.port()));
    fs::write(&file, format!("Port {}\nListen 127.0.0.1\nAllow 127.0.0.1\nMaxClients 50\n{lines}\n", listens.port()))
        .unwrap();
    Some((Part::start(Command::new(program).arg("-d").arg("-c").arg(&file), listens), listens))
}

/// This machine's own name, which no client takes for a loopback address, and the address that it leads to.
pub(super) fn own_name() -> Option<(String, IpAddr)> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    let found = (name.as_str(), 0).to_socket_addrs().ok().and_then(|mut found| found.find(SocketAddr::is_ipv4));
    found.map(|address| (name.clone(), address.ip())).or_else(|| {
        println!("SKIPPED: this machine's name {name} has no address");
        None
    })
}

/// A certificate for `*.lab.test` and the given names, with its key in one file, and the CA that signed it.
pub(super) fn certificate(folder: &Path, names: &str) {
    fs::write(folder.join("names"), format!("subjectAltName=DNS:*.lab.test{names}")).unwrap();
    openssl(folder, "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=lab -days 2");
    openssl(folder, "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=router.lab.test");
    let sign =
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days 2 -out server.pem";
    openssl(folder, sign);
    let both = [fs::read(folder.join("server.pem")).unwrap(), fs::read(folder.join("server.key")).unwrap()].concat();
    fs::write(folder.join("both.pem"), both).unwrap();
}

pub(super) fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A program of the machine; without it the test is skipped aloud, or fails where the lab is a must.
pub(super) fn program(name: &str) -> Option<String> {
    let folders = env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let found = folders.split(':').map(|folder| format!("{folder}/{name}")).find(|path| Path::new(path).exists());
    if found.is_none() {
        missing(&format!("there is no {name} on PATH"));
    }
    found
}

fn given(variable: &str, what: &str) -> Option<String> {
    let value = env::var(variable).ok();
    if value.is_none() {
        missing(&format!("{variable} does not give {what}"));
    }
    value
}

fn missing(why: &str) {
    println!("SKIPPED: {why}");
    let must =
        env::var("CI").is_ok_and(|ci| ci == "true") || env::var("LSDEPLOY_REQUIRE_LAB").is_ok_and(|lab| lab == "1");
    assert!(!must, "{why}");
}
