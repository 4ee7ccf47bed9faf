//! One run for people: the path, what each hop says, what is wrong, the verdict. Takes evidence and findings. Pure.

use std::fmt::Write as _;

use anstyle::AnsiColor;

use super::findings::{findings, heading};
use super::path::path;
use super::rows::{Extent, Group, Row, groups};
use super::words;
use super::wrap::{WIDTH, wrap};
use crate::dns::classify::{Confidence, Finding, Verdict, verdict};
use crate::dns::evidence::Evidence;
use crate::dns::missing::missing;
use crate::printable::printable;
use crate::report::colour::word;

/// How it is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Show {
    /// With colours.
    pub colour: bool,
    /// Every name and every hop, also where all is well.
    pub all: bool,
}

/// The whole report.
pub fn text(evidence: &Evidence, found: &[Finding], show: Show) -> String {
    let is_broken = verdict(found) == Verdict::Broken;
    let mark = |hop: &str| {
        let here = found.iter().find(|finding| {
            finding.hop == hop && finding.follows_from.is_none() && finding.confidence > Confidence::Possible
        })?;
        Some(format!("{} {}", word("wrong:", AnsiColor::Red, show.colour), here.id))
    };
    let mut text = title(evidence, show.colour);
    text.push_str(&path(evidence, &mark));
    text.push_str(&unseen(evidence, show.colour));
    let extent = match (show.all, is_broken) {
        (true, _) => Extent::Full,
        (false, true) => Extent::Normal,
        (false, false) => Extent::Short,
    };
    let groups = groups(evidence, found, extent);
    if !groups.is_empty() {
        let _ = writeln!(text, "\n{}", heading("What each hop says", show.colour));
        text.push_str(&table(&groups, show.colour));
    }
    text.push('\n');
    text.push_str(&findings(evidence, found, show.colour));
    text.push_str(&conclusion(evidence, found, show.colour));
    text
}

/// The path alone, for the time before anything is asked.
pub fn chain(evidence: &Evidence, colour: bool) -> String {
    title(evidence, colour) + &path(evidence, &|_| None) + &unseen(evidence, colour)
}

fn title(evidence: &Evidence, colour: bool) -> String {
    let chain = &evidence.chain;
    let mut parts = vec![words::platform(evidence).to_owned()];
    if !chain.cluster_domain.is_empty() {
        parts.push(format!("cluster domain {}", printable(&chain.cluster_domain)));
    }
    parts.extend(chain.apps_domain.as_ref().map(|domain| format!("Routes below {}", printable(domain))));
    format!("{}\n{}", heading("The path", colour), wrap(&parts.join(", "), "  ", "  "))
}

fn unseen(evidence: &Evidence, colour: bool) -> String {
    if evidence.chain.unseen.is_empty() {
        return String::new();
    }
    let lines = evidence.chain.unseen.iter().map(|sentence| wrap(sentence, "  - ", "    "));
    format!("\n{}\n{}", heading("What could not be seen", colour), lines.collect::<String>())
}

/// `ok: ...`, `not found: ...` or `broken: ...`, in one line.
pub(super) fn conclusion(evidence: &Evidence, found: &[Finding], colour: bool) -> String {
    let causes = || found.iter().filter(|finding| finding.follows_from.is_none());
    let sure: Vec<&Finding> = causes().filter(|finding| finding.confidence > Confidence::Possible).collect();
    let (head, said) = match sure.as_slice() {
        [] => {
            let missing = missing(evidence);
            let said = healthy(evidence, causes().count());
            if missing.is_empty() {
                (word("ok:", AnsiColor::Green, colour), said)
            } else {
                (word("not found:", AnsiColor::Yellow, colour), format!("{}; {said}", missing.join("; ")))
            }
        }
        [first, more @ ..] => {
            let others = match more.len() {
                0 => String::new(),
                1 => "; one more cause above".to_owned(),
                more => format!("; {more} more causes above"),
            };
            let said = format!("{} at {}, {} ({}){others}", first.code, first.hop, first.confidence, first.id);
            (word("broken:", AnsiColor::Red, colour), said)
        }
    };
    let mut text = wrap(&format!("{head} {said}"), "", "  ");
    if let Some(first) = sure.first() {
        let _ = writeln!(text, "more about it: `lsdeploy dns-debug --explain {}`", first.id);
    }
    text
}

fn healthy(evidence: &Evidence, possible: usize) -> String {
    let count = |number: usize, what: &str| if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") };
    let hops = evidence.chain.hops.iter().filter(|hop| hop.address.is_some()).count();
    let doubt = match possible {
        0 => String::new(),
        1 => "; one thing is odd, and does no harm that shows".to_owned(),
        many => format!("; {many} things are odd, and do no harm that shows"),
    };
    format!("no hop is wrong; asked: {} at {}{doubt}", count(evidence.targets.len(), "name"), count(hops, "hop"))
}

const HEAD: [&str; 6] = ["HOP", "FROM", "ASKED", "RESULT", "FLAGS", "MS"];
/// The first columns, which give way where there is no room: hops, vantages, what was asked.
const YIELDING: usize = 3;
/// What a line has besides cells and answer.
const BETWEEN: usize = 4 + 2 * HEAD.len();
/// Answers that are longer than this get a line of their own.
const ANSWER: usize = 24;

/// One block per name, all with the same columns. What a line has no room for goes to the next one.
fn table(groups: &[Group<'_>], colour: bool) -> String {
    let widths = widths(groups);
    let mut text = String::new();
    let head = HEAD.map(str::to_owned);
    for (place, group) in groups.iter().enumerate() {
        let about = if group.about.is_empty() { String::new() } else { format!(" - {}", group.about) };
        text.push_str(&wrap(&format!("{}{about}", group.name), "  ", "      "));
        if place == 0 {
            text.push_str(&line(' ', &head, &widths, "ANSWER"));
        }
        let mut before = "";
        for row in &group.rows {
            let mark = if row.is_evidence && !row.is_good { '!' } else { ' ' };
            let mut cells = cells(row);
            // What stands above need not stand again.
            if std::mem::replace(&mut before, row.hop) == row.hop {
                cells[0].clear();
            }
            let line = line(mark, &cells, &widths, &row.answer);
            text.push_str(&if mark == '!' { line.replacen('!', &word("!", AnsiColor::Red, colour), 1) } else { line });
        }
    }
    text
}

/// As wide as the widest cell; where that is too much together, the first columns give way.
fn widths(groups: &[Group<'_>]) -> [usize; 6] {
    let mut widths = HEAD.map(str::len);
    let mut answer = "ANSWER".len();
    for row in groups.iter().flat_map(|group| &group.rows) {
        for (width, cell) in widths.iter_mut().zip(&cells(row)) {
            *width = (*width).max(cell.chars().count());
        }
        answer = answer.max(row.answer.chars().count()).min(ANSWER);
    }
    while widths.iter().sum::<usize>() + BETWEEN + answer > WIDTH {
        let widest = widths.iter_mut().zip(HEAD).take(YIELDING).filter(|(width, head)| **width > head.len());
        let Some((widest, _)) = widest.max_by_key(|(width, _)| **width) else { break };
        *widest -= 1;
    }
    widths
}

fn cells(row: &Row<'_>) -> [String; 6] {
    let flags = if row.flags.is_empty() { "-".to_owned() } else { row.flags.clone() };
    let took = if row.is_timed { words::ms(row.ms) } else { "-".to_owned() };
    let from = if row.from.is_empty() { "itself".to_owned() } else { row.from.join(", ") };
    [row.hop.to_owned(), from, words::asked_together(&row.asked), row.result.clone(), flags, took]
        .map(|cell| printable(&cell))
}

fn line(mark: char, cells: &[String; 6], widths: &[usize; 6], answer: &str) -> String {
    let mut line = format!("  {mark} ");
    for (place, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let length = cell.chars().count();
        // Numbers stand below each other at their last digit.
        let pad = width.saturating_sub(length);
        match place {
            5 => line.extend(std::iter::repeat_n(' ', pad).chain(cell.chars())),
            _ => line.extend(cell.chars().chain(std::iter::repeat_n(' ', pad))),
        }
        line.push_str("  ");
        // A long cell has the line to itself: the next ones start at their columns again.
        if length > *width {
            let column = 4 + widths[..=place].iter().map(|width| width + 2).sum::<usize>();
            line = format!("{}\n{}", line.trim_end(), " ".repeat(column));
        }
    }
    let answer = printable(answer);
    let used = line.lines().last().map_or(0, |last| last.chars().count());
    if used + answer.chars().count() > WIDTH {
        line = format!("{}\n{}", line.trim_end(), " ".repeat(10));
    }
    line.push_str(&answer);
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::super::examples::healthy;
    use super::*;
    use crate::dns::chain::{Kind, Target};
    use crate::dns::observation::{Observation, Record, Transport};

    fn plain(evidence: &Evidence) -> String {
        conclusion(evidence, &[], false).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What `getent` prints at the workstation, as the probe reads it.
    fn getent(name: &str, address: Option<&str>) -> Observation {
        let mut libc = Observation::blank("workstation", name, "ADDR", Transport::Libc);
        let record = |data: &str| Record { name: name.to_owned(), kind: "A".to_owned(), ttl: 0, data: data.to_owned() };
        libc.answers = address.map(record).into_iter().collect();
        libc
    }

    #[test]
    fn a_name_without_an_address_is_said_first_though_no_hop_is_wrong() {
        let all_well = healthy();
        assert!(plain(&all_well).starts_with("ok: no hop is wrong"));

        let (inside, route) = (all_well.targets[0].name.clone(), all_well.targets[1].name.clone());
        let mut not_here = healthy();
        not_here.observations.extend([&inside, &route].map(|name| getent(name, None)));
        let said = plain(&not_here);
        assert!(
            said.starts_with(&format!("not found: {route} is not found at workstation, only at pod (where")),
            "{said}"
        );
        assert!(said.contains("have its zone forwarded") && said.contains("; no hop is wrong"), "{said}");
        assert!(!said.contains(&inside), "names of the cluster are for its pods: {said}");

        let mut nowhere = healthy();
        nowhere.observations.retain(|seen| seen.name != route);
        assert!(
            plain(&nowhere).starts_with(&format!("not found: no hop knows an address of {route}; no hop is wrong"))
        );
    }

    #[test]
    fn a_name_that_the_c_library_finds_is_well() {
        let mut found = healthy();
        let route = found.targets[1].name.clone();
        found.observations.push(getent(&route, Some("192.0.2.10")));
        assert!(plain(&found).starts_with("ok: no hop is wrong"), "{}", plain(&found));
    }

    #[test]
    fn of_an_address_the_name_is_missing() {
        let mut evidence = healthy();
        let name = "2.0.213.10.in-addr.arpa".to_owned();
        evidence.targets = vec![Target { name, kind: Kind::Reverse, expected: Vec::new(), because: None }];
        let said = plain(&evidence);
        assert!(said.starts_with("not found: no hop knows a name of 10.213.0.2; no hop is wrong"), "{said}");
    }
}
