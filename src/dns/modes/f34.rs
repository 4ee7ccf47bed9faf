//! F34: one CoreDNS pod cannot be reached, from one node or from any.

use super::coredns::{named, pods};
use super::{Mode, Stage};
use crate::dns::chain::{Hop, PlaceKind, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::{Transport, Trouble};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F34",
    code: "coredns-pod-unreachable",
    title: "one of the CoreDNS pods does not answer, from one node or from anywhere",
    shows: "the matrix of places and CoreDNS pods has holes: one in N lookups through the Service fails. TCP without UDP means a \
            tunnel whose checksums are broken, neither means that the tunnel's port is closed between two nodes",
    mend: "open UDP 4789 (VXLAN) or 6081 (Geneve) between the nodes; for UDP only, `ethtool -K DEVICE \
           tx-checksum-ip-generic off` on both; a pod that nobody reaches: `oc delete pod -n openshift-dns POD`",
    stage: Stage::Reach,
    explains: &["tcp-blocked", "coredns-stale-answer", "same-port-race", "search-suffix-fails", "aaaa-broken"],
    find,
    ask,
};

/// How often a pod that was silent is asked again.
const REPEATS: u64 = 3;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    behind_services(seen).into_iter().filter_map(|(siblings, pod)| sign(seen, &siblings, pod)).collect()
}

/// Again, by UDP and TCP, from where it was silent.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for (_, pod) in behind_services(seen) {
        for place in pod.asked_from.iter().filter(|place| is_hole(seen, place, pod)) {
            let Some(address) = pod.address else { continue };
            let ask = Question::new(&pod.id, address, &seen.evidence.known_service(), "A");
            let again = (1..=REPEATS).map(|turn| ask.clone().after(turn * 200));
            questions.extend(again.chain([ask.clone().by_tcp()]).map(|question| (place.clone(), question)));
        }
    }
    questions
}

/// Every pod behind a Service, with all pods of that Service.
fn behind_services<'a>(seen: &Seen<'a>) -> Vec<(Vec<&'a Hop>, &'a Hop)> {
    let services = seen.role(Role::Coredns).map(|service| pods(seen, service));
    services.flat_map(|pods| pods.clone().into_iter().map(move |pod| (pods.clone(), pod))).collect()
}

/// Queries by UDP from a place to a pod.
fn by_udp<'a>(seen: &Seen<'a>, place: &str, pod: &Hop) -> Vec<At<'a>> {
    let fits = |at: &At<'_>| at.vantage == place && at.transport == Transport::Udp;
    seen.asked(&pod.id).filter(fits).collect()
}

/// A place that this pod never answers by UDP.
fn is_hole(seen: &Seen<'_>, place: &str, pod: &Hop) -> bool {
    let asked = by_udp(seen, place, pod);
    !asked.is_empty() && asked.iter().all(|at| !at.replied())
}

fn reaches(seen: &Seen<'_>, place: &str, pod: &Hop) -> bool {
    by_udp(seen, place, pod).iter().any(|at| at.replied())
}

fn sign(seen: &Seen<'_>, siblings: &[&Hop], pod: &Hop) -> Option<Sign> {
    let is_node = |place: &str| seen.places(PlaceKind::Node).any(|node| node.name == place);
    let reaches_another = |place: &str| siblings.iter().any(|other| other.id != pod.id && reaches(seen, place, other));
    // A pod that reaches none of them is held back itself (F31); a node is not.
    let holes: Vec<&String> = pod
        .asked_from
        .iter()
        .filter(|place| is_hole(seen, place, pod) && (reaches_another(place) || is_node(place)))
        .collect();
    let others: Vec<&String> = pod.asked_from.iter().filter(|place| reaches(seen, place, pod)).collect();
    // Where no place reaches any of them, DNS as a whole is elsewhere or down.
    let first = holes.first()?;
    if others.is_empty() && !holes.iter().any(|place| reaches_another(place)) {
        return None;
    }
    let lost: Vec<At<'_>> = holes.iter().flat_map(|place| by_udp(seen, place, pod)).collect();
    let tcp = seen.asked(&pod.id).find(|at| at.vantage == **first && at.transport == Transport::Tcp && at.replied());
    let closed = lost.iter().all(|at| at.met(Trouble::Refused));
    let confidence = if lost.len() > 2 { Confidence::Certain } else { Confidence::Likely };
    let names: Vec<&str> = holes.iter().map(|place| place.as_str()).collect();
    let what = if closed { "nothing listens on" } else { "no query by UDP is answered by" };
    let contrast = match (others.first(), &tcp) {
        (_, Some(_)) => "; TCP is answered, which points at broken checksums of a tunnel".to_owned(),
        (Some(other), None) => format!("; from {other} it answers"),
        (None, None) => "; the other pods answer".to_owned(),
    };
    let message = format!("from {} {what} {} ({} queries){contrast}", names.join(" and "), named(pod), lost.len());
    let proof = others.first().and_then(|place| by_udp(seen, place, pod).into_iter().find(|at| at.replied()));
    let sibling = siblings.iter().filter(|other| other.id != pod.id);
    let sibling = sibling.flat_map(|other| by_udp(seen, first, other)).find(|at| at.replied());
    Some(
        Sign::new(&pod.id, confidence, message)
            .resting_on(indexes(lost.into_iter().chain(tcp).chain(proof).chain(sibling))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::openshift4;
    use crate::dns::observation::Observation;

    const POD: &str = "coredns/dns-default-b";

    #[test]
    fn a_hole_in_the_matrix_is_found() {
        let mut evidence = openshift4();
        evidence.change(POD, |at| at.vantage == "pod", Observation::set_silent);
        let signs = evidence.signs("F34");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, POD, Confidence::Certain));
        assert!(signs[0].message.contains("from node1 it answers"), "{}", signs[0].message);
    }

    #[test]
    fn a_pod_that_nobody_reaches_is_found_and_udp_alone_too() {
        let mut evidence = openshift4();
        evidence.change_all(POD, |at| at.set_trouble(Trouble::Refused));
        assert!(evidence.signs("F34")[0].message.contains("nothing listens on"));
        let mut evidence = openshift4();
        evidence.change(POD, |at| at.transport == Transport::Udp && at.vantage == "pod", Observation::set_silent);
        assert!(evidence.signs("F34")[0].message.contains("TCP is answered"));
    }

    #[test]
    fn a_pod_that_reaches_none_of_them_and_a_dns_that_nobody_reaches_are_other_matters() {
        let mut evidence = openshift4();
        for pod in ["coredns/dns-default-a", POD] {
            evidence.change(pod, |at| at.vantage == "pod", Observation::set_silent);
        }
        assert_eq!(evidence.signs("F34"), []);
        for pod in ["coredns/dns-default-a", POD] {
            evidence.change_all(pod, Observation::set_silent);
        }
        assert_eq!(evidence.signs("F34"), []);
    }

    #[test]
    fn a_lost_packet_is_no_hole() {
        let mut evidence = openshift4();
        let nowhere = evidence.nowhere();
        evidence.change(POD, |at| at.vantage == "pod" && at.name == nowhere, Observation::set_silent);
        assert_eq!(evidence.signs("F34"), []);
    }
}
