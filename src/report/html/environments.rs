//! Each environment: what it is, how long its phases took, its endpoints and every call; and what was skipped. Pure.

use std::collections::BTreeMap;

use super::{column, kind, mark, scrolling, sentence, timing, titled};
use crate::exit::ExitStatus;
use crate::report::EnvReport;
use crate::report::markup::{Element, element};
use crate::report::run::{Run, facts, results, state};
use crate::smoke::{Operation, ServiceResult, Status};

pub(super) fn section(run: &Run<'_>) -> Option<Element> {
    (!run.reports.is_empty()).then(|| titled("environments", "Environments").children(run.reports.iter().map(card)))
}

/// What was not tried, by reason.
pub(super) fn skipped(run: &Run<'_>) -> Option<Element> {
    let mut reasons: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    for report in run.reports {
        for result in results(report) {
            let whole = result.skipped.iter().map(|reason| ("everything", reason));
            let single = result.operations.iter().filter_map(|o| Some((o.name.as_str(), o.skipped.as_ref()?)));
            for (call, reason) in whole.chain(single) {
                reasons.entry((&result.service, call, reason)).or_default().push(&report.env);
            }
        }
    }
    let rows = reasons.iter().map(|((service, call, reason), envs)| {
        element("tr")
            .child(element("th").attribute("scope", "row").text(*service))
            .children([*call, *reason, &envs.join(", ")].map(|text| element("td").text(text)))
    });
    let heads = ["Service", "Call", "Why it was not tried", "Environment"].map(column);
    let table = element("table")
        .child(element("thead").child(element("tr").children(heads)))
        .child(element("tbody").children(rows));
    (!reasons.is_empty()).then(|| titled("skipped", "Skipped").child(scrolling("Skipped", table)))
}

fn card(report: &EnvReport) -> Element {
    let status = if report.status == ExitStatus::Success { Status::Passed } else { Status::Failed };
    let heading =
        element("h3").child(mark(status)).child(element("span").text(format!("{} {}", report.env, state(report))));
    let facts = facts(report).into_iter().flat_map(|(name, value)| {
        [element("dt").text(sentence(name)), element("dd").child(element("code").text(value))]
    });
    let notes = report.notes.iter().map(|note| element("p").class("note").text(format!("Note: {note}")));
    element("article")
        .class("card")
        .child(heading)
        .child(element("dl").class("facts").children(facts))
        .children(notes)
        .children(phases(report))
        .children(endpoints(report))
}

fn phases(report: &EnvReport) -> Option<Element> {
    let ms = |took: &std::time::Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let longest = report.phases.done.iter().map(|(_, took)| ms(took)).max()?;
    let rows = report.phases.done.iter().map(|(name, took)| {
        element("tr").child(element("th").attribute("scope", "row").text(*name)).child(element("td").child(timing(
            ms(took),
            longest,
            "plain",
        )))
    });
    Some(
        element("table")
            .class("calls")
            .child(element("caption").text("Phases of the run"))
            .child(element("tbody").children(rows)),
    )
}

/// Every endpoint, with the calls of its check.
fn endpoints(report: &EnvReport) -> Option<Element> {
    let results = results(report);
    let calls: usize = results.iter().map(|result| result.operations.len()).sum();
    let longest = results.iter().flat_map(|result| &result.operations).map(|o| o.ms).max().unwrap_or_default();
    let groups = report.endpoints.iter().map(|endpoint| {
        let result = results.iter().find(|result| result.service == endpoint.service);
        group(&endpoint.service, &endpoint.url, result, longest)
    });
    let heads = ["Service and endpoint", "Call", "Result", "Time"].map(column);
    let table = element("table")
        .class("endpoints")
        .child(element("thead").child(element("tr").children(heads)))
        .children(groups);
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let title = format!("{}, {}", count(report.endpoints.len(), "endpoint"), count(calls, "call"));
    let mut details = element("details").child(element("summary").text(title));
    if calls == 0 {
        details = details.attribute("open", "");
    }
    (!report.endpoints.is_empty()).then(|| details.child(scrolling("Endpoints and calls", table)))
}

fn group(service: &str, url: &str, result: Option<&ServiceResult>, longest: u64) -> Element {
    let calls = result.map(|result| result.operations.as_slice()).unwrap_or_default();
    let head = element("th")
        .attribute("scope", "rowgroup")
        .attribute("rowspan", calls.len().max(1).to_string())
        .child(element("span").text(service))
        .child(element("code").text(url));
    let mut rows = calls.iter().map(|call| row(call, longest)).collect::<Vec<_>>().into_iter();
    let none = || ["none", "not checked", ""].map(|text| element("td").text(text)).to_vec();
    let first = element("tr").child(head).children(rows.next().unwrap_or_else(none));
    element("tbody").child(first).children(rows.map(|cells| element("tr").children(cells)))
}

fn row(call: &Operation, longest: u64) -> Vec<Element> {
    let status = match (&call.skipped, call.ok) {
        (Some(_), _) => Status::Skipped,
        (None, true) => Status::Passed,
        (None, false) => Status::Failed,
    };
    let result = element("td").class("status").child(mark(status)).child(element("span").text(super::word(status)));
    let taken = (status != Status::Skipped).then(|| timing(call.ms, longest, kind(status)));
    vec![element("td").text(&call.name), result, element("td").children(taken)]
}
