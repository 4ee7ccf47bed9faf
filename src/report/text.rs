//! Results for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style as Ansi};

use super::run::{causes, state};
use super::{EnvReport, ListedLocal, Machine, Removed, table};
use crate::cluster::inventory::Inventory;
use crate::error::CommandError;
use crate::finding::Finding;
use crate::manifest::ObjectId;
use crate::printable::printable;
use crate::smoke::{Cleaned, Failed, ServiceResult, Status, Summary, Unsearched};

/// What counts stands first: a narrow screen cuts the URLs, which share their end.
const CHECKED: [&str; 3] = ["SERVICE", "CHECK", "ENDPOINT"];

/// `error:` and `hint:` lines.
pub fn error(error: &CommandError, colour: bool) -> String {
    headed("error:", AnsiColor::Red, error, colour)
}

/// The same where the command did what it was to do all the same.
pub fn warning(warning: &CommandError, colour: bool) -> String {
    headed("warning:", AnsiColor::Yellow, warning, colour)
}

fn headed(head: &str, hue: AnsiColor, error: &CommandError, colour: bool) -> String {
    let mut text = format!("{} {}\n", word(head, hue, colour), printable(&error.message));
    for hint in &error.hints {
        let _ = writeln!(text, "{} {}", word("hint:", AnsiColor::Cyan, colour), printable(hint));
    }
    text
}

/// What is wrong with one environment, with evidence: for standard error.
pub fn problem(report: &EnvReport, colour: bool) -> String {
    let mut text = String::new();
    if let Some(failed) = &report.error {
        text.push_str(&error(&named(report, failed), colour));
    }
    if let Some((finding, evidence)) = &report.stuck {
        let _ = writeln!(
            text,
            "{} {} is not ready: {} ({})",
            word("error:", AnsiColor::Red, colour),
            report.env,
            printable(&finding.message),
            finding.code
        );
        for line in evidence.iter().flat_map(|words| words.lines()) {
            let _ = writeln!(text, "  | {}", printable(line));
        }
        hints(&mut text, finding, colour);
    }
    text.push_str(&failed_checks(&report.env, report.smoke.as_deref().unwrap_or_default(), colour));
    text
}

/// The table of endpoints and the verdict: for standard output.
pub fn environment(report: &EnvReport) -> String {
    let mut text = String::new();
    let state = state(report);
    let place =
        report.namespace.as_ref().map_or_else(|| "on this machine".to_owned(), |name| format!("in namespace {name}"));
    let _ = writeln!(text, "{} {state}: {} {place}", report.env, report.emulator);
    let mut facts = report.machine.as_ref().map(machine).unwrap_or_default();
    let acted = report.machine.as_ref().filter(|_| was_applied(report));
    facts.extend(acted.map(|machine| vec!["  processes".to_owned(), done(machine.action).to_owned()]));
    facts.extend(report.image.iter().map(|image| vec!["  image".to_owned(), image.clone()]));
    facts.extend(report.digest.iter().map(|digest| vec!["  digest".to_owned(), digest.clone()]));
    facts.extend(report.scc.iter().map(|scc| vec!["  scc".to_owned(), scc.clone()]));
    if !report.objects.is_empty() {
        let objects =
            if was_applied(report) { count_actions(&report.objects) } else { report.objects.len().to_string() };
        facts.push(vec!["  objects".to_owned(), objects]);
    }
    text.push_str(&table::columns(&facts));
    for note in &report.notes {
        let _ = writeln!(text, "  note: {}", printable(note));
    }
    if !report.endpoints.is_empty() {
        text.push('\n');
        text.push_str(&endpoints(report));
    }
    if let Some(results) = &report.smoke {
        let _ = writeln!(text, "\n{}", verdict(results));
        text.push_str(&skipped(results));
    }
    text
}

/// A command that only looks does nothing with what is there.
fn was_applied(report: &EnvReport) -> bool {
    report.phases.done.iter().any(|(name, _)| *name == "apply")
}

/// What stands in place of objects on this machine.
fn machine(machine: &Machine) -> Vec<Vec<String>> {
    let row = |name: &str, value: String| vec![format!("  {name}"), value];
    let pid = |pid: Option<u32>| pid.map_or_else(String::new, |pid| format!(", process {pid}"));
    let again = match machine.restarts {
        0 => String::new(),
        1 => ", started again once".to_owned(),
        times => format!(", started again {times} times"),
    };
    let mut rows = vec![
        row("router", format!("http://localhost:{}{}", machine.port, pid(machine.supervisor))),
        row("emulator", format!("{}{}{again}", machine.emulator, pid(machine.process))),
    ];
    rows.extend(machine.log.iter().map(|log| row("log", log.display().to_string())));
    rows
}

/// One line for an environment that is gone.
pub(super) fn removed(removed: &Removed) -> String {
    let Removed { env, namespace, deleted, out_of_sight } = removed;
    let place = namespace.as_ref().map_or_else(|| "on this machine".to_owned(), |name| format!("in namespace {name}"));
    match deleted {
        0 if *out_of_sight => {
            format!("{env} was gone already: you have no project {}\n", namespace.as_deref().unwrap_or_default())
        }
        0 => format!("{env} was gone already: there is nothing of it {place}\n"),
        _ => format!("{env} is gone\n"),
    }
}

/// One line per environment.
pub fn list(inventories: &[Inventory], now: jiff::Timestamp) -> String {
    if inventories.is_empty() {
        return "there are no environments; `lsdeploy up --env NAME` makes one\n".to_owned();
    }
    let mut rows = vec![["ENV", "NAMESPACE", "EMULATOR", "CREATED BY", "AGE"].map(str::to_owned).to_vec()];
    rows.extend(inventories.iter().map(|inventory| {
        vec![
            inventory.env.clone(),
            inventory.namespace.clone(),
            inventory.choices.emulator.clone().unwrap_or_else(|| "localstack".to_owned()),
            printable(inventory.created_by.as_deref().unwrap_or("?")),
            inventory.created.as_deref().and_then(|created| age(created, now)).unwrap_or_else(|| "?".to_owned()),
        ]
    }));
    table::columns(&rows)
}

/// One line per environment of this machine.
pub fn local_list(found: &[ListedLocal], now: jiff::Timestamp) -> String {
    if found.is_empty() {
        return "there are no environments on this machine; `lsdeploy up --env NAME --target local` makes one\n"
            .to_owned();
    }
    let mut rows = vec![["ENV", "EMULATOR", "STATE", "AGE", "URL"].map(str::to_owned).to_vec()];
    rows.extend(found.iter().map(|one| {
        let age = age(&one.created, now).unwrap_or_else(|| "?".to_owned());
        vec![one.env.clone(), one.emulator.clone(), one.state.to_owned(), age, one.url.clone()]
    }));
    table::columns(&rows)
}

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

/// The word of a check's status.
pub(super) fn check_word(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "FAILED",
        Status::Skipped => "skipped",
    }
}

fn named(report: &EnvReport, error: &CommandError) -> CommandError {
    CommandError { message: format!("{}: {}", report.env, error.message), hints: error.hints.clone() }
}

fn hints(text: &mut String, finding: &Finding, colour: bool) {
    for hint in finding.hint.lines().filter(|line| !line.is_empty()) {
        let _ = writeln!(text, "{} {}", word("hint:", AnsiColor::Cyan, colour), printable(hint));
    }
}

fn endpoints(report: &EnvReport) -> String {
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

fn verdict(results: &[ServiceResult]) -> String {
    let Summary { passed, failed, skipped } = Summary::of(results);
    let services = if results.len() == 1 { "service" } else { "services" };
    let mut text = format!("{} {services} checked: {passed} passed, {failed} failed", results.len());
    if skipped > 0 {
        let _ = write!(text, ", {skipped} skipped");
    }
    text
}

fn skipped(results: &[ServiceResult]) -> String {
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

fn count_actions(objects: &[(ObjectId, &'static str)]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, action) in objects {
        *counts.entry(action).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().map(|(action, count)| format!("{count} {}", done(action))).collect();
    parts.join(", ")
}

/// The word for what was done.
fn done(action: &str) -> &'static str {
    match action {
        "create" => "created",
        "update" => "updated",
        "delete" => "deleted",
        _ => "unchanged",
    }
}

fn age(created: &str, now: jiff::Timestamp) -> Option<String> {
    let created: jiff::Timestamp = created.parse().ok()?;
    let seconds = now.duration_since(created).as_secs().max(0);
    Some(match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    })
}

fn word(text: &str, colour: AnsiColor, on: bool) -> String {
    let style = if on { Ansi::new().bold().fg_color(Some(colour.into())) } else { Ansi::new() };
    format!("{style}{text}{style:#}")
}
