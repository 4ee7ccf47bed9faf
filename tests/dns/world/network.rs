//! Links, addresses and routes between the members of a world.

use std::fmt::Write as _;
use std::process::Command;

use super::NET;
use super::member::{Member, run};

/// The address that every parent has on every link to a child: the children's way out.
const GATEWAY: &str = "169.254.1.1";

/// How a member is to be.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(super) name: String,
    /// With the length of the prefix.
    addresses: Vec<String>,
    /// Whom it is behind; `None` for the router in the middle.
    pub(super) parent: Option<String>,
    forwards: bool,
}

impl Spec {
    /// A machine at these addresses (`10.9.0.1/24`, also IPv6).
    pub(crate) fn machine(name: &str, addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
        Self { name: name.to_owned(), addresses, parent: Some(NET.to_owned()), forwards: false }
    }

    /// The router in the middle.
    pub(super) fn router(name: &str) -> Self {
        Self { name: name.to_owned(), addresses: Vec::new(), parent: None, forwards: true }
    }

    /// The same behind another member, which forwards its packets.
    #[must_use]
    pub(crate) fn behind(mut self, parent: &str) -> Self {
        self.parent = Some(parent.to_owned());
        self
    }

    /// The same as a router between its children and the rest.
    #[must_use]
    pub(crate) fn forwarding(mut self) -> Self {
        self.forwards = true;
        self
    }

    /// The same with one more address.
    #[must_use]
    pub(crate) fn and(mut self, address: &str) -> Self {
        self.addresses.push(address.to_owned());
        self
    }

    /// A pod, 10.128.0.5, on the node.
    pub(crate) fn pod() -> Self {
        Self::pod_on("pod", "10.128.0.5", "node1")
    }

    /// A pod on a node of this world.
    pub(crate) fn pod_on(name: &str, address: &str, node: &str) -> Self {
        Self::machine(name, &[&format!("{address}/32")]).behind(node)
    }

    /// A node, 10.0.2.15.
    pub(crate) fn node() -> Self {
        Self::node_at("node1", "10.0.2.15")
    }

    /// A node of another name.
    pub(crate) fn node_at(name: &str, address: &str) -> Self {
        Self::machine(name, &[&format!("{address}/24")]).forwarding()
    }

    /// The first upstream, 10.9.0.1.
    pub(crate) fn up1() -> Self {
        Self::machine("up1", &["10.9.0.1/24"])
    }

    /// The second upstream, 10.9.0.2.
    pub(crate) fn up2() -> Self {
        Self::machine("up2", &["10.9.0.2/24"])
    }

    /// A machine without a resolver, 10.9.0.3. It refuses; [`super::World::silence`] makes it vanish.
    pub(crate) fn dead() -> Self {
        Self::machine("dead", &["10.9.0.3/24"])
    }

    /// The router of a home or office, 192.168.1.1.
    pub(crate) fn lan_router() -> Self {
        Self::machine("router", &["192.168.1.1/24"])
    }

    /// Somebody's machine, 192.168.1.50.
    pub(crate) fn workstation() -> Self {
        Self::machine("workstation", &["192.168.1.50/24"])
    }
}

impl Spec {
    /// How many parents it has, at least: members are set up in this order.
    pub(super) fn depth(&self) -> u8 {
        self.parent.as_ref().map_or(0, |parent| if parent == NET { 1 } else { 2 })
    }
}

/// Makes the links, and gives addresses and routes.
pub(super) fn connect(specs: &[Spec], members: &[Member]) {
    let find = |name: &str| specs.iter().position(|spec| spec.name == name).unwrap_or_else(|| panic!("no `{name}`"));
    let parents: Vec<usize> = (0..specs.len()).filter(|index| specs[*index].forwards).collect();
    // Each link once, from the parent's side; then both sides are set up.
    for &parent in &parents {
        let children = (0..specs.len()).filter(|child| specs[*child].parent.as_deref() == Some(&specs[parent].name));
        let mut links = String::new();
        for child in children {
            let pid = members[child].pid;
            writeln!(links, "link add v{child} type veth peer name eth0 netns {pid}").unwrap();
        }
        ip(&members[parent], &links);
    }
    for (index, spec) in specs.iter().enumerate() {
        let mut lines = own_side(spec);
        for (child, below) in specs.iter().enumerate().filter(|(_, below)| below.parent.is_some()) {
            // The link by which the child is reached: its own, or that of the parent it stands behind.
            let via = next_hop(specs, &find, child, index);
            let Some(via) = via else { continue };
            if via == child {
                writeln!(lines, "addr add {GATEWAY}/32 dev v{child}\nlink set v{child} up").unwrap();
                if has_ipv6(below) {
                    writeln!(lines, "addr add fe80::1/64 dev v{child} nodad").unwrap();
                }
            }
            for address in below.addresses.iter().map(|address| bare(address)) {
                let same =
                    |of: &Spec| of.addresses.iter().find(|one| one.contains(':') == address.contains(':')).cloned();
                let through =
                    same(&specs[via]).filter(|_| via != child).map(|gateway| format!("via {} onlink", bare(&gateway)));
                // Not the address of the link, which every link has.
                let source = same(spec).map(|own| format!("src {}", bare(&own)));
                let words = [through, source].map(Option::unwrap_or_default).join(" ");
                writeln!(lines, "route add {address} dev v{via} {words}").unwrap();
            }
        }
        ip(&members[index], &lines);
        if spec.forwards {
            let switch = "echo 1 >/proc/sys/net/ipv4/ip_forward
                echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
                for link in /proc/sys/net/ipv4/conf/v*; do echo 1 >$link/proxy_arp; done
                for link in /proc/sys/net/ipv4/neigh/v*; do echo 0 >$link/proxy_delay; done";
            members[index].run(&["sh", "-c", switch], "");
        }
    }
}

/// The child of `from` by which `to` is reached; `None` where it is not below it.
fn next_hop(specs: &[Spec], find: &impl Fn(&str) -> usize, to: usize, from: usize) -> Option<usize> {
    let mut at = to;
    loop {
        let parent = find(specs[at].parent.as_deref()?);
        if parent == from {
            return Some(at);
        }
        at = parent;
    }
}

/// The loopback, the addresses and the way out.
fn own_side(spec: &Spec) -> String {
    let mut lines = "link set lo up\n".to_owned();
    if spec.parent.is_none() {
        return lines;
    }
    for address in &spec.addresses {
        let nodad = if address.contains(':') { "nodad" } else { "" };
        writeln!(lines, "addr add {address} dev eth0 {nodad}").unwrap();
    }
    writeln!(lines, "link set eth0 up\nroute add default via {GATEWAY} dev eth0 onlink").unwrap();
    if has_ipv6(spec) {
        lines.push_str("route add ::/0 via fe80::1 dev eth0\n");
    }
    lines
}

/// An address without the length of its prefix.
fn bare(address: &str) -> &str {
    address.split('/').next().unwrap_or(address)
}

fn has_ipv6(spec: &Spec) -> bool {
    spec.addresses.iter().any(|address| address.contains(':'))
}

/// Runs lines of `ip` in a member's network; processes of the test's own namespace can be named.
fn ip(member: &Member, lines: &str) {
    let pid = member.pid.to_string();
    run(Command::new("nsenter").args(["--target", &pid, "--net", "--", "ip", "-batch", "-"]), lines);
}
