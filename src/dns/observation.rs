//! An observation: one thing asked at one place, and what came back. Pure data, and the saved form of it.
//!
//! DNS queries, files, the C library's own answers, processes and objects of the API are all observations, so that a saved
//! run can be judged again elsewhere, and a finding can point at everything it rests on.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// How it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A DNS query by UDP.
    Udp,
    /// A DNS query by TCP.
    Tcp,
    /// A file was read.
    File,
    /// The C library of the place was asked (`getent ahosts`).
    Libc,
    /// The process table was read.
    Process,
    /// The cluster's API was asked.
    Api,
}

/// Why nothing came back, or nothing that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Nothing came within the time-out.
    Timeout,
    /// ICMP port unreachable, or a TCP reset at connect: nothing listens there.
    Refused,
    /// ICMP host unreachable or administratively prohibited (`EHOSTUNREACH`).
    HostUnreachable,
    /// No route (`ENETUNREACH`).
    NetUnreachable,
    /// The place does not permit it (`EPERM`, `EACCES`): a local firewall, or a privileged port.
    NotPermitted,
    /// The connection was closed or reset before the answer was whole.
    Closed,
    /// What came is no DNS message, or is cut short.
    Garbage,
    /// A message with another id or question came, and none that fits.
    Mismatch,
    /// A reply came from another address than the one asked, and none from that one.
    WrongSource,
    /// The file, program or object is not there.
    Absent,
    /// It is there and cannot be read.
    Unreadable,
    /// Anything else; `detail` says what.
    Other,
}

/// What went wrong with one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeError {
    /// Which trouble.
    pub kind: Trouble,
    /// The operating system's or the parser's words.
    pub detail: String,
}

/// The flags of a DNS header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are the bits of the header")]
pub struct Flags {
    /// Authoritative answer.
    pub aa: bool,
    /// Truncated.
    pub tc: bool,
    /// Recursion desired.
    pub rd: bool,
    /// Recursion available.
    pub ra: bool,
    /// Authentic data.
    pub ad: bool,
    /// Checking disabled.
    pub cd: bool,
}

/// One resource record, its data as in a zone file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Owner, absolute, without the last dot; the root is `.`.
    pub name: String,
    /// `A`, `SOA`, `TXT`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Seconds.
    pub ttl: u32,
    /// The data: an address, a name, the fields of a SOA, the strings of a TXT with a space between them.
    pub data: String,
}

/// An extended DNS error (RFC 8914).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtendedError {
    /// The info code, e.g. 15 for Blocked.
    pub code: u16,
    /// The server's words, often empty.
    pub text: String,
}

/// One thing asked, and what came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// From where: a vantage's name; `api` for objects of the cluster.
    pub vantage: String,
    /// Whom: a hop's id; empty for files, processes and objects.
    #[serde(default)]
    pub hop: String,
    /// The address asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<SocketAddr>,
    /// A name without its last dot, a path, a process, or an object (`services/default/kubernetes`).
    pub name: String,
    /// The record type, or `FILE`, `PROCESS`, `OBJECT`.
    #[serde(rename = "type")]
    pub kind: String,
    /// True for class CH, in which servers speak of themselves.
    #[serde(default, skip_serializing_if = "is_false")]
    pub chaos: bool,
    /// How.
    pub transport: Transport,
    /// The UDP size offered in an OPT record; `None`: no OPT was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edns: Option<u16>,
    /// DNSSEC records were asked for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dnssec: bool,
    /// Validation was switched off for this question.
    #[serde(default, skip_serializing_if = "is_false")]
    pub checking_disabled: bool,
    /// The port it was sent from, where the plan named one or a group shared one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    /// The group that shared a socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u16>,
    /// 0 survey, 1 first round, 2 second round.
    #[serde(default)]
    pub round: u8,
    /// `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`, ... as in RFC 2929.
    #[serde(default)]
    pub rcode: Option<String>,
    /// The header's flags.
    #[serde(default)]
    pub flags: Option<Flags>,
    /// The answer section; for the C library, its addresses.
    #[serde(default)]
    pub answers: Vec<Record>,
    /// The authority section.
    #[serde(default)]
    pub authority: Vec<Record>,
    /// Extended errors.
    #[serde(default)]
    pub ede: Vec<ExtendedError>,
    /// The UDP size in the reply's OPT record; `None`: it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_edns: Option<u16>,
    /// Bytes of the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// From where the reply came, where that is another address than the one asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SocketAddr>,
    /// Milliseconds from the start of the round until it was sent.
    #[serde(default)]
    pub at: f64,
    /// Milliseconds it took.
    #[serde(default)]
    pub ms: f64,
    /// What went wrong, when no readable answer came.
    #[serde(default)]
    pub error: Option<ProbeError>,
    /// A file's text, a process's facts (JSON), an object (JSON), what `getent` printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Observation {
    /// An observation of nothing yet.
    pub fn blank(vantage: &str, name: &str, kind: &str, transport: Transport) -> Self {
        Self {
            vantage: vantage.to_owned(),
            hop: String::new(),
            server: None,
            name: name.to_owned(),
            kind: kind.to_owned(),
            chaos: false,
            transport,
            edns: None,
            dnssec: false,
            checking_disabled: false,
            source_port: None,
            group: None,
            round: 0,
            rcode: None,
            flags: None,
            answers: Vec::new(),
            authority: Vec::new(),
            ede: Vec::new(),
            reply_edns: None,
            size: None,
            source: None,
            at: 0.0,
            ms: 0.0,
            error: None,
            text: None,
        }
    }

    /// True for a DNS query.
    pub fn is_dns(&self) -> bool {
        matches!(self.transport, Transport::Udp | Transport::Tcp)
    }

    /// True when a whole DNS message came back.
    pub fn replied(&self) -> bool {
        self.rcode.is_some()
    }

    /// True when the reply's code is this one.
    pub fn said(&self, rcode: &str) -> bool {
        self.rcode.as_deref() == Some(rcode)
    }

    /// True when this trouble came instead of a reply.
    pub fn met(&self, trouble: Trouble) -> bool {
        self.error.as_ref().is_some_and(|error| error.kind == trouble)
    }

    /// True when nothing came within the time-out.
    pub fn silent(&self) -> bool {
        self.met(Trouble::Timeout)
    }

    /// True for NOERROR with a record of the type that was asked for.
    pub fn has_answer(&self) -> bool {
        self.said("NOERROR") && self.answers.iter().any(|record| record.kind == self.kind)
    }

    /// True for such a reply, and for a C library that gave an address.
    pub fn found(&self) -> bool {
        let by_libc = self.transport == Transport::Libc && self.error.is_none() && !self.answers.is_empty();
        by_libc || self.has_answer()
    }

    /// True for NOERROR without such a record.
    pub fn no_data(&self) -> bool {
        self.said("NOERROR") && !self.has_answer()
    }

    /// The addresses in the answer, in its order.
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.answers.iter().filter_map(|record| record.data.parse().ok()).collect()
    }

    /// The SOA of a negative answer.
    pub fn soa(&self) -> Option<&Record> {
        self.authority.iter().find(|record| record.kind == "SOA")
    }

    /// The lowest time to live in the answer, seconds.
    pub fn ttl(&self) -> Option<u32> {
        self.answers.iter().map(|record| record.ttl).min()
    }

    /// A flag of the reply; false without a reply.
    pub fn flag(&self, pick: impl Fn(&Flags) -> bool) -> bool {
        self.flags.as_ref().is_some_and(pick)
    }
}
