//! From evidence to findings: every rule looks at it, then causes are told from effects. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::modes::{MODES, Mode};
use super::seen::Seen;

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It fits, and so does something else, or it does no harm yet.
    Possible,
    /// It fits, and nothing else that is known does.
    Likely,
    /// What was seen has no other explanation.
    Certain,
}

impl fmt::Display for Confidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        })
    }
}

/// What a rule says when its mode is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// The guilty hop.
    pub hop: String,
    /// The names that suffer; empty: all.
    pub names: Vec<String>,
    /// How sure.
    pub confidence: Confidence,
    /// What was seen, in one or two sentences.
    pub message: String,
    /// Indexes of the observations that it rests on.
    pub evidence: Vec<usize>,
    /// What to do here, where more is known than the mode's general remedy.
    pub fix: Option<String>,
}

impl Sign {
    /// A sign at a hop.
    pub fn new(hop: &str, confidence: Confidence, message: impl Into<String>) -> Self {
        Self {
            hop: hop.to_owned(),
            names: Vec::new(),
            confidence,
            message: message.into(),
            evidence: Vec::new(),
            fix: None,
        }
    }

    /// Names what it rests on.
    #[must_use]
    pub fn resting_on(mut self, evidence: impl IntoIterator<Item = usize>) -> Self {
        self.evidence.extend(evidence);
        self.evidence.sort_unstable();
        self.evidence.dedup();
        self
    }

    /// Names the names that suffer.
    #[must_use]
    pub fn about<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names.extend(names.into_iter().map(Into::into));
        self.names.sort();
        self.names.dedup();
        self
    }

    /// Says what to do here.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// One thing found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable slug.
    pub code: String,
    /// The number of the mode: `F3`.
    pub id: String,
    /// The guilty hop's id.
    pub hop: String,
    /// The names that suffer; empty: all.
    pub names: Vec<String>,
    /// How sure.
    pub confidence: Confidence,
    /// What was seen.
    pub message: String,
    /// Indexes of observations.
    pub evidence: Vec<usize>,
    /// What to do.
    pub fix: String,
    /// The code of the finding that this one follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_from: Option<String>,
}

/// What a run comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing is wrong, or nothing that is more than possible.
    Ok,
    /// Something is.
    Broken,
}

/// Judges the evidence. The first finding is the root cause; what follows from a cause stands right after it.
pub fn classify(evidence: &Evidence) -> Vec<Finding> {
    let seen = Seen::new(evidence);
    let mut signs: Vec<(&Mode, Sign)> =
        MODES.iter().flat_map(|mode| (mode.find)(&seen).into_iter().map(move |sign| (*mode, sign))).collect();
    // The surest first, and among equals the one that stands first in the order in which a path is looked at.
    signs.sort_by_key(|(mode, sign)| (std::cmp::Reverse(sign.confidence), mode.rank()));
    let mut findings = Vec::new();
    let causes: Vec<Option<usize>> = (0..signs.len()).map(|index| cause_of(&signs, index)).collect();
    for (index, _) in causes.iter().enumerate().filter(|(_, cause)| cause.is_none()) {
        push(&mut findings, &signs, index, None);
        for (effect, _) in causes.iter().enumerate().filter(|(_, cause)| **cause == Some(index)) {
            push(&mut findings, &signs, effect, Some(signs[index].0.code));
        }
    }
    findings
}

/// `broken` when any finding is more than possible.
pub fn verdict(findings: &[Finding]) -> Verdict {
    let broken = findings.iter().any(|finding| finding.confidence > Confidence::Possible);
    if broken { Verdict::Broken } else { Verdict::Ok }
}

/// The root from which a sign follows: a mode that says so, at least as sure.
fn cause_of(signs: &[(&Mode, Sign)], effect: usize) -> Option<usize> {
    let explains = |cause: usize, effect: usize| {
        let ((cause, why), (mode, what)) = (&signs[cause], &signs[effect]);
        cause.explains.contains(&mode.code) && why.confidence >= what.confidence
    };
    let mut at = effect;
    // A cause may be an effect itself; each step goes to a sign that was not visited, so this ends.
    for _ in 0..signs.len() {
        match (0..signs.len()).find(|cause| *cause != at && *cause != effect && explains(*cause, at)) {
            Some(cause) => at = cause,
            None => break,
        }
    }
    (at != effect).then_some(at)
}

fn push(findings: &mut Vec<Finding>, signs: &[(&Mode, Sign)], index: usize, follows_from: Option<&str>) {
    let (mode, sign) = &signs[index];
    findings.push(Finding {
        code: mode.code.to_owned(),
        id: mode.id.to_owned(),
        hop: sign.hop.clone(),
        names: sign.names.clone(),
        confidence: sign.confidence,
        message: sign.message.clone(),
        evidence: sign.evidence.clone(),
        fix: sign.fix.clone().unwrap_or_else(|| mode.mend.to_owned()),
        follows_from: follows_from.map(str::to_owned),
    });
}
