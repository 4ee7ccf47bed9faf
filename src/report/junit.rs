//! A run as `JUnit` XML, for Jenkins and GitLab: a suite per environment, a case per service. Pure.
//!
//! A check that failed and an environment that is not ready are failures; an environment that was not applied, and a run
//! that ended early, are errors.

use std::time::Duration;

use super::EnvReport;
use super::markup::{Element, element};
use super::run::{Run, facts, results, with_hints};
use crate::error::CommandError;
use crate::exit::ExitStatus;
use crate::smoke::{ServiceResult, Status};

/// One test case before it is written.
struct Case {
    name: String,
    took: Duration,
    verdict: Verdict,
    /// What was done, a line each.
    output: Vec<String>,
}

enum Verdict {
    Passed,
    Skipped(String),
    /// Message, kind, all there is to say.
    Failed(String, &'static str, String),
    /// As above.
    Error(String, &'static str, String),
}

/// The whole file.
pub fn report(run: &Run<'_>) -> String {
    let mut suites: Vec<(String, Vec<Case>, Element)> =
        run.reports.iter().map(|report| (report.env.clone(), cases(report), properties(report))).collect();
    if let Some(error) = run.error {
        let case = Case {
            name: run.command.to_owned(),
            took: run.took,
            verdict: Verdict::Error(error.message.clone(), "error", with_hints(error)),
            output: Vec::new(),
        };
        suites.push(("lsdeploy".to_owned(), vec![case], element("properties").child(version())));
    }
    let all: Vec<&Case> = suites.iter().flat_map(|(_, cases, _)| cases).collect();
    let root = counted(element("testsuites").attribute("name", format!("lsdeploy {}", run.command)), &all)
        .attribute("time", seconds(run.took));
    root.children(suites.iter().map(|(name, cases, properties)| suite(run, name, cases, properties))).to_xml()
}

fn suite(run: &Run<'_>, name: &str, cases: &[Case], properties: &Element) -> Element {
    let all: Vec<&Case> = cases.iter().collect();
    let took = cases.iter().map(|case| case.took).sum();
    let skipped = all.iter().filter(|case| matches!(case.verdict, Verdict::Skipped(_))).count();
    counted(element("testsuite").attribute("name", name), &all)
        .attribute("skipped", skipped.to_string())
        .attribute("time", seconds(took))
        // Without a zone, as readers of this format want it: UTC.
        .attribute("timestamp", run.began.strftime("%Y-%m-%dT%H:%M:%S").to_string())
        .child(properties.clone())
        .children(cases.iter().map(|case| written(case, &class(name))))
}

/// The cases of one environment: whether it was applied, whether it is ready, and its checks.
fn cases(report: &EnvReport) -> Vec<Case> {
    let phase = |name: &str| report.phases.done.iter().find(|(done, _)| *done == name).map(|(_, took)| *took);
    let case = |name: &str, took: Option<Duration>, verdict: Verdict| Case {
        name: name.to_owned(),
        took: took.unwrap_or_default(),
        verdict,
        output: Vec::new(),
    };
    let mut cases = Vec::new();
    let not_applied = report.error.as_ref().filter(|_| report.status == ExitStatus::Error);
    if let Some(error) = not_applied {
        cases.push(case("applied", phase("apply"), errored(error, "not-applied")));
    } else if phase("apply").is_some() {
        cases.push(case("applied", phase("apply"), Verdict::Passed));
    }
    match (&report.error, &report.stuck) {
        (Some(_), _) if not_applied.is_some() => {}
        (Some(error), _) => cases.push(case("ready", phase("wait"), errored(error, "lost-sight"))),
        (None, Some((finding, evidence))) => {
            let text = format!("{}\n{}\n\n{}", finding.message, evidence.join("\n"), finding.hint);
            cases.push(case("ready", phase("wait"), Verdict::Failed(finding.message.clone(), finding.code, text)));
        }
        (None, None) if phase("wait").is_some() => cases.push(case("ready", phase("wait"), Verdict::Passed)),
        (None, None) => {}
    }
    cases.extend(results(report).iter().map(checked));
    cases
}

fn checked(result: &ServiceResult) -> Case {
    let operation = |operation: &crate::smoke::Operation| match (&operation.skipped, operation.ok) {
        (Some(reason), _) => format!("{}: skipped: {reason}", operation.name),
        (None, true) => format!("{}: passed, {} ms", operation.name, operation.ms),
        (None, false) => format!("{}: failed, {} ms", operation.name, operation.ms),
    };
    let verdict = match (result.status, &result.finding) {
        (Status::Passed, _) => Verdict::Passed,
        (Status::Skipped, _) => Verdict::Skipped(result.skipped.clone().unwrap_or_default()),
        (Status::Failed, Some(finding)) => {
            let phase = result.phase.map_or("", crate::finding::Phase::word);
            let text = format!("phase: {phase}\nseen: {}\nnext: {}", finding.message, finding.hint);
            Verdict::Failed(format!("{phase}: {}", finding.message), finding.code, text)
        }
        (Status::Failed, None) => Verdict::Failed("the check failed".to_owned(), "failed", String::new()),
    };
    Case {
        name: result.service.clone(),
        took: Duration::from_millis(result.ms),
        verdict,
        output: std::iter::once(result.url.clone()).chain(result.operations.iter().map(operation)).collect(),
    }
}

fn written(case: &Case, class: &str) -> Element {
    let verdict = match &case.verdict {
        Verdict::Passed => None,
        Verdict::Skipped(reason) => Some(element("skipped").attribute("message", reason)),
        Verdict::Failed(message, kind, text) => {
            Some(element("failure").attribute("message", message).attribute("type", *kind).text(text))
        }
        Verdict::Error(message, kind, text) => {
            Some(element("error").attribute("message", message).attribute("type", *kind).text(text))
        }
    };
    let output = (!case.output.is_empty()).then(|| element("system-out").text(case.output.join("\n")));
    element("testcase")
        .attribute("classname", class)
        .attribute("name", &case.name)
        .attribute("time", seconds(case.took))
        .children(verdict)
        .children(output)
}

fn properties(report: &EnvReport) -> Element {
    let known = facts(report);
    let known = known.into_iter().map(|(name, value)| property(name, &value));
    let phases =
        report.phases.done.iter().map(|(name, took)| property(&format!("{name} ms"), &took.as_millis().to_string()));
    element("properties").child(version()).children(known).children(phases.collect::<Vec<_>>())
}

fn version() -> Element {
    property("lsdeploy", env!("CARGO_PKG_VERSION"))
}

fn property(name: &str, value: &str) -> Element {
    element("property").attribute("name", name).attribute("value", value)
}

fn counted(element: Element, cases: &[&Case]) -> Element {
    let count = |is: fn(&Verdict) -> bool| cases.iter().filter(|case| is(&case.verdict)).count().to_string();
    element
        .attribute("tests", cases.len().to_string())
        .attribute("failures", count(|verdict| matches!(verdict, Verdict::Failed(..))))
        .attribute("errors", count(|verdict| matches!(verdict, Verdict::Error(..))))
}

fn errored(error: &CommandError, kind: &'static str) -> Verdict {
    Verdict::Error(error.message.clone(), kind, with_hints(error))
}

/// Jenkins reads a class name up to its last dot as a package.
fn class(env: &str) -> String {
    let safe = env.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' });
    format!("lsdeploy.{}", safe.collect::<String>())
}

fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}
