//! What a probe is to do at one place, in one round. Pure data, and the form in which it travels (JSON, one line).

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::observation::Transport;

/// Everything to be asked at one vantage in one round; all of it starts at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbePlan {
    /// The vantage's name, for the observations.
    pub vantage: String,
    /// 0 survey, 1 first round, 2 second round.
    pub round: u8,
    /// Milliseconds that each question waits for its answer.
    pub timeout_ms: u64,
    /// DNS questions.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// Files to read; one that ends in `/` names a directory whose files are read.
    #[serde(default)]
    pub files: Vec<String>,
    /// Programs whose processes are described (arguments, open files, limits).
    #[serde(default)]
    pub processes: Vec<String>,
    /// Names to ask the place's own C library for.
    #[serde(default)]
    pub lookups: Vec<String>,
}

/// From which port a question is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Any that is free.
    #[default]
    Any,
    /// This one.
    Port(u16),
    /// The questions of one group go out back to back through one socket.
    Group(u16),
}

/// One DNS question to one server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Question {
    /// Whose answer it is: a hop's id.
    pub hop: String,
    /// Where to send it.
    pub server: SocketAddr,
    /// Absolute; a last dot may be left out.
    pub name: String,
    /// The record type, e.g. `AAAA`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Class CH instead of IN.
    #[serde(default)]
    pub chaos: bool,
    /// UDP or TCP.
    pub transport: Transport,
    /// The UDP size to offer; `None` sends no OPT record.
    #[serde(default)]
    pub edns: Option<u16>,
    /// Ask for DNSSEC records.
    #[serde(default)]
    pub dnssec: bool,
    /// Switch validation off.
    #[serde(default)]
    pub checking_disabled: bool,
    /// From which port.
    #[serde(default)]
    pub source: Source,
    /// Milliseconds to wait before it is sent.
    #[serde(default)]
    pub after_ms: u64,
    /// Milliseconds to wait for its answer, in place of the plan's.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

impl Question {
    /// A question by UDP with the OPT record that glibc and CoreDNS send today (1232 bytes).
    pub fn new(hop: &str, server: SocketAddr, name: &str, kind: &str) -> Self {
        Self {
            hop: hop.to_owned(),
            server,
            name: name.to_owned(),
            kind: kind.to_owned(),
            chaos: false,
            transport: Transport::Udp,
            edns: Some(1232),
            dnssec: false,
            checking_disabled: false,
            source: Source::Any,
            after_ms: 0,
            timeout_ms: None,
        }
    }

    /// The same by TCP.
    #[must_use]
    pub fn by_tcp(mut self) -> Self {
        self.transport = Transport::Tcp;
        self
    }

    /// The same without an OPT record, as old clients ask.
    #[must_use]
    pub fn without_edns(mut self) -> Self {
        self.edns = None;
        self
    }

    /// The same from a given port, or through a shared socket.
    #[must_use]
    pub fn from(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// The same, later.
    #[must_use]
    pub fn after(mut self, milliseconds: u64) -> Self {
        self.after_ms = milliseconds;
        self
    }

    /// A question about the server itself: `version.bind`, `servers.bind`, `hostname.bind`.
    pub fn about(hop: &str, server: SocketAddr, name: &str) -> Self {
        Self { chaos: true, edns: None, ..Self::new(hop, server, name, "TXT") }
    }
}
