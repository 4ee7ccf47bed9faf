//! What a run says about certificates, made with openssl and served by it.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lsdeploy::{
    finding::{Phase, code},
    smoke::{self, Options},
};

use super::{options, target};

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_own_finding() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut trusting = Options { ca_pem: Some(fs::read(folder.path().join("ca.pem")).unwrap()), ..options("tls") };

    assert_eq!(found("sqs.lab.test", &server, options("tls")).await, (Phase::Tls, code::TLS_UNTRUSTED));
    assert_eq!(found("sqs.other.test", &server, trusting.clone()).await, (Phase::Tls, code::TLS_WRONG_NAME));
    // Trusted: what is wrong from here on is that openssl answers no POST.
    trusting.deadlines.operation = Duration::from_secs(1);
    assert_eq!(found("sqs.lab.test", &server, trusting).await, (Phase::Api, code::TIMED_OUT));
}

async fn found(host: &str, server: &Server, mut options: Options) -> (Phase, &'static str) {
    options.router = Some(format!("127.0.0.1:{}", server.port));
    let results = smoke::run(&[target("sqs", &format!("https://{host}"))], &options, |_, _| ()).await.unwrap();
    (results[0].phase.unwrap(), results[0].finding.as_ref().unwrap().code)
}

/// An https server with a certificate for `*.lab.test`, signed by a CA of its own.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(folder: &Path) -> Self {
        fs::write(folder.join("names"), "subjectAltName=DNS:*.lab.test").unwrap();
        openssl(folder, "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=lab -days 2");
        openssl(folder, "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=lab.test");
        let sign =
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days 2 -out server.pem";
        openssl(folder, sign);
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let accept = format!("127.0.0.1:{port}");
        let process = Command::new("openssl")
            .args(["s_server", "-quiet", "-www", "-cert", "server.pem", "-key", "server.key", "-accept", &accept])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "openssl does not listen on {port}");
            thread::sleep(Duration::from_millis(20));
        }
        Self { process, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
