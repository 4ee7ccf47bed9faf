//! What a smoke run tells: the JSON that others rely on. Pure.

use std::time::Instant;

use serde::Serialize;

use super::{diagnose::Failure, options::Target};
use crate::finding::{Finding, Phase};

/// Whether a service works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every operation did what it should, except those known to be beyond the emulator.
    Passed,
    /// An operation failed; `phase` and `finding` say where and why.
    Failed,
    /// Nothing was tried; `skipped` says why.
    Skipped,
}

/// One call of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// Its name, as in the AWS API: `create_queue`.
    pub name: String,
    /// Milliseconds, polling included.
    pub ms: u64,
    /// Whether it did what it should; false also when it was skipped, for nothing is proved then.
    pub ok: bool,
    /// Why it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// The result of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceResult {
    /// Name of the service.
    pub service: String,
    /// Whether it works.
    pub status: Status,
    /// Where it stopped; none unless failed.
    pub phase: Option<Phase>,
    /// Every call in order, cleaning up included.
    pub operations: Vec<Operation>,
    /// Milliseconds, cleaning up included.
    pub ms: u64,
    /// URL under test.
    pub url: String,
    /// What is wrong; none unless failed.
    pub finding: Option<Finding>,
    /// Why the whole service was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Services with a result.
    pub done: usize,
    /// Services of the run.
    pub total: usize,
}

/// How many services passed, failed and were skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Services that work.
    pub passed: usize,
    /// Services that do not.
    pub failed: usize,
    /// Services that were not tried.
    pub skipped: usize,
}

impl Summary {
    /// Counts results.
    pub fn of(results: &[ServiceResult]) -> Self {
        let count = |status| results.iter().filter(|result| result.status == status).count();
        Self { passed: count(Status::Passed), failed: count(Status::Failed), skipped: count(Status::Skipped) }
    }
}

impl ServiceResult {
    pub(super) fn checked(target: Target, operations: Vec<Operation>, ms: u64, failure: Option<Failure>) -> Self {
        let Target { service, url } = target;
        let (status, phase, finding) = match failure {
            None => (Status::Passed, None, None),
            Some(Failure { phase, finding }) => (Status::Failed, Some(phase), Some(finding)),
        };
        Self { service, status, phase, operations, ms, url, finding, skipped: None }
    }

    pub(super) fn skipped(target: Target, reason: String) -> Self {
        let Target { service, url } = target;
        let (status, skipped) = (Status::Skipped, Some(reason));
        Self { service, status, phase: None, operations: Vec::new(), ms: 0, url, finding: None, skipped }
    }
}

/// Milliseconds since `started`.
pub(super) fn millis(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
