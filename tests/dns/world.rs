//! A world of network namespaces: machines with their own files, processes and addresses, and resolvers on them.
//!
//! Each member is the first process of its own network, mount and PID namespace, and ends when the test's end of its standard
//! input closes: a killed test leaves no namespace, link, rule or process behind. Nothing on the machine itself is touched.
//! Packets are routed, not bridged: a member's parent (`net`, or the node in front of a pod) has a route to each address.

mod api;
mod getent;
mod member;
mod network;
mod parts;
mod programs;
mod relay;
mod script;
mod serve;
mod signed;
mod skydns;
mod zones;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use crate::harness::Setting;
pub(crate) use api::Api;
pub(crate) use member::Member;
pub(crate) use network::Spec;
pub(crate) use parts::{Part, Ready};
pub(crate) use relay::Relay;
pub(crate) use script::{Ask, Reply};
pub(crate) use skydns::{SkyDns, crc_user_mode};
pub(crate) use zones::Zone;

/// The router in the middle, in every world.
pub(crate) const NET: &str = "net";

/// The name of a world's directory, before the number of its process.
const PREFIX: &str = "lsdeploy-dns-";

/// The members of one test, and what runs on them.
pub(crate) struct World {
    directory: PathBuf,
    members: Vec<Member>,
    parts: RefCell<Vec<Rc<Part>>>,
    servers: RefCell<Vec<serve::Stop>>,
    parents: Vec<Option<String>>,
    pub(crate) setting: RefCell<Setting>,
}

impl World {
    /// A world with these members. `None` where there can be none: the test is then skipped, loudly.
    pub(crate) fn new(specs: impl IntoIterator<Item = Spec>) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !programs::able() {
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = env::temp_dir().join(format!("{PREFIX}{}-{number}", process::id()));
        let mut specs: Vec<Spec> = specs.into_iter().collect();
        specs.insert(0, Spec::router(NET));
        specs.sort_by_key(Spec::depth);
        let starting: Vec<_> = specs.iter().map(|spec| member::Starting::new(&spec.name, &directory)).collect();
        let members: Vec<Member> = starting.into_iter().map(member::Starting::wait).collect();
        network::connect(&specs, &members);
        let parents = specs.into_iter().map(|spec| spec.parent).collect();
        let (parts, servers, setting) = (RefCell::default(), RefCell::default(), RefCell::default());
        Some(Self { directory, members, parts, servers, parents, setting })
    }

    /// Adds a pod that stands in the network of its node (`hostNetwork`), with files of its own.
    pub(crate) fn host_pod(&mut self, name: &str, node: &str) {
        let pod = member::Starting::beside(name, &self.directory, self.member(node).pid).wait();
        self.members.push(pod);
        self.parents.push(Some(node.to_owned()));
    }

    /// The member of this name.
    #[track_caller]
    pub(crate) fn member(&self, name: &str) -> &Member {
        self.members.iter().find(|member| member.name == name).unwrap_or_else(|| panic!("there is no member `{name}`"))
    }

    /// The names of all members.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// Whom a member is behind.
    pub(crate) fn parent(&self, name: &str) -> Option<String> {
        let place = self.members.iter().position(|member| member.name == name)?;
        self.parents[place].clone()
    }

    /// The command prefix that runs something at a member, as `--vantage NAME=exec:PREFIX` has it.
    pub(crate) fn enter(&self, name: &str) -> Vec<String> {
        self.member(name).enter()
    }

    /// Writes a file below `/etc` or `/run` of a member, and the directories above it.
    pub(crate) fn write(&self, name: &str, path: &str, text: &str) {
        self.member(name).write(path, text);
    }

    /// Removes a file of a member.
    pub(crate) fn remove(&self, name: &str, path: &str) {
        fs::remove_file(self.member(name).path(path)).unwrap();
    }

    /// Runs a program at a member, and returns what it printed; panics where it fails.
    #[track_caller]
    pub(crate) fn run(&self, name: &str, command: &[&str]) -> String {
        self.member(name).run(command, "")
    }

    /// One rule of the kernel's packet filter at a member: `-A INPUT -p udp --dport 53 -j DROP`.
    #[track_caller]
    pub(crate) fn iptables(&self, name: &str, rule: &str) {
        let command: Vec<&str> = ["iptables", "-w"].into_iter().chain(rule.split_whitespace()).collect();
        self.run(name, &command);
    }

    /// A cluster address that a node leads to one of several servers, as kube-proxy does: by chance, for pods and itself.
    #[track_caller]
    pub(crate) fn service(&self, node: &str, address: &str, servers: &[String]) {
        let (ip, port) = address.split_once(':').unwrap();
        for (chain, protocol) in [("PREROUTING", "udp"), ("OUTPUT", "udp"), ("PREROUTING", "tcp"), ("OUTPUT", "tcp")] {
            for (before, server) in servers.iter().enumerate() {
                let left = servers.len() - before;
                let share = 1_000_000 / left;
                let chance = if left == 1 {
                    String::new()
                } else {
                    format!("-m statistic --mode random --probability {}.{:06} ", share / 1_000_000, share % 1_000_000)
                };
                let to = format!("-d {ip} -p {protocol} --dport {port} {chance}-j DNAT --to-destination {server}");
                self.iptables(node, &format!("-t nat -A {chain} {to}"));
            }
        }
    }

    /// Everything that reaches port 53 of a member vanishes, as where a machine is switched off.
    pub(crate) fn silence(&self, name: &str) {
        self.iptables(name, "-I INPUT -p udp --dport 53 -j DROP");
        self.iptables(name, "-I INPUT -p tcp --dport 53 -j DROP");
    }

    /// Waits until every part that was started answers. A walk does so by itself.
    #[track_caller]
    pub(crate) fn settle(&self) {
        for part in self.parts.borrow().iter() {
            part.wait();
        }
    }

    fn directory(&self, name: &str) -> &Path {
        &self.member(name).directory
    }

    fn keep(&self, part: Part) -> Rc<Part> {
        let part = Rc::new(part);
        self.parts.borrow_mut().push(Rc::clone(&part));
        part
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.servers.borrow_mut().clear();
        // The members first: with them end the processes that write logs into the directory.
        self.members.clear();
        if env::var_os("LSDEPLOY_TEST_KEEP").is_none() {
            drop(fs::remove_dir_all(&self.directory));
        }
    }
}

/// Removes the directories of processes that were killed.
fn sweep() {
    let entries = fs::read_dir(env::temp_dir()).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
