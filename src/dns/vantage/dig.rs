//! `dig` in place of the probe: a question as its arguments, its output as an observation. Pure.

use std::net::SocketAddr;

use crate::dns::observation::{ExtendedError, Flags, Observation, ProbeError, Record, Transport, Trouble};
use crate::dns::plan::{Question, Source};

/// The command that asks this once, waits so many milliseconds, and prints everything.
pub(super) fn arguments(question: &Question, wait: u64) -> Vec<String> {
    let seconds = wait.div_ceil(1000).max(1);
    let mut arguments = vec!["dig".to_owned(), "+nosearch".to_owned(), "+tries=1".to_owned(), "+ignore".to_owned()];
    arguments.push(format!("+time={seconds}"));
    arguments.push(if question.transport == Transport::Tcp { "+tcp" } else { "+notcp" }.to_owned());
    arguments.push(question.edns.map_or_else(|| "+noedns".to_owned(), |size| format!("+bufsize={size}")));
    arguments.extend(question.dnssec.then(|| "+dnssec".to_owned()));
    arguments.extend(question.checking_disabled.then(|| "+cdflag".to_owned()));
    if let Source::Port(port) = question.source {
        let any = if question.server.is_ipv6() { "::" } else { "0.0.0.0" };
        arguments.extend(["-b".to_owned(), format!("{any}#{port}")]);
    }
    let (class, kind) = (if question.chaos { "CH" } else { "IN" }, question.kind.clone());
    let port = question.server.port().to_string();
    arguments.extend([format!("@{}", question.server.ip()), "-p".to_owned(), port]);
    arguments.extend(["-c".to_owned(), class.to_owned(), "-t".to_owned(), kind]);
    arguments.extend(["-q".to_owned(), format!("{}.", question.name.trim_end_matches('.'))]);
    arguments
}

/// What it printed.
pub(super) fn read(question: &Question, text: &str) -> Observation {
    let name = question.name.trim_end_matches('.');
    let name = if name.is_empty() { "." } else { name };
    let mut observation = Observation::blank("", name, &question.kind, question.transport);
    observation.hop.clone_from(&question.hop);
    observation.server = Some(question.server);
    observation.chaos = question.chaos;
    observation.edns = question.edns.or_else(|| question.dnssec.then_some(1232));
    observation.dnssec = question.dnssec;
    observation.checking_disabled = question.checking_disabled;
    observation.source_port = if let Source::Port(port) = question.source { Some(port) } else { None };
    let mut section = "";
    for line in text.lines().map(str::trim_end) {
        if let Some(rest) = line.strip_prefix(";; ") {
            section = rest.strip_suffix(" SECTION:").unwrap_or("");
            comment(&mut observation, rest);
        } else if let Some(rest) = line.strip_prefix("; ").filter(|_| section == "OPT PSEUDO" || section.is_empty()) {
            option(&mut observation, rest);
        } else if line.is_empty() {
            section = "";
        } else if let Some(record) = record(line) {
            match section {
                "ANSWER" => observation.answers.push(record),
                "AUTHORITY" => observation.authority.push(record),
                _ => {}
            }
        }
    }
    if observation.rcode.is_none() {
        observation.error = Some(trouble(text));
        observation.source = source(text);
    }
    observation
}

/// A line of the header or of the end.
fn comment(observation: &mut Observation, line: &str) {
    let after = |word: &str| line.split_once(word).map(|(_, rest)| rest);
    let number = |text: &str| text.split_whitespace().next().and_then(|word| word.parse::<u32>().ok());
    if let Some(rest) = after("->>HEADER<<-").and_then(|rest| rest.split_once("status: ")) {
        observation.rcode = rest.1.split(',').next().map(|word| rcode(word.trim()));
    } else if let Some(rest) = line.strip_prefix("flags:") {
        let has = |flag: &str| rest.split(';').next().unwrap_or_default().split_whitespace().any(|word| word == flag);
        let [aa, tc, rd, ra, ad, cd] = ["aa", "tc", "rd", "ra", "ad", "cd"].map(has);
        observation.flags = Some(Flags { aa, tc, rd, ra, ad, cd });
    } else if let Some(time) = line.strip_prefix("Query time: ").and_then(number) {
        observation.ms = f64::from(time);
    } else if let Some(size) = after("rcvd: ").and_then(number) {
        observation.size = usize::try_from(size).ok();
    }
}

/// A line about the OPT record.
fn option(observation: &mut Observation, line: &str) {
    if let Some((_, size)) = line.split_once("udp: ").filter(|_| line.starts_with("EDNS:")) {
        observation.reply_edns = size.trim().parse().ok();
    } else if let Some(rest) = line.strip_prefix("EDE: ") {
        let (code, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        // `(Blocked): (the server's words)`
        let text = rest.split_once("): ").map(|(_, text)| text).unwrap_or_default();
        let text = text.trim_matches(['(', ')']).to_owned();
        observation.ede.extend(code.parse().ok().map(|code| ExtendedError { code, text }));
    } else if let Some(rest) = line.strip_prefix("OPT=15: ") {
        // Old ones print the bytes, and then what they would be as letters.
        let hex = rest.split(" (").next().unwrap_or_default();
        let bytes: Vec<u8> = hex.split_whitespace().filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        if let [high, low, words @ ..] = bytes.as_slice() {
            let text = String::from_utf8_lossy(words).into_owned();
            observation.ede.push(ExtendedError { code: u16::from_be_bytes([*high, *low]), text });
        }
    }
}

fn rcode(word: &str) -> String {
    let number = word.strip_prefix("RESERVED").filter(|number| number.parse::<u16>().is_ok());
    number.map_or_else(|| word.to_owned(), |number| format!("RCODE{number}"))
}

/// `NAME TTL CLASS TYPE DATA`.
fn record(line: &str) -> Option<Record> {
    let (name, rest) = word(line)?;
    let (ttl, rest) = word(rest)?;
    let (_, rest) = word(rest)?;
    let (kind, data) = word(rest).unwrap_or((rest, ""));
    let data = match kind {
        "TXT" => strings(data),
        "CNAME" | "NS" | "PTR" | "MX" | "SRV" | "SOA" => {
            data.split_whitespace().map(undotted).collect::<Vec<_>>().join(" ")
        }
        _ => data.to_owned(),
    };
    Some(Record { name: undotted(name).to_owned(), kind: kind.to_owned(), ttl: ttl.parse().ok()?, data })
}

fn word(text: &str) -> Option<(&str, &str)> {
    text.split_once(char::is_whitespace).map(|(word, rest)| (word, rest.trim_start()))
}

fn undotted(name: &str) -> &str {
    match name.strip_suffix('.') {
        Some("") | None => name,
        Some(inner) => inner,
    }
}

/// The strings of a TXT record, joined with spaces, without their quotes and escapes.
fn strings(data: &str) -> String {
    let mut joined: Vec<u8> = Vec::new();
    let (mut inside, mut bytes) = (false, data.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                inside = !inside;
                if inside && !joined.is_empty() {
                    joined.push(b' ');
                }
            }
            b'\\' => {
                let rest: Vec<u8> = bytes.clone().take(3).collect();
                let number = std::str::from_utf8(&rest).ok().and_then(|digits| digits.parse::<u8>().ok());
                match number.filter(|_| rest.len() == 3 && rest.iter().all(u8::is_ascii_digit)) {
                    Some(number) => {
                        joined.push(number);
                        let _ = bytes.nth(2);
                    }
                    None => joined.extend(bytes.next()),
                }
            }
            byte if inside => joined.push(byte),
            _ => {}
        }
    }
    String::from_utf8_lossy(&joined).into_owned()
}

/// Why there was no reply, by what it printed.
fn trouble(text: &str) -> ProbeError {
    const WORDS: [(&str, Trouble); 15] = [
        ("connection refused", Trouble::Refused),
        ("host unreachable", Trouble::HostUnreachable),
        ("network unreachable", Trouble::NetUnreachable),
        ("permission denied", Trouble::NotPermitted),
        ("unexpected source", Trouble::WrongSource),
        ("ID mismatch", Trouble::Mismatch),
        ("Question section mismatch", Trouble::Mismatch),
        ("bad packet", Trouble::Garbage),
        ("malformed", Trouble::Garbage),
        ("short (<", Trouble::Garbage),
        ("end of file", Trouble::Closed),
        ("connection reset", Trouble::Closed),
        ("timed out", Trouble::Timeout),
        ("no servers could be reached", Trouble::Timeout),
        ("no response", Trouble::Timeout),
    ];
    let found = WORDS.iter().find_map(|(words, kind)| Some((text.lines().find(|line| line.contains(words))?, *kind)));
    let (line, kind) =
        found.unwrap_or_else(|| (text.lines().find(|line| !line.is_empty()).unwrap_or(""), Trouble::Other));
    ProbeError { kind, detail: format!("dig: {}", line.trim_start_matches([';', ' '])) }
}

/// The address in `;; reply from unexpected source: 10.0.0.1#53, expected 10.0.0.2#53`.
fn source(text: &str) -> Option<SocketAddr> {
    let (_, rest) = text.split_once("unexpected source: ")?;
    let (address, port) = rest.split(',').next()?.split_once('#')?;
    Some(SocketAddr::new(address.parse().ok()?, port.trim().parse().ok()?))
}
