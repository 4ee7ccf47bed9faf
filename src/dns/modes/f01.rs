//! F1: nothing listens where dnsmasq should.

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::node::address;
use crate::dns::seen::{Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F1",
    code: "dnsmasq-not-running",
    title: "dnsmasq on the node is not running",
    shows: "every query to the node's address is refused at once (ICMP port unreachable, TCP reset), from pods and from the \
            node; no program waits there; the node process on 127.0.0.1:53 still answers",
    mend: "start it and keep it: `systemctl enable --now dnsmasq` on the node; `journalctl -u dnsmasq` says why it ended",
    stage: Stage::Reach,
    explains: &[],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| nobody_listens(seen, hop)).collect()
}

fn nobody_listens(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let refused = seen.refused_everywhere(hop)?;
    let node = seen.node_of(hop).map(|place| place.name.as_str());
    let (read, others) = node.and_then(|node| seen.waiting(node)).unzip();
    // Something else of the node that waits there, or dnsmasq on another address, is another mode.
    let stands_elsewhere = others.as_ref().is_some_and(|others| others.iter().any(|other| !other.ip().is_loopback()));
    let runs = node.and_then(|node| seen.runs(node, "dnsmasq"));
    let confidence = match (runs, &others) {
        (Some(true), _) => return None,
        (None, _) if stands_elsewhere => return None,
        (Some(false), _) | (None, Some(_)) => Confidence::Certain,
        (None, None) => Confidence::Likely,
    };
    let also = if runs == Some(false) { "; no process `dnsmasq` runs on the node" } else { "" };
    let message = format!(
        "nothing listens on {}, where pods ask for every name: all {} queries were refused at once{also}",
        address(hop),
        refused.len()
    );
    let processes = node.and_then(|node| seen.process_asked(node, "dnsmasq")).map(|at| at.index);
    let evidence = indexes(refused).into_iter().chain(read.unwrap_or_default()).chain(processes);
    Some(Sign::new(&hop.id, confidence, message).resting_on(evidence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::{flags, openshift3};
    use crate::dns::observation::Trouble;

    #[test]
    fn a_stopped_dnsmasq_is_found_with_the_node_in_sight_and_without() {
        let mut evidence = openshift3();
        evidence.change_all("dnsmasq", |at| at.set_trouble(Trouble::Refused));
        evidence.no_process("node1", "dnsmasq");
        evidence.kernel("node1", &["127.0.0.1", "10.0.2.15"], &["127.0.0.1"]);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F1", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        evidence.places.retain(|place| place.name == "pod");
        evidence.forget(|at| at.vantage == "node1");
        evidence.change_hop("dnsmasq", |hop| hop.asked_from = vec!["pod".to_owned()]);
        assert_eq!(evidence.signs("F1")[0].confidence, Confidence::Likely);
    }

    #[test]
    fn a_dnsmasq_that_stands_elsewhere_or_answers_the_node_is_running() {
        let mut evidence = openshift3();
        evidence.change_all("dnsmasq", |at| at.set_trouble(Trouble::Refused));
        assert_eq!(evidence.signs("F1"), [], "it runs");
        evidence.no_process("node1", "dnsmasq");
        evidence.change("dnsmasq", |at| at.vantage == "node1", |at| at.set_answer(&["192.0.2.1"], 1, flags("")));
        assert_eq!(evidence.signs("F1"), [], "it answers the node");
    }
}
