//! Results for people.

mod checks;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::AnsiColor;

pub use self::checks::{cleaned, failed_checks, isolation, not_cleaned, smoke};
use self::checks::{endpoints, skipped, verdict};
use super::colour::word;
use super::run::{access, state};
use super::{EnvReport, ListedLocal, Machine, Removed, life, table};
use crate::cluster::inventory::Inventory;
use crate::error::CommandError;
use crate::finding::Finding;
use crate::manifest::ObjectId;
use crate::printable::printable;
use crate::smoke::Status;

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
    for line in error.preflight.iter().flat_map(|preflight| super::preflight::lines(preflight)) {
        let _ = writeln!(text, "  | {line}");
    }
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
    if report.error.is_some() && !was_applied(report) {
        // Nothing of what follows has come to be.
        return text;
    }
    let mut facts = report.machine.as_ref().map(machine).unwrap_or_default();
    let acted = report.machine.as_ref().filter(|_| was_applied(report));
    facts.extend(acted.map(|machine| vec!["  processes".to_owned(), done(machine.action).to_owned()]));
    facts.extend(report.image.iter().map(|image| vec!["  image".to_owned(), image.clone()]));
    facts.extend(report.digest.iter().map(|digest| vec!["  digest".to_owned(), digest.clone()]));
    facts.extend(report.scc.iter().map(|scc| vec!["  scc".to_owned(), scc.clone()]));
    facts.extend(report.owner.iter().map(|owner| vec!["  owner".to_owned(), printable(owner)]));
    facts.extend(report.access.iter().map(|reached| vec!["  access".to_owned(), access(reached)]));
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
    let Removed { env, namespace, deleted, out_of_sight, .. } = removed;
    let place = namespace.as_ref().map_or_else(|| "on this machine".to_owned(), |name| format!("in namespace {name}"));
    match deleted {
        // What is left is said as an error.
        _ if !(removed.left.is_empty() && removed.unseen.is_empty()) => String::new(),
        0 if *out_of_sight => {
            format!(
                "{env} is gone, or was never yours: you have no project {}\n",
                namespace.as_deref().unwrap_or_default()
            )
        }
        0 => format!("nothing was deleted: there is no environment {env} {place} (any more)\n"),
        _ => format!("{env} is gone\n"),
    }
}

/// One line per environment.
pub fn list(inventories: &[Inventory], only_projects: bool, now: jiff::Timestamp) -> String {
    if inventories.is_empty() {
        let place = if only_projects { " in your projects" } else { "" };
        return format!("there are no environments{place}; `lsdeploy up --env NAME` makes one\n");
    }
    let mut rows =
        vec![["ENV", "NAMESPACE", "EMULATOR", "OWNER", "CREATED BY", "AGE", "EXPIRES"].map(str::to_owned).to_vec()];
    rows.extend(inventories.iter().map(|inventory| {
        vec![
            inventory.env.clone(),
            inventory.namespace.clone(),
            inventory.choices.emulator().to_owned(),
            printable(inventory.choices.owner.as_deref().filter(|owner| *owner != "none").unwrap_or("-")),
            printable(inventory.created_by.as_deref().unwrap_or("?")),
            inventory.created.as_deref().and_then(|created| age(created, now)).unwrap_or_else(|| "?".to_owned()),
            life::left(inventory, now),
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

/// The word of a check's status.
pub(super) fn check_word(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "FAILED",
        Status::Skipped => "skipped",
    }
}

fn named(report: &EnvReport, error: &CommandError) -> CommandError {
    CommandError { message: format!("{}: {}", report.env, error.message), ..error.clone() }
}

fn hints(text: &mut String, finding: &Finding, colour: bool) {
    for hint in finding.hint.lines().filter(|line| !line.is_empty()) {
        let _ = writeln!(text, "{} {}", word("hint:", AnsiColor::Cyan, colour), printable(hint));
    }
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
        "adopt" => "adopted",
        _ => "unchanged",
    }
}

pub(super) fn age(created: &str, now: jiff::Timestamp) -> Option<String> {
    let created: jiff::Timestamp = created.parse().ok()?;
    Some(life::rough(now.duration_since(created).as_secs().max(0)))
}
