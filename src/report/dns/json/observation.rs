//! Observations as they are written and read. Pure.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::dns::observation::{self, Observation, Transport, Trouble};
use crate::report::dns::mask::masked;

#[derive(Serialize, Deserialize)]
pub(super) struct Observed {
    vantage: String,
    hop: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    transport: Transport,
    rcode: Option<String>,
    flags: Option<Flags>,
    answers: Vec<Record>,
    authority: Vec<Record>,
    ede: Vec<ExtendedError>,
    ms: f64,
    error: Option<Failure>,
    server: Option<SocketAddr>,
    chaos: bool,
    edns: Option<u16>,
    dnssec: bool,
    checking_disabled: bool,
    source_port: Option<u16>,
    group: Option<u16>,
    round: u8,
    reply_edns: Option<u16>,
    size: Option<usize>,
    source: Option<SocketAddr>,
    at: f64,
    text: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are the bits of the header")]
struct Flags {
    aa: bool,
    tc: bool,
    rd: bool,
    ra: bool,
    ad: bool,
    cd: bool,
}

#[derive(Serialize, Deserialize)]
struct Record {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    ttl: u32,
    data: String,
}

#[derive(Serialize, Deserialize)]
struct ExtendedError {
    code: u16,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Failure {
    kind: Trouble,
    detail: String,
}

/// Milliseconds with three digits: what a clock can tell, and what is read back as it was written.
fn microseconds(ms: f64) -> f64 {
    (ms * 1000.0).round() / 1000.0
}

impl From<&Observation> for Observed {
    fn from(seen: &Observation) -> Self {
        let seen = seen.clone();
        Self {
            vantage: seen.vantage,
            hop: seen.hop,
            name: seen.name,
            kind: seen.kind,
            transport: seen.transport,
            rcode: seen.rcode,
            flags: seen.flags.map(Into::into),
            answers: seen.answers.into_iter().map(Into::into).collect(),
            authority: seen.authority.into_iter().map(Into::into).collect(),
            ede: seen.ede.into_iter().map(|error| ExtendedError { code: error.code, text: error.text }).collect(),
            ms: microseconds(seen.ms),
            error: seen.error.map(|error| Failure { kind: error.kind, detail: error.detail }),
            server: seen.server,
            chaos: seen.chaos,
            edns: seen.edns,
            dnssec: seen.dnssec,
            checking_disabled: seen.checking_disabled,
            source_port: seen.source_port,
            group: seen.group,
            round: seen.round,
            reply_edns: seen.reply_edns,
            size: seen.size,
            source: seen.source,
            at: microseconds(seen.at),
            text: seen.text.as_deref().map(masked),
        }
    }
}

impl From<Observed> for Observation {
    fn from(seen: Observed) -> Self {
        Self {
            vantage: seen.vantage,
            hop: seen.hop,
            name: seen.name,
            kind: seen.kind,
            transport: seen.transport,
            rcode: seen.rcode,
            flags: seen.flags.map(Into::into),
            answers: seen.answers.into_iter().map(Into::into).collect(),
            authority: seen.authority.into_iter().map(Into::into).collect(),
            ede: seen
                .ede
                .into_iter()
                .map(|error| observation::ExtendedError { code: error.code, text: error.text })
                .collect(),
            ms: seen.ms,
            error: seen.error.map(|error| observation::ProbeError { kind: error.kind, detail: error.detail }),
            server: seen.server,
            chaos: seen.chaos,
            edns: seen.edns,
            dnssec: seen.dnssec,
            checking_disabled: seen.checking_disabled,
            source_port: seen.source_port,
            group: seen.group,
            round: seen.round,
            reply_edns: seen.reply_edns,
            size: seen.size,
            source: seen.source,
            at: seen.at,
            text: seen.text,
        }
    }
}

impl From<observation::Flags> for Flags {
    fn from(observation::Flags { aa, tc, rd, ra, ad, cd }: observation::Flags) -> Self {
        Self { aa, tc, rd, ra, ad, cd }
    }
}

impl From<Flags> for observation::Flags {
    fn from(Flags { aa, tc, rd, ra, ad, cd }: Flags) -> Self {
        Self { aa, tc, rd, ra, ad, cd }
    }
}

impl From<observation::Record> for Record {
    fn from(observation::Record { name, kind, ttl, data }: observation::Record) -> Self {
        Self { name, kind, ttl, data }
    }
}

impl From<Record> for observation::Record {
    fn from(Record { name, kind, ttl, data }: Record) -> Self {
        Self { name, kind, ttl, data }
    }
}
