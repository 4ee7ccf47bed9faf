//! One sign of being stuck, and how long it must stand before it counts.

use std::time::Duration;

use super::seen::LogRequest;
use super::words;
use crate::finding::Finding;

/// A sign of being stuck, as one rule sees it at one moment.
#[derive(Debug, Clone)]
pub(super) struct Symptom {
    pub(super) finding: Finding,
    /// The cluster's own words.
    pub(super) evidence: Vec<String>,
    /// How long it must stand before it is named.
    pub(super) named_after: Duration,
    /// How long it must stand before it ends the wait; `None` leaves that to the deadline.
    pub(super) final_after: Option<Duration>,
    /// How far things have come: as long as this number moves, the symptom is young.
    pub(super) mark: usize,
    /// The log that would explain it, where it has not been read yet.
    pub(super) log: Option<LogRequest>,
}

impl Symptom {
    /// A symptom that is named at once and ends the wait only at the deadline.
    pub(super) fn new(code: &'static str, message: &str, hint: impl Into<String>) -> Self {
        Self {
            finding: Finding { code, message: words::sanitised(message), hint: hint.into() },
            evidence: Vec::new(),
            named_after: Duration::ZERO,
            final_after: None,
            mark: 0,
            log: None,
        }
    }

    /// Adds the cluster's words that the symptom rests on.
    pub(super) fn evidence<T: AsRef<str>>(mut self, lines: impl IntoIterator<Item = T>) -> Self {
        self.evidence.extend(lines.into_iter().map(|line| words::evidence(line.as_ref())));
        self
    }

    /// Keeps silent until the symptom has stood this long.
    pub(super) fn named_after(mut self, grace: Duration) -> Self {
        self.named_after = grace;
        self
    }

    /// Ends the wait once the symptom has stood this long.
    pub(super) fn final_after(mut self, grace: Duration) -> Self {
        self.final_after = Some(grace);
        self
    }

    /// Ends the wait now: no amount of waiting can help.
    pub(super) fn final_at_once(self) -> Self {
        self.final_after(Duration::ZERO)
    }
}
