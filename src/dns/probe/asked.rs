//! A question on its way, from the plan to its observation.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::message::Reply;
use crate::dns::observation::{Observation, ProbeError, Trouble};
use crate::dns::plan::Question;

/// One question, its message, and what is known of its answer.
pub(super) struct Asked {
    pub(super) question: Question,
    pub(super) packet: Vec<u8>,
    pub(super) id: u16,
    /// When it is to be sent.
    pub(super) due: Instant,
    pub(super) observation: Observation,
    /// How long it waits for its answer.
    pub(super) wait: Duration,
    /// When the round began.
    pub(super) round: Instant,
    pub(super) sent: Instant,
    /// What came and did not fit.
    pub(super) suspicion: Option<ProbeError>,
    pub(super) tell: UnboundedSender<Observation>,
}

impl Asked {
    /// It is sent now.
    pub(super) fn starts(&mut self) {
        self.sent = Instant::now();
        self.observation.at = milliseconds(self.sent - self.round);
    }

    /// When its time is over.
    pub(super) fn deadline(&self) -> Instant {
        self.sent + self.wait
    }

    /// True when this is the address that was asked. Who asks `0.0.0.0` asks the own machine.
    pub(super) fn is_from(&self, address: SocketAddr) -> bool {
        let server = self.question.server;
        let itself = server.ip().is_unspecified() && address.ip().is_loopback();
        address.port() == server.port() && (itself || address.ip() == server.ip())
    }

    /// Remembers what came and did not fit; the first such thing counts.
    pub(super) fn suspect(&mut self, kind: Trouble, detail: String) {
        if self.suspicion.is_none() {
            self.suspicion = Some(ProbeError { kind, detail });
        }
    }

    /// The answer came.
    pub(super) fn answered(mut self, reply: Reply, size: usize) {
        reply.tell(size, &mut self.observation);
        self.observation.source = None;
        self.done(None);
    }

    /// The operating system says no.
    pub(super) fn failed(self, error: &io::Error, words: &str) {
        let detail = if words.is_empty() { error.to_string() } else { format!("{words}: {error}") };
        self.done(Some(ProbeError { kind: trouble(error), detail }));
    }

    /// It ends without an answer.
    pub(super) fn ends(self, kind: Trouble, detail: &str) {
        let detail = detail.to_owned();
        self.done(Some(ProbeError { kind, detail }));
    }

    /// Its time is over.
    pub(super) fn expired(mut self) {
        let nothing =
            || ProbeError { kind: Trouble::Timeout, detail: format!("nothing came in {} ms", self.wait.as_millis()) };
        let error = self.suspicion.take().unwrap_or_else(nothing);
        self.done(Some(error));
    }

    fn done(mut self, error: Option<ProbeError>) {
        self.observation.ms = milliseconds(self.sent.elapsed());
        self.observation.error = error;
        // Nobody listens any more when the round was given up.
        let _ = self.tell.send(self.observation);
    }
}

/// Milliseconds, to the microsecond.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// What an error of the operating system means.
pub(super) fn trouble(error: &io::Error) -> Trouble {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable,
        PermissionDenied, TimedOut, UnexpectedEof,
    };
    match error.kind() {
        ConnectionRefused => Trouble::Refused,
        HostUnreachable => Trouble::HostUnreachable,
        NetworkUnreachable => Trouble::NetUnreachable,
        PermissionDenied => Trouble::NotPermitted,
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => Trouble::Closed,
        TimedOut => Trouble::Timeout,
        _ => Trouble::Other,
    }
}
