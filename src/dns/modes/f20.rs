//! F20: a firewall of the node keeps pods away from dnsmasq.

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, Place, PlaceKind};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::{Transport, Trouble};
use crate::dns::seen::node::address;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F20",
    code: "node-firewall",
    title: "a firewall on the node keeps pods from dnsmasq",
    shows: "the node itself is answered, pods are not: prohibited at once (`No route to host`) where the rule rejects, silence by UDP \
            and by TCP where it drops",
    mend: "let the pod network in: `iptables -I INPUT -s POD_NETWORK -p udp --dport 53 -j ACCEPT` and the same for tcp (and 8053 on \
           masters); to keep it, open `dns` in the zone of firewalld, or `os_firewall` of the installer",
    stage: Stage::Reach,
    explains: &[
        "search-suffix-fails",
        "tcp-blocked",
        "no-outside-dns",
        "reverse-silent",
        "policy-blocks-5353",
        "wrong-dns-address",
    ],
    find,
    ask: nothing_more,
};

/// Milliseconds within which a rule answers; a neighbour that is not there is given up after seconds.
const AT_ONCE: f64 = 500.0;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let of_hop = |hop: &Hop| {
        let places = seen.places(PlaceKind::Pod).filter(|place| hop.asked_from.contains(&place.name));
        places.filter_map(|place| keeps_out(seen, hop, place)).collect::<Vec<_>>()
    };
    seen.dnsmasqs().flat_map(of_hop).collect()
}

fn keeps_out(seen: &Seen<'_>, hop: &Hop, place: &Place) -> Option<Sign> {
    let here: Vec<At<'_>> =
        seen.all().filter(|at| at.is_dns() && at.hop == hop.id && at.vantage == place.name).collect();
    let udp: Vec<At<'_>> = here.iter().copied().filter(|at| at.transport == Transport::Udp).collect();
    let tcp: Vec<At<'_>> = here.iter().copied().filter(|at| at.transport == Transport::Tcp).collect();
    let node = seen.node_of(hop).filter(|node| node.name != place.name);
    let answered = node.and_then(|node| {
        seen.all().find(|at| at.is_dns() && at.hop == hop.id && at.vantage == node.name && at.replied())
    });
    let all = |of: &[At<'_>], trouble: Trouble| !of.is_empty() && of.iter().all(|at| at.met(trouble));
    // A kernel sends a few ICMP errors a second and no more: silence beside them is theirs too.
    let told = |trouble: Trouble| {
        udp.iter().all(|at| at.met(trouble) || at.silent()) && udp.iter().any(|at| at.met(trouble) && at.ms < AT_ONCE)
    };
    let (confidence, how) = if told(Trouble::HostUnreachable) {
        // Only a rule answers so fast, and it answers so for this place alone when the node is served.
        (
            if answered.is_some() { Confidence::Certain } else { Confidence::Likely },
            "prohibited at once (a rule that rejects)",
        )
    } else if told(Trouble::Refused) && answered.is_some() {
        (Confidence::Likely, "refused at once (a rule that rejects)")
    } else if all(&udp, Trouble::Timeout) && (tcp.is_empty() || all(&tcp, Trouble::Timeout)) {
        match (&answered, tcp.is_empty()) {
            (Some(_), false) => (Confidence::Likely, "silence by UDP and by TCP (a rule that drops)"),
            _ => (Confidence::Possible, "silence (a rule that drops, or nobody is there)"),
        }
    } else if all(&udp, Trouble::Timeout) && tcp.iter().any(|at| at.replied()) {
        (Confidence::Likely, "silence by UDP, but answers by TCP (a rule that drops UDP)")
    } else {
        return None;
    };
    let beside = if answered.is_some() { "; the node itself is answered there" } else { "" };
    let message = format!("{} meets {how} at {} for all {} queries{beside}", place.name, address(hop), udp.len());
    Some(Sign::new(&hop.id, confidence, message).resting_on(indexes(here.into_iter().chain(answered))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::openshift3;
    use crate::dns::observation::Observation;

    fn pods_meet(udp: Trouble, tcp: Trouble) -> Evidence {
        let mut evidence = openshift3();
        evidence.change(
            "dnsmasq",
            |at| at.vantage == "pod" && at.transport == Transport::Udp,
            |at| at.set_trouble(udp),
        );
        evidence.change(
            "dnsmasq",
            |at| at.vantage == "pod" && at.transport == Transport::Tcp,
            |at| at.set_trouble(tcp),
        );
        evidence
    }

    #[test]
    fn a_rule_that_rejects_and_one_that_drops_are_found() {
        let mut evidence = pods_meet(Trouble::HostUnreachable, Trouble::HostUnreachable);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F20", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        evidence.forget(|at| at.vantage == "node1");
        assert_eq!(evidence.signs("F20")[0].confidence, Confidence::Likely, "the node is not in sight");
        let dropped = pods_meet(Trouble::Timeout, Trouble::Timeout);
        assert_eq!((dropped.findings()[0].id.as_str(), dropped.findings()[0].confidence), ("F20", Confidence::Likely));
        let refused = pods_meet(Trouble::Refused, Trouble::Refused);
        assert_eq!((refused.findings()[0].id.as_str(), refused.findings()[0].confidence), ("F20", Confidence::Likely));
    }

    #[test]
    fn a_dnsmasq_that_serves_its_own_network_only_closes_tcp_and_is_no_firewall() {
        assert_eq!(pods_meet(Trouble::Timeout, Trouble::Closed).signs("F20"), []);
    }

    #[test]
    fn a_node_that_is_not_there_and_a_dnsmasq_that_is_silent_to_all_are_no_more_than_possible() {
        let mut evidence = openshift3();
        evidence.change_all("dnsmasq", Observation::set_silent);
        assert_eq!(evidence.signs("F20")[0].confidence, Confidence::Possible);
        evidence.change_all("dnsmasq", |at| {
            at.set_trouble(Trouble::HostUnreachable);
            at.ms = 3060.0;
        });
        assert_eq!(evidence.signs("F20"), [], "no neighbour answers");
        evidence.change_all("dnsmasq", |at| at.set_trouble(Trouble::Refused));
        assert_eq!(evidence.signs("F20"), [], "nothing listens");
    }
}
