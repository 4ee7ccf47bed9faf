//! The path and the observations of a run as text.

use std::fmt::Write as _;

use lsdeploy::dns::evidence::Evidence;
use lsdeploy::dns::observation::{Observation, Transport};

/// A line per hop: what it is, where, who asks it, whom it asks.
pub(super) fn table(evidence: &Evidence) -> String {
    let mut text = String::new();
    for hop in &evidence.chain.hops {
        let address = hop.address.map_or_else(|| "-".to_owned(), |address| address.to_string());
        let forwards: Vec<String> = hop
            .forwards
            .iter()
            .map(|forward| format!("{} -> {}", forward.zones.join(" "), forward.to.join(" ")))
            .collect();
        let replies = evidence.observations.iter().filter(|seen| seen.hop == hop.id);
        let (all, good) = (replies.clone().count(), replies.filter(|seen| seen.replied()).count());
        writeln!(
            text,
            "  {:24} {:11} {address:22} from {:12} {good}/{all} replied  {}",
            hop.id,
            hop.role.word(),
            hop.asked_from.join(","),
            forwards.join("; ")
        )
        .unwrap();
    }
    text
}

/// True for what a reader wants to see of a place: files that are there, resolvers that run, lookups.
pub(super) fn matters(seen: &Observation) -> bool {
    let noise = ["/proc/net/", "/etc/gai.conf"];
    seen.transport != Transport::Api && seen.error.is_none() && !noise.iter().any(|path| seen.name.starts_with(path))
}

/// One observation on one line.
pub(super) fn line(seen: &Observation) -> String {
    let mut text = format!("r{} {} {:?} {} {}", seen.round, seen.vantage, seen.transport, seen.name, seen.kind);
    if seen.is_dns() {
        let size = seen.edns.map_or_else(|| "no OPT".to_owned(), |size| size.to_string());
        write!(text, " [{size}] {:.1} ms", seen.ms).unwrap();
    }
    if let (Some(rcode), Some(flags)) = (&seen.rcode, &seen.flags) {
        let names = [("aa", flags.aa), ("tc", flags.tc), ("ra", flags.ra), ("ad", flags.ad)];
        let set: Vec<&str> = names.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect();
        write!(text, ": {rcode} {}", set.join(" ")).unwrap();
    }
    for record in seen.answers.iter().chain(&seen.authority) {
        write!(text, "; {} {} {} {}", record.name, record.ttl, record.kind, record.data).unwrap();
    }
    for error in &seen.ede {
        write!(text, "; EDE {} {}", error.code, error.text).unwrap();
    }
    if let Some(error) = &seen.error {
        write!(text, ": {:?} ({})", error.kind, error.detail).unwrap();
    }
    if let Some(said) = &seen.text {
        write!(text, ": {said:?}").unwrap();
    }
    text
}
