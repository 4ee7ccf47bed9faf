//! What is wrong, opened: how far the request got, what was seen, what to do next. Pure.

use super::{anchor, mark, numbered, prose, sentence, timing, titled};
use crate::error::CommandError;
use crate::finding::{Finding, Phase};
use crate::report::markup::{Element, element};
use crate::report::run::{Cause, Run, causes, results, state};
use crate::smoke::{ServiceResult, Status};

const PHASES: [Phase; 6] = [Phase::Resolve, Phase::Connect, Phase::Tls, Phase::Route, Phase::Api, Phase::Data];

/// `None` where nothing is wrong.
pub(super) fn section(run: &Run<'_>) -> Option<Element> {
    let mut all: Vec<Element> = Vec::new();
    all.extend(run.error.map(|error| refused("run", "The run ended early", error)));
    for (place, report) in numbered(run) {
        let title = |what: &str| format!("{}: {what}", report.env);
        let named = format!("{} {}", report.env, state(report));
        all.extend(report.error.as_ref().map(|error| refused(&anchor(place, "error"), &named, error)));
        if let Some((finding, evidence)) = &report.stuck {
            let body = seen(finding).children(evidence_of(evidence)).children(next(&finding.hint));
            all.push(opened(&anchor(place, "stuck"), &title("not ready"), finding.code).child(body));
        }
        all.extend(causes(results(report)).iter().map(|cause| {
            let services = cause.services.join(", ");
            let title = title(&format!("{services} failed{}", cause.at_phase()));
            opened(&cause_anchor(place, cause), &title, cause.finding.code).child(body(cause))
        }));
    }
    (!all.is_empty()).then(|| titled("wrong", "What is wrong").children(all))
}

/// The id of a cause's block: its first service is in no other.
pub(super) fn cause_anchor(place: usize, cause: &Cause<'_>) -> String {
    anchor(place, &cause.first.service)
}

fn opened(id: &str, title: &str, code: &str) -> Element {
    element("details").class("failure").attribute("id", id).attribute("open", "").child(
        element("summary")
            .child(mark(Status::Failed))
            .child(element("span").class("what").text(title))
            .child(element("code").text(code)),
    )
}

fn refused(id: &str, title: &str, error: &CommandError) -> Element {
    let body = element("dl").child(element("dt").text("Why")).child(said(&sentence(&error.message)));
    opened(id, title, "error").child(body.children(error.hints.iter().flat_map(|hint| next(hint))))
}

fn body(cause: &Cause<'_>) -> Element {
    let list = seen(cause.finding).children(place(cause)).children(next(&cause.finding.hint));
    let track = cause.first.phase.map(|phase| track(phase, cause.first.url.starts_with("https:")));
    // What several services share happened before any call was through.
    let calls = (cause.services.len() == 1).then(|| calls(cause.first)).flatten();
    element("div").children(track).child(list).children(calls)
}

fn seen(finding: &Finding) -> Element {
    element("dl").child(element("dt").text("Seen")).child(said(&finding.message))
}

fn place(cause: &Cause<'_>) -> [Element; 2] {
    let more = match cause.services.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let url = element("code").text(&cause.first.url);
    [element("dt").text("Where"), element("dd").child(url).text(more)]
}

fn next(hint: &str) -> Vec<Element> {
    let lines: Vec<&str> = hint.lines().filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        Vec::new()
    } else {
        vec![element("dt").text("Next"), prose("dd", &lines.join("\n")).class("said next")]
    }
}

fn evidence_of(evidence: &[String]) -> Vec<Element> {
    let text = evidence.join("\n");
    if text.is_empty() {
        Vec::new()
    } else {
        vec![element("dt").text("Evidence"), element("dd").child(element("pre").text(text))]
    }
}

fn said(text: &str) -> Element {
    prose("dd", text).class("said")
}

/// The way of a request, and where this one stopped.
fn track(stopped: Phase, is_https: bool) -> Element {
    let steps = PHASES.into_iter().filter(|phase| is_https || *phase != Phase::Tls).map(|phase| {
        let (class, shape, word) = match phase.cmp(&stopped) {
            std::cmp::Ordering::Less => ("done", "✓", "passed"),
            std::cmp::Ordering::Equal => ("here", "✗", "stopped here"),
            std::cmp::Ordering::Greater => ("todo", "○", "not reached"),
        };
        element("li")
            .class(class)
            .child(element("span").attribute("aria-hidden", "true").text(shape))
            .text(format!(" {} ", phase.word()))
            .child(element("span").class("spoken").text(word))
    });
    element("ol").class("track").attribute("aria-label", "How far the request got").children(steps)
}

/// The calls of one service up to the one that failed.
fn calls(result: &ServiceResult) -> Option<Element> {
    let longest = result.operations.iter().map(|operation| operation.ms).max()?;
    let rows = result.operations.iter().map(|operation| {
        let status = match (&operation.skipped, operation.ok) {
            (Some(_), _) => Status::Skipped,
            (None, true) => Status::Passed,
            (None, false) => Status::Failed,
        };
        let taken = (status != Status::Skipped).then(|| timing(operation.ms, longest, super::kind(status)));
        element("tr")
            .child(element("th").attribute("scope", "row").child(mark(status)).text(&operation.name))
            .child(element("td").text(super::word(status)))
            .child(element("td").children(taken))
    });
    Some(
        element("table")
            .class("calls")
            .child(element("caption").text("Calls in order, cleaning up included"))
            .child(element("tbody").children(rows)),
    )
}
