//! Name by name, what each hop said: the table of the text report, on the page. Pure.

use crate::dns::classify::Finding;
use crate::dns::evidence::Evidence;
use crate::report::dns::rows::{Extent, Group, Row, groups};
use crate::report::dns::words;
use crate::report::markup::{Element, element};
use crate::report::page::{column, scrolling, titled};

/// `None` where nothing was asked.
pub(super) fn section(evidence: &Evidence, found: &[Finding]) -> Option<Element> {
    let all = groups(evidence, found, Extent::Full);
    let is_target = |group: &&Group<'_>| evidence.targets.iter().any(|one| one.name.eq_ignore_ascii_case(group.name));
    let (targets, controls): (Vec<&Group<'_>>, Vec<&Group<'_>>) = all.iter().partition(is_target);
    let more = (!controls.is_empty()).then(|| {
        let count = controls.len();
        let what = if count == 1 { "more name that was" } else { "more names that were" };
        let head = format!("{count} {what} asked for, to tell what servers do");
        let tables = controls.iter().map(|group| table(group));
        element("details").class("card more").child(element("summary").text(head)).children(tables)
    });
    (!all.is_empty()).then(|| {
        titled("names", "Name by name")
            .children(targets.iter().map(|group| element("div").class("card").child(table(group))))
            .children(more)
    })
}

fn table(group: &Group<'_>) -> Element {
    let heads = ["Hop", "Asked from", "Asked for", "Result", "Flags", "ms", "Answer, or the SOA's owner"].map(column);
    let about = (!group.about.is_empty()).then(|| element("p").class("legend").text(&group.about));
    let table = element("table")
        .class("asked")
        .child(element("thead").child(element("tr").children(heads)))
        .child(element("tbody").children(group.rows.iter().map(row)));
    element("div")
        .child(element("h3").text(group.name))
        .children(about)
        .child(scrolling(&format!("What each hop says to {}", group.name), table))
}

fn row(row: &Row<'_>) -> Element {
    let is_bad = row.is_evidence && !row.is_good;
    let (class, shape, word) = match (is_bad, row.is_good) {
        (true, _) => ("bad", "✗", "wrong: "),
        (false, true) => ("good", "✓", ""),
        (false, false) => ("none", "–", ""),
    };
    let cell = |text: &str| element("td").text(text);
    let took = if row.is_timed { words::ms(row.ms) } else { "-".to_owned() };
    let from = if row.from.is_empty() { "itself".to_owned() } else { row.from.join(", ") };
    let mark = element("span").class(format!("mark {class}")).attribute("aria-hidden", "true").text(shape);
    let spoken = (!word.is_empty()).then(|| element("span").class("spoken").text(word));
    let result = element("td").class("result").child(mark).children(spoken).child(element("span").text(&row.result));
    element("tr")
        .class(if is_bad { "bad" } else { "" })
        .child(element("th").attribute("scope", "row").text(row.hop))
        .child(cell(&from))
        .child(cell(&row.asked.join(", ")))
        .child(result)
        .child(cell(&row.flags))
        .child(cell(&took).class("number"))
        .child(cell(&row.answer))
}
