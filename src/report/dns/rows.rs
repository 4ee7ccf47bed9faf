//! What each hop says to each name, as rows for a table; what is the same is folded. Takes evidence and findings. Pure.

use std::collections::BTreeSet;

use super::words;
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::dns::observation::{Observation, Transport};
use crate::dns::seen::Seen;

/// The rows of one name.
pub(super) struct Group<'a> {
    pub(super) name: &'a str,
    /// What the name is, and what it should give.
    pub(super) about: String,
    pub(super) rows: Vec<Row<'a>>,
}

/// What one hop said, to one or several who asked alike.
pub(super) struct Row<'a> {
    pub(super) hop: &'a str,
    /// The vantages.
    pub(super) from: Vec<&'a str>,
    /// Types, and what was unusual about the questions.
    pub(super) asked: Vec<String>,
    pub(super) result: String,
    pub(super) flags: String,
    pub(super) answer: String,
    /// The slowest.
    pub(super) ms: f64,
    /// How long a C library takes is not measured.
    pub(super) is_timed: bool,
    /// It is what is hoped for.
    pub(super) is_good: bool,
    /// A finding rests on it.
    pub(super) is_evidence: bool,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// The names that were asked for, where clients ask.
    Short,
    /// These names at every hop, and controls on which findings rest.
    Normal,
    /// Every name.
    Full,
}

/// Who was told what, name by name.
pub(super) fn groups<'a>(evidence: &'a Evidence, findings: &[Finding], extent: Extent) -> Vec<Group<'a>> {
    let proofs: BTreeSet<usize> = findings
        .iter()
        .filter(|finding| finding.confidence > Confidence::Possible)
        .flat_map(|finding| finding.evidence.iter().copied())
        .collect();
    let mut names: Vec<&str> = evidence.targets.iter().map(|target| target.name.as_str()).collect();
    // A control is worth its lines only where it shows what no name before it shows.
    let queries = || evidence.observations.iter().enumerate().filter(|(_, seen)| seen.is_dns() && !seen.chaos);
    let is_named = |names: &[&str], seen: &Observation| names.iter().any(|name| name.eq_ignore_ascii_case(&seen.name));
    let of_names = queries().filter(|(index, seen)| proofs.contains(index) && is_named(&names, seen));
    let mut shown: BTreeSet<(&str, String)> =
        of_names.map(|(_, seen)| (seen.hop.as_str(), words::result(seen))).collect();
    for (index, seen) in queries() {
        let mut is_news = || proofs.contains(&index) && shown.insert((&seen.hop, words::result(seen)));
        if !is_named(&names, seen) && (extent == Extent::Full || (extent == Extent::Normal && is_news())) {
            names.push(&seen.name);
        }
    }
    let group =
        |name: &'a str| Group { name, about: about(evidence, name), rows: rows(evidence, name, &proofs, extent) };
    names.into_iter().map(group).filter(|group| !group.rows.is_empty()).collect()
}

/// What a name is.
pub(super) fn about(evidence: &Evidence, name: &str) -> String {
    if let Some(target) = evidence.targets.iter().find(|target| target.name.eq_ignore_ascii_case(name)) {
        let expected: Vec<String> = target.expected.iter().map(ToString::to_string).collect();
        return match (expected.is_empty(), &target.because) {
            (true, _) => String::new(),
            (false, None) => format!("should be {}", expected.join(" or ")),
            (false, Some(because)) => format!("should be {} ({because})", expected.join(" or ")),
        };
    }
    let controls = [
        (evidence.known_service(), "control: a Service that every cluster has"),
        (evidence.missing_service(), "control: a Service that does not exist"),
        (evidence.nowhere(), "control: a name that exists nowhere"),
        (evidence.any_route().unwrap_or_default(), "control: any host below the domain of Routes"),
    ];
    let known = controls.into_iter().find(|(control, _)| control.eq_ignore_ascii_case(name));
    let random = !evidence.label.is_empty() && name.starts_with(&evidence.label);
    known.map_or_else(|| if random { "control: a random label" } else { "control" }, |(_, what)| what).to_owned()
}

/// What the C libraries said, then the hops in the order of the path.
fn rows<'a>(evidence: &'a Evidence, name: &str, proofs: &BTreeSet<usize>, extent: Extent) -> Vec<Row<'a>> {
    let seen = Seen::new(evidence);
    let of_name = |(_, seen): &(usize, &Observation)| seen.name.eq_ignore_ascii_case(name) && !seen.chaos;
    let all: Vec<(usize, &Observation)> = evidence.observations.iter().enumerate().filter(of_name).collect();
    let mut found: Vec<Row<'a>> = Vec::new();
    for hop in clients_first(evidence).map(|hop| hop.id.as_str()) {
        let of_hop = all.iter().filter(|(_, seen)| seen.is_dns() && seen.hop == hop);
        let of_hop = of_hop.filter(|(_, seen)| extent != Extent::Short || is_first(evidence, seen));
        let libc = all.iter().filter(|(_, seen)| seen.transport == Transport::Libc && seen.vantage == hop);
        let mut of_vantages: Vec<Row<'a>> = Vec::new();
        for (index, one) in libc.chain(of_hop) {
            let row = row(&seen, hop, one, proofs.contains(index));
            let same = of_vantages.iter_mut().find(|other| other.from == row.from && other.says_as(&row));
            match same {
                Some(other) => other.take(&row),
                None => of_vantages.push(row),
            }
        }
        of_vantages = without_empty_aaaa(of_vantages);
        for row in of_vantages {
            let same =
                found.iter_mut().find(|other| other.hop == hop && other.asked == row.asked && other.says_as(&row));
            match same {
                Some(other) => other.take(&row),
                None => found.push(row),
            }
        }
    }
    found
}

/// The hops: clients (their C libraries) first, then outwards.
fn clients_first(evidence: &Evidence) -> impl Iterator<Item = &Hop> {
    let clients = evidence.chain.hops.iter().filter(|hop| hop.role == Role::Client);
    clients.chain(evidence.chain.hops.iter().filter(|hop| hop.role != Role::Client))
}

/// True where the client of that place asks that hop itself.
fn is_first(evidence: &Evidence, seen: &Observation) -> bool {
    let clients = evidence.chain.hops.iter().filter(|hop| hop.role == Role::Client && hop.vantage == seen.vantage);
    clients.flat_map(|client| &client.forwards).flat_map(|forward| &forward.to).any(|to| *to == seen.hop)
}

fn row<'a>(all: &Seen<'_>, hop: &'a str, seen: &'a Observation, is_evidence: bool) -> Row<'a> {
    let is_address = seen.kind == "A" || seen.kind == "AAAA";
    let is_wrong = is_address && seen.kind == "A" && seen.has_answer() && !all.is_right(seen);
    let answer = words::answer(seen);
    Row {
        hop,
        from: if seen.is_dns() { vec![&seen.vantage] } else { Vec::new() },
        asked: vec![words::asked(seen)],
        result: words::result(seen),
        flags: words::flags(seen),
        answer: if is_wrong { format!("{answer}, not as expected") } else { answer },
        ms: seen.ms,
        is_timed: seen.is_dns(),
        is_good: words::is_good(seen) && !is_wrong,
        is_evidence,
    }
}

impl Row<'_> {
    fn says_as(&self, other: &Self) -> bool {
        (self.hop, &self.result, &self.flags, &self.answer) == (other.hop, &other.result, &other.flags, &other.answer)
    }
}

impl Row<'_> {
    /// Folds another row that says the same into this one.
    fn take(&mut self, other: &Self) {
        for asked in &other.asked {
            if !self.asked.contains(asked) {
                self.asked.push(asked.clone());
            }
        }
        for from in &other.from {
            if !self.from.contains(from) {
                self.from.push(from);
            }
        }
        self.ms = self.ms.max(other.ms);
        self.is_evidence |= other.is_evidence;
    }
}

/// A zone without AAAA is as usual: it says nothing where the same place has said something else.
fn without_empty_aaaa(mut rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    let is_empty = |row: &Row<'_>| {
        row.result == "NODATA" && !row.is_evidence && row.asked.iter().all(|asked| asked.starts_with("AAAA"))
    };
    let answered: Vec<Vec<String>> = rows
        .iter()
        .filter(|row| row.is_good)
        .map(|row| row.from.iter().map(|from| (*from).to_owned()).collect())
        .collect();
    rows.retain(|row| !is_empty(row) || !answered.iter().any(|from| *from == row.from));
    rows
}
