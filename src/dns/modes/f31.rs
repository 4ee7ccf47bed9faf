//! F31: a policy lets a pod ask port 53, but CoreDNS listens on 5353.

use serde_json::Value;

use super::coredns::{named, pods};
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, Place, PlaceKind, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::Trouble;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F31",
    code: "policy-blocks-5353",
    title: "a network policy of the pod's namespace does not let it reach CoreDNS on port 5353",
    shows: "from this pod neither the DNS Service nor any CoreDNS pod answers, UDP and TCP; from the node and other namespaces \
            they do. The policy admits port 53, but it is applied after the Service's address became a pod's, with port 5353",
    mend: "admit UDP and TCP 5353 to namespace `openshift-dns` in the policy's egress rules",
    stage: Stage::Reach,
    explains: &["coredns-pod-unreachable", "wrong-dns-address", "tcp-blocked"],
    find,
    ask: nothing_more,
};

/// Where CoreDNS listens in its pods.
const PORT: u64 = 5353;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let places = seen.evidence.places.iter().filter(|place| matches!(place.kind, PlaceKind::Pod | PlaceKind::Other));
    places.filter_map(|place| sign(seen, place)).collect()
}

fn sign(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let client = seen.client(&place.name)?;
    let dns = seen.asks_for(client, ".").into_iter().find(|hop| hop.role == Role::Coredns)?;
    let mut lost = kept_back(seen, &place.name, dns)?;
    for pod in pods(seen, dns) {
        lost.extend(kept_back(seen, &place.name, pod)?);
    }
    let elsewhere = answers_elsewhere(seen, place, dns);
    let policy = policy_against(seen, place);
    let confidence = match (&policy, &elsewhere) {
        (Some(_), _) => Confidence::Certain,
        (None, Some((_, true))) => Confidence::Likely,
        (None, Some((_, false))) => Confidence::Possible,
        (None, None) => return None,
    };
    let why = match &policy {
        Some((_, name)) => {
            format!("NetworkPolicy `{name}` admits no egress to UDP {PORT}, where CoreDNS listens in its pods")
        }
        None => "from elsewhere it does, so something holds back what this pod sends to port 5353".to_owned(),
    };
    let message = format!(
        "{} and the pods behind it answer none of {} queries from {}; {why}",
        named(dns),
        lost.len(),
        place.name
    );
    let sign = Sign::new(&dns.id, confidence, message)
        .resting_on(indexes(lost))
        .resting_on(elsewhere.map(|(at, _)| at.index))
        .resting_on(policy.map(|(index, _)| index));
    Some(sign)
}

/// Everything that a place asked of a hop, when none of it came through and nobody refused it.
fn kept_back<'a>(seen: &Seen<'a>, place: &str, hop: &Hop) -> Option<Vec<At<'a>>> {
    let dropped = |at: &At<'_>| at.silent() || at.met(Trouble::HostUnreachable) || at.met(Trouble::NotPermitted);
    seen.unreached(place, &hop.id).filter(|all| all.iter().all(dropped))
}

/// An answer of the same CoreDNS to another place; true when that place is on the same node, so that the node's network works.
fn answers_elsewhere<'a>(seen: &Seen<'a>, place: &Place, dns: &Hop) -> Option<(At<'a>, bool)> {
    let ids: Vec<&str> = [dns].into_iter().chain(pods(seen, dns)).map(|hop| hop.id.as_str()).collect();
    let replies = seen.all().filter(|at| ids.contains(&at.hop.as_str()) && at.vantage != place.name && at.replied());
    let node_of = |at: &At<'_>| seen.evidence.places.iter().find(|other| other.name == at.vantage)?.node.as_deref();
    let near = |at: &At<'_>| place.node.is_some() && node_of(at) == place.node.as_deref();
    replies.map(|at| (at, near(&at))).max_by_key(|(_, near)| *near)
}

/// A policy of the pod's namespace under which its egress to CoreDNS is not admitted.
fn policy_against(seen: &Seen<'_>, place: &Place) -> Option<(usize, String)> {
    let (namespace, _) = place.pod.as_deref()?.split_once('/')?;
    let labels =
        seen.object(&format!("pods/{}", place.pod.as_deref()?)).map(|(_, pod)| pod["metadata"]["labels"].clone());
    let prefix = format!("networkpolicies/{namespace}/");
    let policies: Vec<(At<'_>, Value)> =
        seen.objects(&prefix).filter(|(_, policy)| limits_egress(policy) && selects(policy, labels.as_ref())).collect();
    let (at, first) = policies.first()?;
    let admits = policies.iter().any(|(_, policy)| egress(policy).iter().any(admits_dns));
    let name = first["metadata"]["name"].as_str().unwrap_or(&at.name).to_owned();
    (!admits).then_some((at.index, name))
}

fn egress(policy: &Value) -> Vec<Value> {
    policy["spec"]["egress"].as_array().cloned().unwrap_or_default()
}

fn limits_egress(policy: &Value) -> bool {
    let types = policy["spec"]["policyTypes"].as_array();
    types.is_some_and(|types| types.iter().any(|kind| kind == "Egress")) || !egress(policy).is_empty()
}

/// True when the policy is for the pod; a selector that cannot be compared is not.
fn selects(policy: &Value, labels: Option<&Value>) -> bool {
    let selector = &policy["spec"]["podSelector"];
    let wanted = selector["matchLabels"].as_object();
    let expressions = selector["matchExpressions"].as_array().is_some_and(|list| !list.is_empty());
    let has = |(key, value): (&String, &Value)| labels.is_some_and(|labels| labels[key] == *value);
    !expressions && wanted.is_none_or(|wanted| wanted.iter().all(has))
}

/// True for an egress rule that lets UDP to port 5353 of a pod through.
fn admits_dns(rule: &Value) -> bool {
    let port = |port: &Value| {
        let udp = port["protocol"].as_str() == Some("UDP");
        let number = port["port"].as_u64();
        let range = number.is_some_and(|first| (first..=port["endPort"].as_u64().unwrap_or(first)).contains(&PORT));
        udp && (port["port"].is_null() || range || port["port"].as_str() == Some("dns"))
    };
    let some = |key: &str| rule[key].as_array().filter(|list| !list.is_empty());
    let to_pods = some("to").is_none_or(|to| to.iter().any(|peer| !peer["namespaceSelector"].is_null()));
    to_pods && some("ports").is_none_or(|ports| ports.iter().any(port))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::openshift4;
    use crate::dns::observation::Observation;

    const ALL: [&str; 3] = ["coredns", "coredns/dns-default-a", "coredns/dns-default-b"];

    fn silent(vantages: &[&str]) -> Evidence {
        let mut evidence = openshift4();
        for hop in ALL {
            evidence.change(hop, |at| vantages.contains(&at.vantage.as_str()), Observation::set_silent);
        }
        evidence
    }

    fn policy(evidence: &mut Evidence, ports: &serde_json::Value) {
        let rule = json!({ "to": [{ "namespaceSelector": {} }], "ports": ports });
        let spec = json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [rule] });
        evidence.object("networkpolicies/team1/dns-only", &json!({ "metadata": { "name": "dns-only" }, "spec": spec }));
    }

    #[test]
    fn a_pod_that_only_may_ask_port_53_is_held_back() {
        let mut evidence = silent(&["pod"]);
        let signs = evidence.signs("F31");
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("coredns", Confidence::Likely));
        policy(&mut evidence, &json!([{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }]));
        let signs = evidence.signs("F31");
        assert_eq!(signs[0].confidence, Confidence::Certain);
        assert!(signs[0].message.contains("`dns-only`"), "{}", signs[0].message);
    }

    #[test]
    fn a_policy_that_admits_5353_is_not_to_blame() {
        let mut evidence = silent(&["pod"]);
        policy(&mut evidence, &json!([{ "protocol": "UDP", "port": 5353 }]));
        assert_eq!(evidence.signs("F31")[0].confidence, Confidence::Likely);
        assert!(!evidence.signs("F31")[0].message.contains("dns-only"));
    }

    #[test]
    fn a_dns_that_nobody_reaches_or_that_one_pod_does_is_another_matter() {
        assert_eq!(silent(&["pod", "node1"]).signs("F31"), []);
        let mut evidence = openshift4();
        evidence.change(ALL[1], |at| at.vantage == "pod", Observation::set_silent);
        policy(&mut evidence, &json!([{ "protocol": "UDP", "port": 53 }]));
        assert_eq!(evidence.signs("F31"), []);
    }
}
