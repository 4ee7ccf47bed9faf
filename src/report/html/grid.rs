//! The grid: a row per service, a column per environment. Pure.

use super::failures::cause_anchor;
use super::{column, mark, numbered, scrolling, timing, titled, word};
use crate::report::EnvReport;
use crate::report::markup::{Element, element};
use crate::report::run::{Run, causes, results};
use crate::smoke::{ServiceResult, Status};

/// `None` where nothing was checked.
pub(super) fn section(run: &Run<'_>) -> Option<Element> {
    let all = || run.reports.iter().flat_map(results);
    let mut services: Vec<&str> = all().map(|result| result.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    if services.is_empty() {
        return None;
    }
    let longest = all().map(|result| result.ms).max().unwrap_or_default();
    let header = element("tr").child(column("Service")).children(run.reports.iter().map(|report| column(&report.env)));
    let rows = services.iter().map(|service| {
        let cells = numbered(run).map(|(place, report)| cell(place, report, service, longest));
        element("tr").child(element("th").attribute("scope", "row").text(*service)).children(cells)
    });
    let table =
        element("table").class("grid").child(element("thead").child(header)).child(element("tbody").children(rows));
    let legend = "A bar is as long as the check took, compared with the longest; a failure leads to what is wrong.";
    Some(
        titled("services", "Services")
            .child(element("p").class("legend").text(legend))
            .child(scrolling("Services by environment", table)),
    )
}

fn cell(place: usize, report: &EnvReport, service: &str, longest: u64) -> Element {
    let Some(result) = results(report).iter().find(|result| result.service == service) else {
        return element("td").class("absent").text("not checked");
    };
    let status = element("span").class("status").child(mark(result.status));
    let status = match result.status {
        Status::Passed => status.child(element("span").text(passed(result))),
        Status::Failed => {
            let cause = causes(results(report)).into_iter().find(|cause| cause.services.contains(&service));
            let target = cause.map_or_else(|| "wrong".to_owned(), |cause| cause_anchor(place, &cause));
            let phase = result.phase.map_or_else(String::new, |phase| format!(" at {}", phase.word()));
            let link =
                element("a").attribute("href", format!("#{target}")).text(format!("{}{phase}", word(result.status)));
            status.child(link)
        }
        Status::Skipped => status.child(element("a").attribute("href", "#skipped").text(word(result.status))),
    };
    let taken = (result.status != Status::Skipped).then(|| timing(result.ms, longest, super::kind(result.status)));
    let cell = element("div").class("cell").child(status).children(taken);
    element("td").class(super::kind(result.status)).child(cell)
}

fn passed(result: &ServiceResult) -> String {
    match result.operations.iter().filter(|operation| operation.skipped.is_some()).count() {
        0 => "passed".to_owned(),
        left_out => format!("passed, {left_out} skipped"),
    }
}
