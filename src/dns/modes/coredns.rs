//! What several rules ask of the hops between a client and the outside: above all of CoreDNS and its pods. Pure.

use crate::dns::chain::{Hop, Role};
use crate::dns::observation::{Observation, Transport};
use crate::dns::seen::{At, Seen};

/// Of the hops that show a trouble, those that have it from nobody: whom they ask for the name does not show it.
pub(super) fn origins<'a>(seen: &Seen<'a>, name: &str, shows: impl Fn(&Hop) -> bool) -> Vec<&'a Hop> {
    let from_another = |hop: &Hop| seen.asks_for(hop, name).into_iter().any(|next| next.id != hop.id && shows(next));
    seen.hops().filter(|hop| hop.role != Role::Client && shows(hop) && !from_another(hop)).collect()
}

/// The pods behind a Service (`coredns/POD`); empty for a hop that is no Service, or whose pods are not known.
pub(super) fn pods<'a>(seen: &Seen<'a>, hop: &Hop) -> Vec<&'a Hop> {
    if hop.role != Role::Coredns || hop.id.contains('/') {
        return Vec::new();
    }
    seen.asks_for(hop, ".").into_iter().filter(|next| next.role == Role::Coredns && next.id != hop.id).collect()
}

/// Every CoreDNS that answers for itself: the pods, or the Service where its pods are not known.
pub(super) fn servers<'a>(seen: &Seen<'a>) -> Vec<&'a Hop> {
    seen.role(Role::Coredns).filter(|hop| pods(seen, hop).is_empty()).collect()
}

/// The hop to blame for what these hops share: the Service when all of its pods are among them, else each on its own.
pub(super) fn joined<'a>(seen: &Seen<'a>, hops: &[&'a Hop]) -> Vec<&'a Hop> {
    let has = |hop: &Hop| hops.iter().any(|other| other.id == hop.id);
    let service = |hop: &Hop| {
        let mut services = seen.askers(&hop.id).filter(|asker| pods(seen, asker).len() > 1);
        services.find(|service| pods(seen, service).into_iter().all(has))
    };
    let mut joined: Vec<&Hop> = hops.iter().map(|hop| service(hop).unwrap_or(hop)).collect();
    joined.dedup_by_key(|hop| &hop.id);
    joined
}

/// SERVFAIL in the words of CoreDNS itself, which gave up on whom it asks: no SOA, and no flag.
pub(super) fn gave_up(at: &Observation) -> bool {
    at.said("SERVFAIL") && at.soa().is_none() && !at.flag(|flags| flags.aa || flags.ra)
}

/// What was asked of a hop by UDP for a name and the names below it: class IN, any type and place.
pub(super) fn below<'a>(seen: &Seen<'a>, hop: &str, zone: &str) -> Vec<At<'a>> {
    let fits = |at: &At<'_>| at.transport == Transport::Udp && crate::dns::chain::is_below(&at.name, zone);
    seen.asked(hop).filter(fits).collect()
}

/// Queries to a hop by UDP for the addresses of names outside of the cluster.
pub(super) fn outside<'a>(seen: &Seen<'a>, hop: &str) -> Vec<At<'a>> {
    let names = seen.outside_names();
    let address = |at: &At<'_>| at.transport == Transport::Udp && matches!(at.kind.as_str(), "A" | "AAAA");
    let is_outside = |at: &At<'_>| names.iter().any(|name| at.name.eq_ignore_ascii_case(name));
    seen.asked(hop).filter(address).filter(is_outside).collect()
}

/// A hop and its address, for a sentence: `upstream-1 (10.9.0.1:53)`.
pub(super) fn named(hop: &Hop) -> String {
    hop.address.map_or_else(|| hop.id.clone(), |address| format!("{} ({address})", hop.id))
}

/// What came back, in a few words: `NXDOMAIN in 0.6 ms`, `no reply within 2000 ms`.
pub(super) fn outcome(at: &Observation) -> String {
    match (&at.rcode, &at.error) {
        (Some(rcode), _) if at.has_answer() => format!("{rcode} {} in {:.1} ms", data(at), at.ms),
        (Some(rcode), _) => format!("{rcode} in {:.1} ms", at.ms),
        (None, Some(_)) if at.silent() => format!("no reply within {:.0} ms", at.ms),
        (None, Some(error)) => format!("{} after {:.1} ms", error.detail, at.ms),
        (None, None) => "nothing".to_owned(),
    }
}

/// The records that were asked for, joined.
pub(super) fn data(at: &Observation) -> String {
    let asked = at.answers.iter().filter(|record| record.kind == at.kind);
    asked.map(|record| record.data.as_str()).collect::<Vec<_>>().join(", ")
}
