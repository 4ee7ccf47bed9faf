//! F22: dnsmasq withholds private addresses.

use std::net::IpAddr;

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::node::{bare_denial, outcome};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F22",
    code: "rebind-blocked",
    title: "dnsmasq withholds private addresses that come from upstream (protection against rebinding)",
    shows: "names with private addresses (nip.io, split horizon) come back empty: NOERROR without records and without a SOA, with \
            extended error 15 from dnsmasq 2.86 on; the upstream gives the private address; names with public ones work; the log \
            says `possible DNS-rebind attack detected`",
    mend: "except the domain: `rebind-domain-ok=/DOMAIN/cluster.local/` in /etc/dnsmasq.d/, or take `stop-dns-rebind` out; then \
           `systemctl restart dnsmasq`",
    stage: Stage::Special,
    explains: &["nip-io-blocked", "aaaa-broken", "pod-resolv-conf-wrong", "dnsmasq-stale-answer"],
    find,
    ask: nothing_more,
};

/// RFC 8914 `Blocked`.
const BLOCKED: u16 = 15;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| withholds(seen, hop)).collect()
}

fn withholds(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let asked = seen.asked(&hop.id).filter(|at| at.kind == "A" || at.kind == "AAAA");
    let empty: Vec<At<'_>> =
        asked.filter(|at| at.said("NOERROR") && at.name.contains('.') && bare_denial(at)).collect();
    let given = |at: &At<'_>| {
        let next = seen.asks_for(hop, &at.name).into_iter();
        let mut replies = next.flat_map(|next| seen.for_name(&next.id, &at.name, &at.kind).collect::<Vec<_>>());
        replies.find(|reply| reply.addresses().iter().any(is_private))
    };
    let blocked = |at: &At<'_>| at.ede.iter().any(|error| error.code == BLOCKED);
    let pairs: Vec<(At<'_>, Option<At<'_>>)> =
        empty.iter().map(|at| (*at, given(at))).filter(|(at, given)| given.is_some() || blocked(at)).collect();
    let (shown, private) = pairs.iter().find(|(_, given)| given.is_some()).or_else(|| pairs.first())?;
    let conf = seen.conf_of(hop);
    let told = conf.as_ref().is_some_and(|(_, conf)| conf.has("stop-dns-rebind"));
    let certain = private.is_some() && (told || pairs.iter().any(|(at, _)| blocked(at)));
    let says = if pairs.iter().any(|(at, _)| blocked(at)) {
        " and says itself that it blocks (extended error 15)"
    } else {
        ""
    };
    let beside = private.map_or(String::new(), |at| format!(", while {} says {}", at.hop, outcome(&at)));
    let message = format!("dnsmasq empties the answer for `{}` ({}){says}{beside}", shown.name, outcome(shown));
    let files = conf.map(|(read, _)| read).unwrap_or_default();
    let rests = indexes(pairs.iter().flat_map(|(at, given)| [Some(*at), *given]).flatten()).into_iter().chain(files);
    let confidence = if certain { Confidence::Certain } else { Confidence::Likely };
    Some(Sign::new(&hop.id, confidence, message).about(pairs.iter().map(|(at, _)| at.name.as_str())).resting_on(rests))
}

/// Addresses that `stop-dns-rebind` withholds.
fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_documentation() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            let mapped = v6.to_ipv4_mapped().is_some_and(|v4| is_private(&IpAddr::V4(v4)));
            mapped || v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{ROUTE, SERVICE, flags, openshift3};
    use crate::dns::observation::Observation;

    fn asks_for_route(at: &Observation) -> bool {
        at.name == ROUTE && at.kind == "A"
    }

    fn emptied(address: &str) -> Evidence {
        let mut evidence = openshift3();
        for upstream in ["upstream-1", "upstream-2"] {
            evidence.change(upstream, asks_for_route, |at| at.set_answer(&[address], 60, flags("ra")));
        }
        evidence.change("dnsmasq", asks_for_route, |at| at.set_negative("NOERROR", None, flags("ra")));
        evidence.targets[1].expected = vec![address.parse().unwrap()];
        evidence
    }

    #[test]
    fn a_withheld_private_address_is_found() {
        let mut evidence = emptied("10.0.0.1");
        assert_eq!(evidence.signs("F22")[0].confidence, Confidence::Likely);
        evidence.file("node1", "/etc/dnsmasq.d/rebind.conf", "stop-dns-rebind\n");
        assert_eq!(evidence.signs("F22")[0].confidence, Confidence::Certain);
        let mut evidence = emptied("192.168.64.2");
        evidence.change("dnsmasq", asks_for_route, |at| at.set_ede(BLOCKED));
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F22", "dnsmasq"));
        assert_eq!((findings[0].confidence, findings[0].names[0].as_str()), (Confidence::Certain, ROUTE));
    }

    #[test]
    fn addresses_of_services_are_private_too() {
        let mut evidence = openshift3();
        evidence.change(
            "dnsmasq",
            |at| at.name == SERVICE && at.kind == "A",
            |at| {
                at.set_negative("NOERROR", None, flags("aa ra"));
                at.set_ede(BLOCKED);
            },
        );
        assert_eq!(
            (evidence.signs("F22")[0].confidence, evidence.signs("F22")[0].names[0].as_str()),
            (Confidence::Certain, SERVICE)
        );
    }

    #[test]
    fn an_upstream_that_has_nothing_and_a_public_address_are_no_protection() {
        let mut evidence = emptied("10.0.0.1");
        for upstream in ["upstream-1", "upstream-2"] {
            evidence.change(upstream, asks_for_route, |at| at.set_negative("NOERROR", None, flags("ra")));
        }
        assert_eq!(evidence.signs("F22"), [], "the upstream is empty too");
        assert_eq!(emptied("140.82.112.3").signs("F22"), []);
    }
}
