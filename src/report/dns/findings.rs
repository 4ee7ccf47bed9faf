//! Findings in text: the cause first, what follows from it below it. Takes evidence and findings. Pure.

use std::fmt::Write as _;

use anstyle::AnsiColor;

use super::words;
use super::wrap::wrap;
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::dns::observation::Observation;
use crate::report::colour::word;

/// How many lines of evidence one finding shows; JSON has all.
const LINES: usize = 5;
/// Where text begins below a finding's first line.
const INDENT: &str = "   ";

/// Everything that was found, numbered.
pub(super) fn findings(evidence: &Evidence, findings: &[Finding], colour: bool) -> String {
    let is_cause = |finding: &&Finding| finding.follows_from.is_none();
    let (sure, possible): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().filter(is_cause).partition(|finding| finding.confidence > Confidence::Possible);
    let mut text = String::new();
    let mut number = 0;
    for (title, causes) in [("What is wrong", sure), ("Possible, not proved", possible)] {
        if !causes.is_empty() {
            let _ = writeln!(text, "{}", heading(title, colour));
        }
        for cause in causes {
            number += 1;
            text.push_str(&finding(evidence, cause, number, colour));
            let effects: Vec<&Finding> = effects(findings, cause).collect();
            if !effects.is_empty() {
                let _ = writeln!(text, "{INDENT}follows from it:");
            }
            for effect in effects {
                text.push_str(&followed(effect));
            }
            text.push('\n');
        }
    }
    text
}

/// What follows from a cause. Two causes of one code share their effects: they stand below the first.
pub(super) fn effects<'a>(findings: &'a [Finding], cause: &'a Finding) -> impl Iterator<Item = &'a Finding> {
    let first = findings.iter().find(|other| other.follows_from.is_none() && other.code == cause.code);
    let is_first = first.is_some_and(|first| std::ptr::eq(first, cause));
    findings.iter().filter(move |finding| is_first && finding.follows_from.as_ref() == Some(&cause.code))
}

/// A heading.
pub(super) fn heading(text: &str, colour: bool) -> String {
    word(text, AnsiColor::Cyan, colour)
}

/// Which names suffer; of many the first.
pub(super) fn names(finding: &Finding) -> String {
    match finding.names.as_slice() {
        [] => "every name".to_owned(),
        [one, two, three, more @ ..] if more.len() > 1 => format!("{one}, {two}, {three} and {} more", more.len()),
        names => names.join(", "),
    }
}

fn finding(evidence: &Evidence, finding: &Finding, number: usize, colour: bool) -> String {
    let is_sure = finding.confidence > Confidence::Possible;
    let (state, shade) = if is_sure { ("wrong", AnsiColor::Red) } else { ("maybe", AnsiColor::Yellow) };
    let mut text = format!(
        "{number}. {} at {}: {} {}, {}\n",
        word(state, shade, colour),
        finding.hop,
        finding.id,
        finding.code,
        finding.confidence
    );
    text.push_str(&wrap(&finding.message, INDENT, INDENT));
    text.push_str(&wrap(&names(finding), "   names  ", "          "));
    for (place, line) in proofs(evidence, finding, LINES).iter().enumerate() {
        let label = if place == 0 { "   seen   - " } else { "          - " };
        text.push_str(&wrap(line, label, "            "));
    }
    for line in finding.fix.lines().filter(|line| !line.trim().is_empty()) {
        let label = format!("   {}    ", word("fix", AnsiColor::Green, colour));
        let fix = wrap(line, "   fix    ", "          ");
        text.push_str(&fix.replacen("   fix    ", &label, 1));
    }
    text
}

fn followed(effect: &Finding) -> String {
    let first = format!("   - {} {} at {} ({}): ", effect.id, effect.code, effect.hop, effect.confidence);
    let mut text = wrap(&format!("{}{}", first.trim_start(), effect.message), INDENT, "     ");
    if !effect.fix.trim().is_empty() {
        text.push_str(&wrap(&format!("if it stays: {}", effect.fix), "     ", "     "));
    }
    text
}

/// The observations that a finding rests on, in words; those that say the same are one line.
pub(super) fn proofs(evidence: &Evidence, finding: &Finding, most: usize) -> Vec<String> {
    let mut kinds: Vec<(&Observation, usize)> = Vec::new();
    for seen in finding.evidence.iter().filter_map(|index| evidence.observations.get(*index)) {
        match kinds.iter_mut().find(|(other, _)| says_the_same(other, seen)) {
            Some((_, count)) => *count += 1,
            None => kinds.push((seen, 0)),
        }
    }
    let line = |(seen, more): &(&Observation, usize)| {
        let alike = match more {
            0 => String::new(),
            more => format!(" (and {more} more alike)"),
        };
        format!("{} -> {}{alike}", words::question(seen), words::reply(seen))
    };
    let hidden = kinds.len().saturating_sub(most);
    let mut lines: Vec<String> = kinds.iter().take(most).map(line).collect();
    if hidden > 0 {
        lines.push(format!("and {hidden} more: see --output json, or the page of --report html=FILE"));
    }
    lines
}

/// Queries of one place to one hop with one outcome, whatever the name.
fn says_the_same(one: &Observation, other: &Observation) -> bool {
    let outcome = |seen: &Observation| (words::result(seen), words::flags(seen), words::answer(seen));
    one.is_dns()
        && (&one.vantage, &one.hop, one.server, one.transport)
            == (&other.vantage, &other.hop, other.server, other.transport)
        && outcome(one) == outcome(other)
}
