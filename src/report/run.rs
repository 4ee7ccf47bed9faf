//! One run as its reports show it: what became of each environment, and what several failures have in common. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Access, EnvReport};
use crate::error::CommandError;
use crate::exit::ExitStatus;
use crate::finding::{Finding, Phase};
use crate::smoke::{ServiceResult, Status, Summary};

/// One run of a command, at its end.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The command: `up`, `smoke` or `status`.
    pub command: &'static str,
    /// What became of each environment.
    pub reports: &'a [EnvReport],
    /// Why there is no more to show: the run could not do its job, or was interrupted.
    pub error: Option<&'a CommandError>,
    /// When it began.
    pub began: jiff::Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// Failures that have one cause, in the words of the first.
pub(super) struct Cause<'a> {
    /// The services that failed.
    pub(super) services: Vec<&'a str>,
    /// The first of them.
    pub(super) first: &'a ServiceResult,
    /// What was found wrong with it.
    pub(super) finding: &'a Finding,
}

impl Cause<'_> {
    /// `at phase route`, or nothing where no phase is known.
    pub(super) fn at_phase(&self) -> String {
        self.first.phase.map_or_else(String::new, |phase| format!(" at phase {}", phase.word()))
    }
}

impl Run<'_> {
    /// Nothing is wrong with any environment.
    pub(super) fn is_well(&self) -> bool {
        self.error.is_none() && self.reports.iter().all(|report| report.status == ExitStatus::Success)
    }

    /// Every check of every environment, counted.
    pub(super) fn summary(&self) -> Summary {
        let results: Vec<Summary> = self.reports.iter().map(|report| Summary::of(results(report))).collect();
        let sum = |count: fn(&Summary) -> usize| results.iter().map(count).sum();
        Summary { passed: sum(|s| s.passed), failed: sum(|s| s.failed), skipped: sum(|s| s.skipped) }
    }

    /// Calls that were not tried, in services that were.
    pub(super) fn skipped_calls(&self) -> usize {
        let results = self.reports.iter().flat_map(results);
        results.flat_map(|result| &result.operations).filter(|call| call.skipped.is_some()).count()
    }

    /// The verdict in one line.
    pub(super) fn verdict(&self) -> String {
        if self.error.is_some() {
            return "The run ended early".to_owned();
        }
        let all = self.reports.len();
        match self.reports.iter().filter(|report| report.status != ExitStatus::Success).count() {
            0 => "All is well".to_owned(),
            _ if all == 1 => format!("{} {}", self.reports[0].env, state(&self.reports[0])),
            bad => format!("{bad} of {all} environments {} not well", if bad == 1 { "is" } else { "are" }),
        }
    }
}

/// The checks of an environment; none where they did not run.
pub(super) fn results(report: &EnvReport) -> &[ServiceResult] {
    report.smoke.as_deref().unwrap_or_default()
}

/// What became of an environment: goes with its name.
pub(super) fn state(report: &EnvReport) -> &'static str {
    let results = results(report);
    let failed = || results.iter().filter(|result| result.status == Status::Failed);
    let is_unreached = failed().count() > 0
        && results.iter().all(|result| result.status != Status::Passed)
        && failed().all(|result| result.phase.is_some_and(|phase| phase < Phase::Api));
    match (&report.error, &report.stuck) {
        (Some(_), _) if report.status == ExitStatus::Error => "was not applied",
        (Some(_), _) => "is applied, but lost sight of",
        (None, Some(_)) => "is not ready",
        (None, None) if report.endpoints.is_empty() => "is applied",
        (None, None) if is_unreached => "cannot be reached from here",
        (None, None) if failed().count() > 0 => "serves, but checks failed",
        (None, None) => "is ready",
    }
}

/// Who reaches an environment, in one line.
pub(super) fn access(access: &Access) -> String {
    let Access { allow_from, route_labels, router } = access;
    let labels: Vec<String> = route_labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let router = match labels.as_slice() {
        [] => format!("the router at {router}"),
        labels => format!("a router that serves {}", labels.join(", ")),
    };
    match allow_from.as_slice() {
        [] => format!(
            "open to everybody who reaches {router}; the emulator has no authentication: --allow-from CIDR narrows it"
        ),
        ranges => format!("open to {} only, at {router}", ranges.join(", ")),
    }
}

/// What is known of an environment besides its checks, for people.
pub(super) fn facts(report: &EnvReport) -> Vec<(&'static str, String)> {
    let reached = report.access.as_ref().map(access);
    let known = [
        ("emulator", Some(report.machine.as_ref().map_or(&report.emulator, |machine| &machine.emulator))),
        ("image", report.image.as_ref()),
        ("digest", report.digest.as_ref()),
        ("SCC", report.scc.as_ref()),
        ("owner", report.owner.as_ref()),
        ("access", reached.as_ref()),
        ("namespace", report.namespace.as_ref()),
        ("run", Some(&report.run_id)),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name, value.filter(|v| !v.is_empty())?.clone()))).collect()
}

/// Services that failed in the same way share one cause.
pub(super) fn causes(results: &[ServiceResult]) -> Vec<Cause<'_>> {
    let mut causes: BTreeMap<&str, Cause<'_>> = BTreeMap::new();
    for result in results.iter().filter(|result| result.status == Status::Failed) {
        if let Some(finding) = &result.finding {
            // What the emulator says differs from service to service; a name that is not known does not.
            let is_shared = result.phase.is_some_and(|phase| phase < Phase::Api);
            let key = if is_shared { finding.code } else { &result.service };
            let cause = causes.entry(key).or_insert_with(|| Cause { services: Vec::new(), first: result, finding });
            cause.services.push(&result.service);
        }
    }
    causes.into_values().collect()
}

/// An error with its hints, a line each.
pub(super) fn with_hints(error: &CommandError) -> String {
    error.hints.iter().fold(error.message.clone(), |text, hint| hinted(&text, hint))
}

/// Text with the lines of a hint below it.
pub(super) fn hinted(text: &str, hint: &str) -> String {
    hint.lines().filter(|line| !line.is_empty()).fold(text.to_owned(), |text, line| format!("{text}\nhint: {line}"))
}

/// Milliseconds, seconds or minutes, as people read them.
pub(super) fn duration(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else if took < Duration::from_secs(100) {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        format!("{} min {} s", took.as_secs() / 60, took.as_secs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reaches_an_environment_is_one_line() {
        let open = Access { allow_from: Vec::new(), route_labels: BTreeMap::new(), router: "*.apps.test".to_owned() };
        assert_eq!(
            access(&open),
            "open to everybody who reaches the router at *.apps.test; the emulator has no authentication: --allow-from CIDR \
             narrows it"
        );
        let narrow = Access {
            allow_from: vec!["10.0.0.0/8".to_owned()],
            route_labels: BTreeMap::from([("shard".to_owned(), "a".to_owned())]),
            ..open
        };
        assert_eq!(access(&narrow), "open to 10.0.0.0/8 only, at a router that serves shard=a");
    }
}
