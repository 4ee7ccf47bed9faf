//! F2: dnsmasq listens, but not where pods ask.

use std::net::SocketAddr;

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::node::address;
use crate::dns::seen::{Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F2",
    code: "dnsmasq-other-address",
    title: "dnsmasq listens on another address than the one that pods ask",
    shows: "every query to the nameserver of resolv.conf is refused at once while dnsmasq runs: it is bound to another address \
            of the node (several network cards, a changed lease, a virtual address)",
    mend: "let dnsmasq follow the node's addresses: `bind-dynamic` and `except-interface=lo` in place of `listen-address` and \
           `bind-interfaces` in /etc/dnsmasq.d/origin-dns.conf; then `systemctl restart dnsmasq`; and check `dnsIP` in \
           /etc/origin/node/node-config.yaml",
    stage: Stage::Reach,
    explains: &[],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| stands_elsewhere(seen, hop)).collect()
}

fn stands_elsewhere(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let refused = seen.refused_everywhere(hop)?;
    let node = &seen.node_of(hop)?.name;
    if seen.runs(node, "dnsmasq") == Some(false) {
        return None;
    }
    let asked = hop.address?;
    let fits = |other: &SocketAddr| other.ip() == asked.ip() || other.ip().is_unspecified();
    let (confidence, rests, stands) = match seen.waiting(node) {
        Some((_, all)) if all.iter().any(fits) => return None,
        Some((read, all)) => (Confidence::Certain, read, outer(all)),
        None => {
            let (read, conf) = seen.conf_of(hop)?;
            let told = conf.values.get("listen-address").into_iter().flatten().flat_map(|value| value.split(','));
            let all: Vec<SocketAddr> =
                told.filter_map(|text| Some(SocketAddr::new(text.trim().parse().ok()?, 53))).collect();
            if all.iter().any(fits) {
                return None;
            }
            (Confidence::Likely, read, outer(all))
        }
    };
    let at = stands.first()?;
    let message = format!(
        "dnsmasq listens on {at}, but pods ask {}, where all {} queries were refused at once",
        address(hop),
        refused.len()
    );
    Some(Sign::new(&hop.id, confidence, message).resting_on(indexes(refused).into_iter().chain(rests)))
}

/// Without loopback: the node process stands there.
fn outer(mut all: Vec<SocketAddr>) -> Vec<SocketAddr> {
    all.retain(|other| !other.ip().is_loopback());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::openshift3;
    use crate::dns::observation::Trouble;

    #[test]
    fn a_dnsmasq_on_a_second_card_is_found() {
        let mut evidence = openshift3();
        evidence.change_all("dnsmasq", |at| at.set_trouble(Trouble::Refused));
        evidence.kernel("node1", &["10.0.2.15", "192.168.33.220"], &["127.0.0.1", "192.168.33.220"]);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F2", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        assert!(findings[0].message.contains("192.168.33.220:53"), "{}", findings[0].message);
        evidence.forget(|at| at.name.starts_with("/proc"));
        evidence.file("node1", "/etc/dnsmasq.d/origin-dns.conf", "bind-interfaces\nlisten-address=192.168.33.220\n");
        assert_eq!(evidence.signs("F2")[0].confidence, Confidence::Likely);
    }

    #[test]
    fn a_stopped_dnsmasq_and_one_behind_a_firewall_listen_nowhere_else() {
        let mut evidence = openshift3();
        evidence.change_all("dnsmasq", |at| at.set_trouble(Trouble::Refused));
        assert_eq!(evidence.signs("F2"), [], "something waits at the address that is asked");
        evidence.no_process("node1", "dnsmasq");
        evidence.kernel("node1", &["10.0.2.15"], &["127.0.0.1", "192.168.122.1"]);
        assert_eq!(evidence.signs("F2"), [], "what waits elsewhere is no dnsmasq");
    }
}
