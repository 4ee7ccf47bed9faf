//! The resolvers of a world: real programs, each started in a member's namespaces, its log kept.

use std::cell::Cell;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::zones::{Zone, named_conf};
use super::{World, programs};

/// How long a part may take to come up; this machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running program.
pub(crate) struct Part {
    program: String,
    member: u32,
    log: PathBuf,
    child: Cell<Option<Child>>,
    ready: Ready,
}

/// What shows that a part answers.
#[derive(Debug, Clone)]
pub(crate) enum Ready {
    /// It listens on this UDP port: what is sent from then on is answered.
    Listening(u16),
    /// Its log holds this.
    Says(&'static str),
    /// It need not come up.
    AtOnce,
}

impl World {
    /// Starts a program at a member.
    #[track_caller]
    pub(crate) fn start(&self, member: &str, command: &[&str], ready: Ready) -> Rc<Part> {
        let program = command[0].rsplit('/').next().unwrap().to_owned();
        let count = self.parts.borrow().len();
        let log = self.directory(member).join(format!("log/{program}-{count}"));
        let file = File::create(&log).unwrap();
        let mut here = self.member(member).command(command);
        here.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = Cell::new(Some(here.spawn().unwrap()));
        self.keep(Part { program, member: self.member(member).pid, log, child, ready })
    }

    /// dnsmasq as an OpenShift node or a router runs it, with `/etc/dnsmasq.conf` and `/etc/dnsmasq.d/*.conf`, and these
    /// arguments beside.
    #[track_caller]
    pub(crate) fn dnsmasq(&self, member: &str, arguments: &[&str]) -> Rc<Part> {
        if !self.member(member).path("/etc/dnsmasq.conf").exists() {
            self.write(member, "/etc/dnsmasq.conf", "conf-dir=/etc/dnsmasq.d\n");
        }
        fs::create_dir_all(self.member(member).path("/etc/dnsmasq.d")).unwrap();
        let command = [&["dnsmasq", "-k", "--log-facility=-", "--user=root"], arguments].concat();
        self.start(member, &command, Ready::Listening(53))
    }

    /// A message bus at a member, on which dnsmasq (`enable-dbus`) can be told its servers.
    #[track_caller]
    pub(crate) fn message_bus(&self, member: &str) -> Rc<Part> {
        self.write(member, "/etc/bus.conf", BUS);
        let part = self.start(
            member,
            &["dbus-daemon", "--config-file=/etc/bus.conf", "--nofork", "--print-address"],
            Ready::Says("unix:path"),
        );
        part.wait();
        part
    }

    /// BIND at a member, with these zones and these lines in its options.
    #[track_caller]
    pub(crate) fn named(&self, member: &str, options: &str, zones: &[Zone]) -> Rc<Part> {
        self.named_on(member, 53, options, zones)
    }

    /// The same on another port.
    #[track_caller]
    pub(crate) fn named_on(&self, member: &str, port: u16, options: &str, zones: &[Zone]) -> Rc<Part> {
        for zone in zones {
            self.write(member, &zone.path(), &zone.text());
        }
        let conf = format!("/etc/bind/named-{port}.conf");
        self.write(member, &conf, &named_conf(port, options, zones));
        self.start(member, &["named", "-g", "-n", "1", "-c", &conf], Ready::Says("all zones loaded"))
    }

    /// Unbound at a member, with these lines in its server clause and these clauses after it.
    #[track_caller]
    pub(crate) fn unbound(&self, member: &str, server: &str, clauses: &str) -> Rc<Part> {
        let indented: String = server.lines().map(|line| ["  ", line.trim(), "\n"].concat()).collect();
        self.write(member, "/etc/unbound/unbound.conf", &format!("server:\n{UNBOUND}{indented}{clauses}\n"));
        let command = ["unbound", "-d", "-c", "/etc/unbound/unbound.conf"];
        self.start(member, &command, Ready::Says("start of service"))
    }

    /// A resolver as a provider or an office has it: Unbound, which answers from its cache what it learnt from BIND, on port
    /// 5300 of the same machine.
    #[track_caller]
    pub(crate) fn recursor(&self, member: &str, zones: &[Zone]) -> Rc<Part> {
        self.recursor_with(member, "", zones)
    }

    /// The same, with these lines in Unbound's server clause.
    #[track_caller]
    pub(crate) fn recursor_with(&self, member: &str, server: &str, zones: &[Zone]) -> Rc<Part> {
        self.named_on(member, 5300, "recursion no;", zones);
        let stubs: String =
            zones.iter().map(|zone| ["stub-zone:\n  name: \"", &zone.origin(), "\"\n", STUB].concat()).collect();
        self.unbound(member, &format!("{OPEN}{server}"), &stubs)
    }

    /// dnsdist at a member, with this configuration (Lua); it must listen on port 53.
    #[track_caller]
    pub(crate) fn dnsdist(&self, member: &str, lua: &str) -> Rc<Part> {
        // It would ask the world outside whether it is up to date before it answers.
        self.write(member, "/etc/dnsdist/dnsdist.conf", &format!("setSecurityPollSuffix('')\n{lua}"));
        let command = ["dnsdist", "--supervised", "--disable-syslog", "-C", "/etc/dnsdist/dnsdist.conf"];
        let last = if lua.contains("newServer") { "Marking downstream" } else { "Console ACL" };
        self.start(member, &command, Ready::Says(last))
    }

    /// Tells dnsmasq over the bus which servers answer which domains, as the node process does (`/cluster.local/127.0.0.1`);
    /// none: as when it ends.
    #[track_caller]
    pub(crate) fn domain_servers(&self, member: &str, servers: &[&str]) {
        self.settle();
        let list = format!("array:string:{}", servers.join(","));
        let name = "uk.org.thekelleys";
        let (to, method) = (format!("--dest={name}.dnsmasq"), format!("{name}.SetDomainServers"));
        let object = "/uk/org/thekelleys/dnsmasq";
        // It answers queries a moment before it is on the bus.
        let until = ["timeout", "20", "sh", "-c", "until \"$@\" >/dev/null 2>&1; do :; done", "sh"];
        let send = ["dbus-send", "--system", "--print-reply", &to, object, &method, &list];
        self.run(member, &[&until[..], &send[..]].concat());
    }

    /// A process of this name that does nothing, for programs that cannot be had here.
    #[track_caller]
    pub(crate) fn idle_process(&self, member: &str, name: &str) -> Rc<Part> {
        let path = format!("/run/bin/{name}");
        let link = self.member(member).path(&path);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        if !link.exists() {
            std::os::unix::fs::symlink("/bin/sleep", link).unwrap();
        }
        self.start(member, &[&path, "infinity"], Ready::AtOnce)
    }

    /// CoreDNS at a member, with this Corefile; `port` is one on which it listens.
    #[track_caller]
    pub(crate) fn coredns(&self, member: &str, port: u16, corefile: &str) -> Rc<Part> {
        self.write(member, "/etc/coredns/Corefile", corefile);
        let program = programs::coredns();
        let command = [&program.to_string_lossy(), "-conf", "/etc/coredns/Corefile"];
        self.start(member, &command, Ready::Listening(port))
    }
}

const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"#;

const UNBOUND: &str = "  chroot: \"\"
  username: \"\"
  directory: \"/run\"
  pidfile: \"\"
  use-syslog: no
  verbosity: 1
  interface: 0.0.0.0
  do-daemonize: no
  num-threads: 1
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  do-not-query-localhost: no
";

/// Private zones are nothing special here.
const OPEN: &str = "unblock-lan-zones: yes
insecure-lan-zones: yes
local-zone: \"test.\" transparent
local-zone: \"invalid.\" transparent
module-config: \"iterator\"
";

const STUB: &str = "  stub-addr: 127.0.0.1@5300\n";

impl Part {
    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it answers; panics with its log where it does not.
    #[track_caller]
    pub(crate) fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready() {
            let ended = self.with(|child| child.try_wait().unwrap());
            assert!(ended.is_none(), "{} ended ({}): {}", self.program, ended.unwrap(), self.log());
            assert!(Instant::now() < deadline, "{} does not answer: {}", self.program, self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_ready(&self) -> bool {
        match &self.ready {
            Ready::AtOnce => true,
            Ready::Says(words) => self.log().contains(words),
            Ready::Listening(port) => listens(self.member, *port) || self.has_ended_by_itself(),
        }
    }

    /// A stopped part is not waited for.
    fn has_ended_by_itself(&self) -> bool {
        let child = self.child.take();
        let stopped = child.is_none();
        self.child.set(child);
        stopped
    }

    fn with<T: Default>(&self, act: impl FnOnce(&mut Child) -> T) -> T {
        let mut child = self.child.take();
        let result = child.as_mut().map_or_else(T::default, act);
        self.child.set(child);
        result
    }

    /// The number of its process, as the test sees it.
    #[track_caller]
    pub(crate) fn pid(&self) -> u32 {
        let outside = self.with(|child| Some(child.id())).expect("the part was stopped");
        // `nsenter` stays outside and waits for its child, which is the program.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let children = fs::read_to_string(format!("/proc/{outside}/task/{outside}/children")).unwrap_or_default();
            if let Some(pid) = children.split_whitespace().next() {
                return pid.parse().unwrap();
            }
            assert!(Instant::now() < deadline, "{} has no process", self.program);
        }
    }

    /// Sends it a signal: `HUP`, `STOP`, `CONT`.
    #[track_caller]
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(std::process::Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Ends it, as where a service was stopped.
    #[track_caller]
    pub(crate) fn stop(&self) {
        self.signal("KILL");
        self.with(|child| drop(child.wait()));
        self.child.set(None);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.with(|child| {
            drop(child.kill());
            drop(child.wait());
        });
    }
}

/// True when something listens on this UDP port of a member.
fn listens(member: u32, port: u16) -> bool {
    ["udp", "udp6"].iter().any(|family| {
        let table = fs::read_to_string(format!("/proc/{member}/net/{family}")).unwrap_or_default();
        let address = format!(":{port:04X}");
        table.lines().skip(1).any(|line| line.split_whitespace().nth(1).is_some_and(|local| local.ends_with(&address)))
    })
}
