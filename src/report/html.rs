//! A run as one page that needs nothing else: no script, no font, no picture. Pure.
//!
//! State is always said in a word and a shape beside its colour.

mod environments;
mod failures;
mod grid;

use std::time::Duration;

use super::EnvReport;
use super::markup::{Element, element};
use super::page::{column, head, prose, scrolling, sentence, titled};
use super::run::{Run, duration};
use crate::smoke::{Status, Summary};

/// The whole page.
pub fn report(run: &Run<'_>) -> String {
    let title = format!("lsdeploy {}: {}", run.command, run.verdict());
    let sections = [failures::section(run), grid::section(run), environments::section(run), environments::skipped(run)];
    let body = element("body").child(summary(run)).child(element("main").children(sections.into_iter().flatten()));
    element("html").attribute("lang", "en").child(head(&title, &[include_str!("html/style.css")])).child(body).to_html()
}

/// Verdict, counts, date and version.
fn summary(run: &Run<'_>) -> Element {
    let Summary { passed, failed, skipped } = run.summary();
    let count = |status: Status, count: usize| {
        element("li")
            .class(if count == 0 { "empty" } else { kind(status) })
            .child(mark(status))
            .child(element("b").text(count.to_string()))
            .text(word(status))
    };
    let verdict = if run.is_well() { Status::Passed } else { Status::Failed };
    let checked = passed + failed + skipped > 0;
    let calls = match run.skipped_calls() {
        0 => None,
        1 => Some("call skipped"),
        _ => Some("calls skipped"),
    };
    let calls = calls.map(|what| {
        let link = element("a").attribute("href", "#skipped").text(what);
        let number = element("b").text(run.skipped_calls().to_string());
        element("li").class(kind(Status::Skipped)).child(mark(Status::Skipped)).child(number).child(link)
    });
    let counts = element("ul").class("counts").attribute("aria-label", "Services checked");
    let services = [(Status::Passed, passed), (Status::Failed, failed), (Status::Skipped, skipped)];
    let counts = counts.children(services.map(|(status, number)| count(status, number))).children(calls);
    let when = element("time").attribute("datetime", run.began.to_string());
    element("header")
        .class(kind(verdict))
        .child(element("p").class("tool").text(format!("lsdeploy {}", run.command)))
        .child(element("h1").child(mark(verdict)).child(element("span").text(run.verdict())))
        .children(checked.then_some(counts))
        .child(
            element("p")
                .class("when")
                .child(when.text(run.began.strftime("%-d %B %Y, %H:%M UTC").to_string()))
                .text(format!(" · took {} · lsdeploy {}", duration(run.took), env!("CARGO_PKG_VERSION"))),
        )
}

/// A duration, and how it compares with the longest.
fn timing(ms: u64, longest: u64, class: &str) -> Element {
    // In hundredths: what is shorter than a pixel needs no more.
    let share = ms.saturating_mul(100).checked_div(longest).unwrap_or_default();
    let bar = element("span").attribute("style", format!("width:{share}%"));
    element("span")
        .class("timing")
        .child(element("span").class("ms").text(duration(Duration::from_millis(ms))))
        .child(element("span").class(format!("bar {class}")).attribute("aria-hidden", "true").child(bar))
}

/// The shape of a status; the word stands beside it.
fn mark(status: Status) -> Element {
    let shape = match status {
        Status::Passed => "✓",
        Status::Failed => "✗",
        Status::Skipped => "–",
    };
    element("span").class(format!("mark {}", kind(status))).attribute("aria-hidden", "true").text(shape)
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
    }
}

fn kind(status: Status) -> &'static str {
    match status {
        Status::Passed => "good",
        Status::Failed => "bad",
        Status::Skipped => "none",
    }
}

/// What the page calls an environment: several of a kind must not share an id.
fn anchor(place: usize, what: &str) -> String {
    format!("e{place}-{what}")
}

/// The environments and their place among all.
fn numbered<'a>(run: &Run<'a>) -> impl Iterator<Item = (usize, &'a EnvReport)> {
    run.reports.iter().enumerate()
}
