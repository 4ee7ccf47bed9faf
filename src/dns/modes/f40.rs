//! F40: a CoreDNS pod still has the resolv.conf that its node had when it started.

use super::coredns::{named, outcome, outside, servers};
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, Place, PlaceKind, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::resolv::ResolvConf;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F40",
    code: "coredns-old-resolv-conf",
    title: "a CoreDNS pod still asks the upstreams that its node had when the pod started",
    shows: "the nodes' resolv.conf was changed, and its servers answer; names of the outside still fail in pods. The copy in the \
            DNS pod names other servers: a pod's resolv.conf is written once",
    mend: "restart the DNS pods: `oc delete pod -n openshift-dns -l dns.operator.openshift.io/daemonset-dns=default`",
    stage: Stage::Next,
    explains: &["upstream-silent", "search-suffix-fails", "search-amplification"],
    find,
    ask: nothing_more,
};

/// What its copy is made from, where the kubelet is not told another one.
const FILE: &str = "/etc/resolv.conf";

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let copies: Vec<Sign> = dns_pods(seen).into_iter().filter_map(|(place, hop)| by_copy(seen, place, hop)).collect();
    if copies.is_empty() { servers(seen).into_iter().filter_map(|hop| by_effect(seen, hop)).collect() } else { copies }
}

/// The vantages that are CoreDNS pods themselves.
fn dns_pods<'a>(seen: &Seen<'a>) -> Vec<(&'a Place, &'a Hop)> {
    let of = |place: &'a Place| {
        let pod = place.pod.as_deref()?.strip_prefix("openshift-dns/")?;
        let hop = seen.hop(&format!("coredns/{pod}")).or_else(|| seen.hop("coredns"))?;
        Some((place, hop))
    };
    seen.places(PlaceKind::Pod).filter_map(of).collect()
}

/// The node that a pod is on, or the only one there is.
fn node_of<'a>(seen: &Seen<'a>, node: Option<&str>) -> Option<&'a Place> {
    let fits = |place: &&Place| node.is_none() || place.node.as_deref() == node || Some(place.name.as_str()) == node;
    seen.places(PlaceKind::Node).find(fits)
}

/// The file that the kubelet of a node copies into pods with `dnsPolicy: Default`.
fn original<'a>(seen: &Seen<'a>, node: &Place) -> Option<(At<'a>, ResolvConf)> {
    let kubelet = seen.object(&format!("kubelet/{}", node.node.as_deref().unwrap_or(&node.name)));
    let path = kubelet.and_then(|(_, kubelet)| Some(kubelet["resolvConf"].as_str()?.to_owned()));
    let (at, text) = seen.file(&node.name, path.as_deref().unwrap_or(FILE))?;
    Some((at, ResolvConf::parse(text)))
}

/// The copy in the pod and the file on the node name different servers.
fn by_copy(seen: &Seen<'_>, place: &Place, hop: &Hop) -> Option<Sign> {
    let (old_at, old) = seen.resolv_conf(&place.name)?;
    let (new_at, new) = original(seen, node_of(seen, place.node.as_deref())?)?;
    let gone: Vec<String> =
        old.nameservers.iter().filter(|server| !new.nameservers.contains(server)).map(ToString::to_string).collect();
    if gone.is_empty() || !takes_the_file(seen) {
        return None;
    }
    let failed = failures(seen, hop);
    let confidence = if failed.is_empty() { Confidence::Possible } else { Confidence::Certain };
    let effect = failed
        .first()
        .map_or_else(|| "; it still works".to_owned(), |at| format!("; `{}` gets {}", at.name, outcome(at)));
    let list = |conf: &ResolvConf| conf.nameservers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let message = format!(
        "{} started when its node named {}; the node names {} today, the pod still asks {}{effect}",
        named(hop),
        list(&old),
        list(&new),
        gone.join(", "),
    );
    Some(
        Sign::new(&hop.id, confidence, message)
            .about(names(seen, &failed))
            .resting_on(indexes(failed.iter().copied()).into_iter().chain([old_at.index, new_at.index])),
    )
}

/// It fails for all names of the outside, although every server that the node names today answers them there.
fn by_effect(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let failed = failures(seen, hop);
    let node = node_of(seen, hop.node.as_deref())?;
    let upstreams: Vec<&Hop> = seen.asks_for(hop, ".").into_iter().filter(|next| next.role == Role::Upstream).collect();
    let answers = |next: &&Hop| {
        let all = outside(seen, &next.id);
        all.into_iter().find(|at| at.vantage == node.name && at.has_answer())
    };
    let good: Vec<At<'_>> = upstreams.iter().filter_map(answers).collect();
    if failed.is_empty() || good.is_empty() || good.len() < upstreams.len() || !takes_the_file(seen) {
        return None;
    }
    let worst = failed.first()?;
    let message = format!(
        "{} does not get names of the outside (`{}`: {}), although each server that {} names today answers there: it may still have \
         an older resolv.conf, or the pod may not ask them; `--vantage pod=openshift-dns/POD` looks from inside",
        named(hop),
        worst.name,
        outcome(worst),
        node.name,
    );
    let rests = indexes(failed.iter().copied().chain(good));
    Some(Sign::new(&hop.id, Confidence::Possible, message).about(names(seen, &failed)).resting_on(rests))
}

/// The Corefile takes its upstreams from the pod's file; where it cannot be read, it is the one that the operator writes.
fn takes_the_file(seen: &Seen<'_>) -> bool {
    let corefile = seen.object("configmaps/openshift-dns/dns-default");
    let text = corefile.and_then(|(_, map)| Some(map.pointer("/data/Corefile")?.as_str()?.to_owned()));
    text.is_none_or(|text| text.contains(FILE))
}

/// Names of the outside that got no answer, when none did.
fn failures<'a>(seen: &Seen<'a>, hop: &Hop) -> Vec<At<'a>> {
    let all = outside(seen, &hop.id);
    let failed = |at: &At<'_>| at.silent() || at.said("SERVFAIL") || at.said("REFUSED");
    if all.iter().all(failed) { all } else { Vec::new() }
}

fn names<'a>(seen: &Seen<'a>, failed: &[At<'a>]) -> Vec<String> {
    let asked_for = |name: &String| seen.targets().any(|target| target.name == *name);
    failed.iter().map(|at| at.name.clone()).filter(asked_for).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, flags, openshift4};

    const POD: &str = "coredns/dns-default-a";

    /// A vantage in a CoreDNS pod, with this file.
    fn inside(file: &str) -> Evidence {
        let mut evidence = openshift4();
        let mut place = evidence.places[0].clone();
        (place.name, place.pod) = ("dns".to_owned(), Some("openshift-dns/dns-default-a".to_owned()));
        evidence.places.push(place);
        evidence.file("dns", FILE, file);
        evidence
    }

    fn failing(evidence: &mut Evidence) {
        evidence.change(POD, |at| !at.name.ends_with("cluster.local"), |at| at.set_rcode("SERVFAIL", flags("")));
    }

    #[test]
    fn a_copy_that_names_a_server_of_yesterday_is_found() {
        let mut evidence = inside("nameserver 10.9.0.200\n");
        assert_eq!(evidence.signs("F40")[0].confidence, Confidence::Possible);
        failing(&mut evidence);
        let signs = evidence.signs("F40");
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), (POD, Confidence::Certain));
        assert!(signs[0].message.contains("still asks 10.9.0.200"), "{}", signs[0].message);
        assert!(signs[0].names.contains(&OUTSIDE.to_owned()));
    }

    #[test]
    fn the_same_file_is_silent_and_a_dead_upstream_too() {
        let mut evidence = inside("nameserver 10.9.0.1\n");
        failing(&mut evidence);
        assert_eq!(evidence.signs("F40").iter().map(|sign| sign.confidence).max(), Some(Confidence::Possible));
        evidence.change_all("upstream-1", crate::dns::observation::Observation::set_silent);
        assert_eq!(evidence.signs("F40"), []);
        assert_eq!(openshift4().signs("F40"), []);
    }
}
