//! What came back along a link of the path: one observation stands for it. Takes evidence and findings. Pure.

use std::collections::BTreeSet;

use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::dns::observation::{Observation, Transport};
use crate::report::dns::words;

/// How a link looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It answers.
    Good,
    /// It does not answer what was asked, and no finding rests on that.
    Odd,
    /// A finding rests on what came back.
    Bad,
    /// Nobody asked.
    Unasked,
}

impl State {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Odd => "odd",
            Self::Bad => "bad",
            Self::Unasked => "unasked",
        }
    }

    /// The shape that stands before the words.
    pub(super) fn shape(self) -> &'static str {
        match self {
            Self::Good => "✓ ",
            Self::Bad => "✗ ",
            Self::Odd | Self::Unasked => "",
        }
    }
}

/// What a link says.
pub(super) struct Said {
    pub(super) state: State,
    /// `udp NXDOMAIN 14 ms`.
    pub(super) text: String,
    /// `NXDOMAIN`, or that nobody asked.
    pub(super) result: String,
    /// `udp`.
    pub(super) transport: String,
    /// `14 ms`; of silence nothing.
    pub(super) took: String,
    /// The same for those who hear it.
    pub(super) spoken: String,
}

/// Indexes of the observations on which findings rest that are more than possible.
pub(super) fn proofs(findings: &[Finding]) -> BTreeSet<usize> {
    let sure = findings.iter().filter(|finding| finding.confidence > Confidence::Possible);
    sure.flat_map(|finding| finding.evidence.iter().copied()).collect()
}

/// What came back when the second hop was asked as the first one asks it.
pub(super) fn said(evidence: &Evidence, proofs: &BTreeSet<usize>, from: &Hop, to: &Hop) -> Said {
    let all =
        evidence.observations.iter().enumerate().filter(|(_, seen)| seen.is_dns() && !seen.chaos && seen.hop == to.id);
    let fits = |seen: &Observation| from.asks_for(&seen.name).contains(&to.id);
    let here = |seen: &Observation| from.role != Role::Client || seen.vantage == from.vantage;
    let candidates: Vec<(usize, &Observation)> = all.filter(|(_, seen)| fits(seen) && here(seen)).collect();
    let is_target = |seen: &Observation| evidence.targets.iter().any(|one| one.name.eq_ignore_ascii_case(&seen.name));
    let rank = |(index, seen): &&(usize, &Observation)| {
        let is_bad = proofs.contains(index) && !words::is_good(seen);
        let is_plain = seen.kind == "A" && seen.transport == Transport::Udp;
        (is_bad, is_target(seen), words::is_good(seen), is_plain, std::cmp::Reverse(*index))
    };
    let Some((index, seen)) = candidates.iter().max_by_key(rank) else {
        return Said {
            state: State::Unasked,
            text: "not asked".to_owned(),
            result: "not asked".to_owned(),
            transport: String::new(),
            took: String::new(),
            spoken: format!("{} asks {}; nobody could ask there", from.id, to.id),
        };
    };
    let state = match (words::is_good(seen), proofs.contains(index)) {
        (true, _) => State::Good,
        (false, true) => State::Bad,
        (false, false) => State::Odd,
    };
    let transport = if seen.transport == Transport::Tcp { "tcp" } else { "udp" };
    let took = if seen.silent() { String::new() } else { format!("{} ms", words::ms(seen.ms)) };
    let result = words::result(seen);
    let who = if from.role == Role::Client { String::new() } else { format!(" (asked from {})", seen.vantage) };
    Said {
        state,
        text: format!("{transport} {result} {took}").trim_end().to_owned(),
        spoken: format!("{} asks {} for {} by {transport}: {result} {took}{who}", from.id, to.id, seen.name),
        result,
        transport: transport.to_owned(),
        took,
    }
}
