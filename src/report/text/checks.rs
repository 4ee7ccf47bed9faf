//! Checks in words: the table, the verdict, what was skipped, and what failed. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::AnsiColor;

use super::{error, hints, word};
use crate::error::CommandError;
use crate::printable::printable;
use crate::report::run::causes;
use crate::report::{EnvReport, table};
use crate::smoke::{Cleaned, Failed, ServiceResult, Status, Summary, Unsearched};

/// What counts stands first: a narrow screen cuts the URLs, which share their end.
const CHECKED: [&str; 3] = ["SERVICE", "CHECK", "ENDPOINT"];

/// The checks alone, for `smoke`.
pub fn smoke(results: &[ServiceResult]) -> String {
    let mut rows = vec![CHECKED.map(str::to_owned).to_vec()];
    rows.extend(results.iter().map(|result| vec![result.service.clone(), check(Some(result)), result.url.clone()]));
    format!("{}\n{}\n{}", table::columns(&rows), verdict(results), skipped(results))
}

/// The checks of one of several environments, for `smoke --isolation`.
pub fn isolation(env: &str, results: &[ServiceResult]) -> String {
    format!("made in {env}, looked for in the others:\n{}", smoke(results))
}

/// What `smoke --clean` removed.
pub fn cleaned(env: &str, cleaned: &Cleaned) -> String {
    let mut text = String::new();
    for removed in &cleaned.removed {
        let _ = writeln!(text, "removed {} {} from {}", removed.kind, printable(&removed.name), removed.service);
    }
    let _ = match cleaned.removed.len() {
        0 => writeln!(text, "{env}: nothing of a smoke run was left"),
        count => writeln!(text, "{env}: {count} removed"),
    };
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Unsearched { service, reason } in &cleaned.unsearched {
        reasons.entry(reason).or_default().push(service);
    }
    for (reason, services) in reasons {
        let _ = writeln!(text, "not searched {}: {}", services.join(", "), printable(reason));
    }
    text
}

/// What `smoke --clean` could not remove or look for; what failed in the same way shares one error.
pub fn not_cleaned(env: &str, cleaned: &Cleaned, colour: bool) -> String {
    let mut causes: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for Failed { service, name, finding } in &cleaned.failed {
        let what = name.as_ref().map_or_else(|| service.clone(), |name| format!("{service} {name}"));
        causes.entry((&finding.message, &finding.hint)).or_default().push(what);
    }
    let mut text = String::new();
    for ((message, hint), what) in causes {
        let failed = CommandError::new(format!("{env}: cannot clean {}: {message}", what.join(", "))).hint(hint);
        text.push_str(&error(&failed, colour));
    }
    text
}

/// What is wrong with the services that failed: phase, what was seen, next step. Services that failed in the same way
/// share one error, in the words of the first.
pub fn failed_checks(env: &str, results: &[ServiceResult], colour: bool) -> String {
    let mut text = String::new();
    for cause in causes(results) {
        let _ = writeln!(
            text,
            "{} {env}: the check of {} failed{}: {} ({})",
            word("error:", AnsiColor::Red, colour),
            cause.services.join(", "),
            cause.at_phase(),
            printable(&cause.finding.message),
            cause.finding.code
        );
        hints(&mut text, cause.finding, colour);
    }
    text
}

/// The endpoints of an environment, with their checks where these ran.
pub(super) fn endpoints(report: &EnvReport) -> String {
    let results: BTreeMap<&str, &ServiceResult> =
        report.smoke.iter().flatten().map(|result| (result.service.as_str(), result)).collect();
    let Some(_) = &report.smoke else {
        let mut rows = vec![["SERVICE", "ENDPOINT"].map(str::to_owned).to_vec()];
        rows.extend(report.endpoints.iter().map(|endpoint| vec![endpoint.service.clone(), endpoint.url.clone()]));
        return table::columns(&rows);
    };
    let mut rows = vec![CHECKED.map(str::to_owned).to_vec()];
    rows.extend(report.endpoints.iter().map(|endpoint| {
        let result = results.get(endpoint.service.as_str()).copied();
        vec![endpoint.service.clone(), check(result), endpoint.url.clone()]
    }));
    table::columns(&rows)
}

fn check(result: Option<&ServiceResult>) -> String {
    let Some(result) = result else { return "-".to_owned() };
    let done = result.operations.iter().filter(|operation| operation.ok).count();
    match result.status {
        Status::Passed => format!("passed, {done} calls, {} ms", result.ms),
        Status::Failed => {
            let finding = result.finding.as_ref().map_or("", |finding| finding.code);
            format!("FAILED, {finding}")
        }
        Status::Skipped => "skipped".to_owned(),
    }
}

pub(super) fn verdict(results: &[ServiceResult]) -> String {
    let Summary { passed, failed, skipped } = Summary::of(results);
    let services = if results.len() == 1 { "service" } else { "services" };
    let mut text = format!("{} {services} checked: {passed} passed, {failed} failed", results.len());
    if skipped > 0 {
        let _ = write!(text, ", {skipped} skipped");
    }
    text
}

pub(super) fn skipped(results: &[ServiceResult]) -> String {
    let mut text = String::new();
    for result in results {
        for operation in &result.operations {
            if let Some(reason) = &operation.skipped {
                let _ = writeln!(text, "skipped {} {}: {reason}", result.service, operation.name);
            }
        }
    }
    text
}
