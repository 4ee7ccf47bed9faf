//! Observations in words: what came back, in a cell and in a line. Pure.

use std::net::SocketAddr;

use crate::dns::chain::{Hop, Platform};
use crate::dns::evidence::Evidence;
use crate::dns::observation::{Flags, Observation, Record, Transport, Trouble};
use crate::dns::seen::Seen;

/// The reply's code, or the trouble in its place: one word or two.
pub(super) fn result(seen: &Observation) -> String {
    match (&seen.error, &seen.rcode) {
        // A C library says no more than that.
        (Some(error), _) if seen.transport == Transport::Libc && error.kind == Trouble::Other => "not found".to_owned(),
        (Some(error), _) => trouble(error.kind).to_owned(),
        (None, Some(_)) if seen.no_data() => "NODATA".to_owned(),
        (None, Some(rcode)) => rcode.clone(),
        (None, None) if seen.transport == Transport::Libc && seen.answers.is_empty() => "no address".to_owned(),
        (None, None) => "found".to_owned(),
    }
}

fn trouble(kind: Trouble) -> &'static str {
    match kind {
        Trouble::Timeout => "no answer",
        Trouble::Refused => "port closed",
        Trouble::HostUnreachable => "host unreachable",
        Trouble::NetUnreachable => "no route",
        Trouble::NotPermitted => "not permitted",
        Trouble::Closed => "cut off",
        Trouble::Garbage => "garbage",
        Trouble::Mismatch => "wrong reply",
        Trouble::WrongSource => "wrong sender",
        Trouble::Absent => "absent",
        Trouble::Unreadable => "unreadable",
        Trouble::Other => "error",
    }
}

/// True when what came back is what one hopes for: a reply that answers.
pub(super) fn is_good(seen: &Observation) -> bool {
    seen.error.is_none() && (seen.has_answer() || (!seen.is_dns() && result(seen) == "found"))
}

/// The flags that are set, but for the one that every question sets.
pub(super) fn flags(seen: &Observation) -> String {
    let Some(Flags { aa, tc, ra, ad, .. }) = seen.flags else { return String::new() };
    let set = [("aa", aa), ("ra", ra), ("tc", tc), ("ad", ad)].into_iter().filter(|(_, set)| *set);
    set.map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

/// The first address or other data, else whose word the refusal is.
pub(super) fn answer(seen: &Observation) -> String {
    let fitting: Vec<&Record> = seen.answers.iter().filter(|record| record.kind == seen.kind).collect();
    let all = if fitting.is_empty() { seen.answers.iter().collect() } else { fitting };
    let mut parts = Vec::new();
    match all.as_slice() {
        [] => {}
        [one] => parts.push(data(one, &seen.kind)),
        [first, more @ ..] => parts.push(format!("{} +{}", data(first, &seen.kind), more.len())),
    }
    if seen.replied() && !seen.has_answer() {
        parts.push(seen.soa().map_or_else(|| "no SOA".to_owned(), |soa| format!("SOA {}", soa.name)));
    }
    parts.extend(seen.ede.iter().map(|error| match error.text.as_str() {
        "" => format!("EDE {}", error.code),
        text => format!("EDE {} {text}", error.code),
    }));
    parts.join(", ")
}

fn data(record: &Record, asked: &str) -> String {
    let is_plain = record.kind == asked || record.data.parse::<std::net::IpAddr>().is_ok();
    if is_plain { record.data.clone() } else { format!("{} {}", record.kind, record.data) }
}

/// What was asked, in short: the type, and what was unusual about the question.
pub(super) fn asked(seen: &Observation) -> String {
    let mut words = vec![if seen.transport == Transport::Libc { "getent".to_owned() } else { seen.kind.clone() }];
    if seen.transport == Transport::Tcp {
        words.push("tcp".to_owned());
    }
    if seen.checking_disabled {
        words.push("+cd".to_owned());
    }
    if seen.dnssec {
        words.push("+do".to_owned());
    }
    if seen.is_dns() && seen.transport == Transport::Udp && !seen.chaos {
        match seen.edns {
            Some(1232) => {}
            Some(size) => words.push(format!("edns={size}")),
            None => words.push("no-edns".to_owned()),
        }
    }
    words.extend(seen.source_port.map(|port| format!("port={port}")));
    words.join(" ")
}

/// The types that were asked for and how, each word once: `A/AAAA/tcp`. Of many the first are shown.
pub(super) fn asked_together(all: &[String]) -> String {
    let plain: Vec<&str> = all.iter().filter(|one| !one.contains(' ')).map(String::as_str).collect();
    let short = |one: &String| match one.split_once(' ') {
        Some((kind, rest)) if plain.contains(&kind) => rest.to_owned(),
        _ => one.clone(),
    };
    let others = all.iter().filter(|one| one.contains(' ')).map(short);
    let words: Vec<String> = plain.iter().map(|one| (*one).to_owned()).chain(others).collect();
    match words.as_slice() {
        [one, two, three, more @ ..] if !more.is_empty() => format!("{one}/{two}/{three}, {} more", more.len()),
        few => few.join("/"),
    }
}

/// Milliseconds as short as they may be without losing what matters.
pub(super) fn ms(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

/// An address, without its port where that is 53.
pub(super) fn address(address: SocketAddr) -> String {
    if address.port() == 53 { address.ip().to_string() } else { address.to_string() }
}

/// A hop in a sentence: its id, its address and what runs there.
pub(super) fn hop(hop: &Hop) -> String {
    let mut text = hop.id.clone();
    if let Some(at) = hop.address {
        text = format!("{text} at {}", address(at));
    }
    match &hop.software {
        Some(software) if !software.eq_ignore_ascii_case(&hop.id) => format!("{text} ({software})"),
        _ => text,
    }
}

/// Zones in a sentence; long lists are cut.
pub(super) fn zones(zones: &[String]) -> String {
    if zones.iter().any(|zone| zone.trim_matches('.').is_empty()) {
        return "everything else".to_owned();
    }
    let shown = zones.iter().take(4).map(|zone| zone.trim_matches('.')).collect::<Vec<_>>().join(", ");
    match zones.len().saturating_sub(4) {
        0 => shown,
        more => format!("{shown} and {more} more zones"),
    }
}

/// The generation of the cluster.
pub(super) fn platform(evidence: &Evidence) -> &'static str {
    match evidence.chain.platform {
        Platform::OpenShift3 => "OpenShift 3",
        Platform::Minishift => "minishift",
        Platform::OpenShift4 => "OpenShift 4",
        Platform::Crc => "OpenShift Local (CRC)",
        Platform::MicroShift => "MicroShift",
        Platform::Kubernetes => "Kubernetes",
        Platform::None if Seen::new(evidence).has_api() => "a cluster that shows nothing of its path",
        Platform::None => "no cluster in sight",
    }
}

/// What was asked, by whom, of whom.
pub(super) fn question(seen: &Observation) -> String {
    match seen.transport {
        Transport::Udp | Transport::Tcp if seen.chaos => {
            format!("{} asks {} about itself ({})", seen.vantage, seen.hop, seen.name)
        }
        Transport::Udp | Transport::Tcp => {
            format!("{} asks {}: {} {}", seen.vantage, seen.hop, asked(seen), seen.name)
        }
        Transport::File => format!("{}: {}", seen.vantage, seen.name),
        Transport::Libc => format!("C library of {}: {}", seen.vantage, seen.name),
        Transport::Process => format!("process on {}: {}", seen.vantage, seen.name),
        Transport::Api => format!("cluster's API: {}", seen.name),
    }
}

/// What came back, in one line.
pub(super) fn reply(seen: &Observation) -> String {
    let detail = seen.error.as_ref().map(|error| error.detail.as_str()).filter(|detail| !detail.is_empty());
    if !seen.is_dns() {
        let told = detail.map_or_else(|| told(seen), str::to_owned);
        return if told.is_empty() || told == result(seen) {
            result(seen)
        } else {
            format!("{}, {told}", result(seen))
        };
    }
    let mut parts = vec![[result(seen), flags(seen)].join(" ").trim_end().to_owned()];
    parts.extend(Some(answer(seen)).filter(|text| !text.is_empty()));
    parts.extend(seen.ttl().map(|ttl| format!("ttl {ttl}")));
    parts.extend(seen.size.filter(|size| *size > 512).map(|size| format!("{size} bytes")));
    parts.extend(seen.source.map(|source| format!("from {}", address(source))));
    let says_more = seen.met(Trouble::Other) || seen.met(Trouble::Garbage) || seen.met(Trouble::Mismatch);
    parts.extend(detail.filter(|_| says_more).map(str::to_owned));
    parts.push(format!("{} ms", ms(seen.ms)));
    parts.join(", ")
}

/// The first words of what a file or a process holds; of an object nothing: it is long.
fn told(seen: &Observation) -> String {
    let text = seen.text.as_deref().unwrap_or_default();
    match seen.transport {
        Transport::Libc => answer(seen),
        Transport::File => excerpt(text),
        Transport::Process => process(text),
        _ => String::new(),
    }
}

/// The lines of a file that are no comments, as far as they fit into two lines.
fn excerpt(text: &str) -> String {
    let comment = |line: &&str| !line.is_empty() && !line.starts_with(['#', ';']);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(comment).collect();
    if lines.is_empty() {
        return "empty".to_owned();
    }
    let shown = lines.join(" | ");
    match shown.char_indices().nth(140) {
        Some((end, _)) => format!("{}...", &shown[..end]),
        None => shown,
    }
}

fn process(text: &str) -> String {
    let facts: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let mut parts: Vec<String> = facts["pid"].as_u64().map(|pid| format!("pid {pid}")).into_iter().collect();
    if let (Some(open), Some(limit)) = (facts["open_files"].as_u64(), facts["open_files_limit"].as_u64()) {
        parts.push(format!("{open} of {limit} files open"));
    }
    parts.join(", ")
}
