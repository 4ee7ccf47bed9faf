//! F39: CoreDNS asks an address that leads back into its own pod, or to itself.

use serde_json::Value;

use super::coredns::{joined, named, outcome, outside, servers};
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F39",
    code: "upstream-is-loopback",
    title: "CoreDNS has a loopback address or itself as its upstream",
    shows: "names of the outside time out or fail, cluster names are fine; the Corefile or the resolv.conf that the pod got from \
            its node says 127.0.0.53, 127.0.0.1 or the address of the DNS Service. OpenShift's Corefile has no `loop` plugin \
            that would notice",
    mend: "give the kubelet the real list: `resolvConf: /run/systemd/resolve/resolv.conf` where systemd-resolved runs; or set \
           `spec.upstreamResolvers` in `dns.operator/default`; then restart the DNS pods",
    stage: Stage::Next,
    explains: &["upstream-silent", "coredns-old-resolv-conf", "search-suffix-fails", "tcp-blocked", "reverse-silent"],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let led_back = |hop: &&Hop| back(seen, hop).is_some() && !failures(seen, hop).is_empty();
    let hops: Vec<&Hop> = servers(seen).into_iter().filter(led_back).collect();
    joined(seen, &hops).into_iter().filter_map(|hop| sign(seen, hop, &hops)).collect()
}

/// The upstream that is no upstream: a loopback address, this CoreDNS, its Service or one of its siblings.
fn back<'a>(seen: &Seen<'a>, hop: &Hop) -> Option<&'a Hop> {
    let is_back = |next: &&Hop| next.role == Role::Coredns || next.address.is_some_and(|at| at.ip().is_loopback());
    seen.asks_for(hop, ".").into_iter().find(is_back)
}

/// Names of the outside that it could not answer; none when it answered any.
fn failures<'a>(seen: &Seen<'a>, hop: &Hop) -> Vec<At<'a>> {
    let all = outside(seen, &hop.id);
    let failed = |at: &At<'_>| at.silent() || at.said("SERVFAIL") || at.said("REFUSED");
    if all.iter().all(failed) { all } else { Vec::new() }
}

fn sign(seen: &Seen<'_>, hop: &Hop, hops: &[&Hop]) -> Option<Sign> {
    let to = hops.iter().find_map(|hop| back(seen, hop))?;
    let failures: Vec<At<'_>> = hops.iter().flat_map(|hop| failures(seen, hop)).collect();
    let worst = failures.first()?;
    let address = to.address.map(|address| address.ip().to_string()).unwrap_or_default();
    let (source, at) = where_said(seen, &address);
    let why =
        if to.role == Role::Coredns { "is CoreDNS again: a loop" } else { "is the pod itself, where nobody listens" };
    let message = format!(
        "{} forwards names of the outside to {address}{source}, which {why}; `{}`: {}",
        named(hop),
        worst.name,
        outcome(worst)
    );
    let names = failures.iter().map(|at| at.name.as_str()).filter(|name| seen.targets().any(|one| one.name == **name));
    let sign = Sign::new(&hop.id, Confidence::Certain, message).about(names);
    Some(sign.resting_on(indexes(failures.iter().copied())).resting_on(at))
}

/// Which file or object says so.
fn where_said(seen: &Seen<'_>, address: &str) -> (String, Option<usize>) {
    let says =
        |text: &str| text.split(|char: char| char.is_whitespace() || char == '/').any(|word| word.starts_with(address));
    let corefile = seen.object("configmaps/openshift-dns/dns-default");
    let corefile = corefile.filter(|(_, map)| map.pointer("/data/Corefile").and_then(Value::as_str).is_some_and(says));
    if let Some((at, _)) = corefile {
        return (" (its Corefile says so)".to_owned(), Some(at.index));
    }
    let mut files = seen.all().filter(|at| at.name == "/etc/resolv.conf" && at.text.as_deref().is_some_and(says));
    let file =
        files.find(|at| seen.evidence.places.iter().any(|place| place.name == at.vantage && place.pod.is_none()));
    match file {
        Some(at) => (format!(" (resolv.conf of {} says so, which the DNS pods got)", at.vantage), Some(at.index)),
        None => (String::new(), None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, flags, openshift4};
    use crate::dns::observation::Observation;

    const PODS: [&str; 2] = ["coredns/dns-default-a", "coredns/dns-default-b"];

    fn forwarding(to: &str, address: &str) -> Evidence {
        let mut evidence = openshift4();
        for hop in &mut evidence.chain.hops {
            if PODS.contains(&hop.id.as_str()) {
                hop.forwards[0].to = vec![to.to_owned()];
            }
            if hop.id == to && !address.is_empty() {
                hop.address = address.parse().ok();
            }
        }
        evidence
    }

    fn failing(evidence: &mut Evidence) {
        for hop in PODS {
            evidence.change(hop, |at| !at.name.ends_with("cluster.local"), Observation::set_silent);
        }
    }

    #[test]
    fn a_loopback_upstream_that_the_node_gave_is_found() {
        let mut evidence = forwarding("upstream-1", "127.0.0.53:53");
        evidence.file("node1", "/etc/resolv.conf", "nameserver 127.0.0.53\n");
        assert_eq!(evidence.signs("F39"), [], "as long as names resolve, it is not what the pods got");
        failing(&mut evidence);
        let signs = evidence.signs("F39");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "coredns", Confidence::Certain));
        assert!(signs[0].message.contains("resolv.conf of node1"), "{}", signs[0].message);
        assert!(signs[0].names.contains(&OUTSIDE.to_owned()));
    }

    #[test]
    fn a_corefile_that_leads_back_to_the_service_is_a_loop() {
        let mut evidence = forwarding("coredns", "");
        failing(&mut evidence);
        let corefile = ".:5353 {\n forward . 172.30.0.10\n}\n";
        evidence.object("configmaps/openshift-dns/dns-default", &json!({ "data": { "Corefile": corefile } }));
        let signs = evidence.signs("F39");
        assert!(
            signs[0].message.contains("a loop") && signs[0].message.contains("its Corefile"),
            "{}",
            signs[0].message
        );
    }

    #[test]
    fn an_upstream_that_is_dead_is_another_matter() {
        let mut evidence = openshift4();
        evidence.change_all("upstream-1", Observation::set_silent);
        for hop in PODS {
            evidence.change(hop, |at| at.name == OUTSIDE, |at| at.set_rcode("SERVFAIL", flags("")));
        }
        assert_eq!(evidence.signs("F39"), []);
    }
}
