//! F21: dnsmasq ignores whoever is not on a network of the node.

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, Place, PlaceKind};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::dnsmasq::DnsmasqConf;
use crate::dns::observation::{Transport, Trouble};
use crate::dns::seen::node::address;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F21",
    code: "dnsmasq-local-only",
    title: "dnsmasq serves the node's own networks only, and pods are not on them",
    shows: "the node is answered; pods meet silence by UDP, while TCP connects and is closed at once; its log says `ignoring query \
            from non-local network` (once); `local-service` is on, or `interface=lo`",
    mend: "say what to listen on: `except-interface=lo` with `bind-dynamic` in /etc/dnsmasq.d/origin-dns.conf (this switches \
           `local-service` off), take `interface=lo` out of /etc/dnsmasq.conf, and `systemctl restart dnsmasq`",
    stage: Stage::Server,
    explains: &[
        "node-firewall",
        "dnsmasq-not-running",
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

/// With any of these, dnsmasq does not look at where a query comes from.
const OVERRIDES: [&str; 4] = ["interface", "listen-address", "except-interface", "auth-server"];

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let of_hop = |hop: &Hop| {
        let places = seen.places(PlaceKind::Pod).filter(|place| hop.asked_from.contains(&place.name));
        places.filter_map(|place| ignores(seen, hop, place)).collect::<Vec<_>>()
    };
    seen.dnsmasqs().flat_map(of_hop).collect()
}

fn ignores(seen: &Seen<'_>, hop: &Hop, place: &Place) -> Option<Sign> {
    let here = seen.unreached(&place.name, &hop.id)?;
    let of = |transport: Transport| here.iter().filter(move |at| at.transport == transport);
    let silent = of(Transport::Udp).all(|at| at.silent()) && of(Transport::Udp).next().is_some();
    let refused = seen.always(&place.name, &hop.id, Trouble::Refused).is_some();
    let closed = of(Transport::Tcp).next().is_some() && of(Transport::Tcp).all(|at| at.met(Trouble::Closed));
    let node = seen.node_of(hop);
    let of_node = |at: &At<'_>| node.is_some_and(|node| at.is_dns() && at.hop == hop.id && at.vantage == node.name);
    let answered = seen.all().find(|at| of_node(at) && at.replied());
    let conf = seen.conf_of(hop);
    let why = conf.as_ref().and_then(|(_, conf)| reason(conf));
    let confidence = match (&why, &answered) {
        (Some(_), Some(_)) if silent && closed => Confidence::Certain,
        (None, Some(_)) if silent && closed => Confidence::Likely,
        (_, None) if silent && closed && node.is_none() => Confidence::Likely,
        (Some(_), Some(_)) if silent && of(Transport::Tcp).next().is_none() => Confidence::Likely,
        // Bound to loopback alone, it is refused even on the node's own address.
        (Some(_), None) if refused && node.is_some_and(|node| bound_to_loopback(seen, hop, &node.name)) => {
            Confidence::Certain
        }
        _ => return None,
    };
    let udp = of(Transport::Udp).count();
    let how = if refused { "is refused" } else { "gets no reply by UDP, and TCP is closed at once" };
    let why = why.map_or(String::new(), |why| format!(": `{why}` is set"));
    let message = format!("dnsmasq at {} ignores {}, which {how} ({udp} queries){why}", address(hop), place.name);
    let files = conf.map(|(read, _)| read).unwrap_or_default();
    let rests = indexes(here.iter().copied().chain(answered)).into_iter().chain(files);
    Some(Sign::new(&hop.id, confidence, message).resting_on(rests))
}

/// The option that keeps strangers out.
fn reason(conf: &DnsmasqConf) -> Option<&'static str> {
    let interfaces: Vec<&str> =
        conf.values.get("interface").into_iter().flatten().flat_map(|value| value.split(',')).map(str::trim).collect();
    if !interfaces.is_empty() && interfaces.iter().all(|name| *name == "lo") {
        return Some("interface=lo");
    }
    (conf.has("local-service") && !OVERRIDES.iter().any(|option| conf.has(option))).then_some("local-service")
}

/// True when dnsmasq runs, and whoever waits on port 53 waits on loopback.
fn bound_to_loopback(seen: &Seen<'_>, hop: &Hop, node: &str) -> bool {
    let on_loopback = |(_, all): (Vec<usize>, Vec<std::net::SocketAddr>)| all.iter().all(|at| at.ip().is_loopback());
    seen.refused_everywhere(hop).is_some()
        && seen.runs(node, "dnsmasq") == Some(true)
        && seen.waiting(node).is_some_and(on_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::openshift3;
    use crate::dns::observation::Observation;

    fn pods_are_ignored(tcp: Trouble) -> Evidence {
        let mut evidence = openshift3();
        evidence.change("dnsmasq", |at| at.vantage == "pod" && at.transport == Transport::Udp, Observation::set_silent);
        evidence.change(
            "dnsmasq",
            |at| at.vantage == "pod" && at.transport == Transport::Tcp,
            |at| at.set_trouble(tcp),
        );
        evidence
    }

    #[test]
    fn a_dnsmasq_that_serves_its_own_networks_only_is_found() {
        let mut evidence = pods_are_ignored(Trouble::Closed);
        assert_eq!(evidence.signs("F21")[0].confidence, Confidence::Likely, "closed TCP speaks alone");
        evidence.file("node1", "/etc/dnsmasq.d/origin-dns.conf", "no-resolv\nlocal-service\n");
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F21", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        let mut from_the_pod = pods_are_ignored(Trouble::Closed);
        from_the_pod.places.retain(|place| place.name == "pod");
        from_the_pod.forget(|at| at.vantage == "node1");
        assert_eq!(from_the_pod.signs("F21")[0].confidence, Confidence::Likely, "the node is not in sight");
        assert!(findings[0].message.contains("`local-service` is set"));
    }

    #[test]
    fn a_dnsmasq_that_is_bound_to_loopback_is_found() {
        let mut evidence = openshift3();
        evidence.change_all("dnsmasq", |at| at.set_trouble(Trouble::Refused));
        evidence.kernel("node1", &["127.0.0.1", "10.0.2.15"], &["127.0.0.1"]);
        evidence.file("node1", "/etc/dnsmasq.conf", "interface=lo\nbind-interfaces\n");
        evidence.file("node1", "/etc/dnsmasq.d/origin-dns.conf", "no-resolv\n");
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F21", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
    }

    #[test]
    fn a_firewall_that_drops_is_not_dnsmasq() {
        assert_eq!(pods_are_ignored(Trouble::Timeout).signs("F21"), []);
        let mut evidence = pods_are_ignored(Trouble::Closed);
        evidence.change("dnsmasq", |at| at.vantage == "node1", Observation::set_silent);
        assert_eq!(evidence.signs("F21"), [], "it answers nobody");
    }
}
