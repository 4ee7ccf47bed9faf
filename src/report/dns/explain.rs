//! `--explain CODE`, `--list-codes`, and the page `docs/dns-modes.md`: what the failure modes are. Takes modes. Pure.

use std::fmt::Write as _;

use serde::Serialize;

use super::wrap::wrap;
use crate::dns::modes::{MODES, Mode, Stage, mode};
use crate::error::{CommandError, Result};
use crate::report::table;

/// One mode for programs.
#[derive(Serialize)]
struct Explained {
    schema: &'static str,
    code: &'static str,
    id: &'static str,
    title: &'static str,
    shows: &'static str,
    mend: &'static str,
    explains: &'static [&'static str],
}

/// What a mode is, how it shows, how it is mended. `wanted` is a code or a number.
///
/// # Errors
/// There is no such mode; the nearest are named.
pub fn explain(wanted: &str, as_json: bool) -> Result<String> {
    let Some(mode) = mode(wanted.trim()) else { return Err(unknown(wanted)) };
    if as_json {
        return Ok(write(&of(mode)));
    }
    let mut text = format!("{} {}\n", mode.id, mode.code);
    text.push_str(&wrap(mode.title, "  ", "  "));
    text.push('\n');
    text.push_str(&wrap(mode.shows, "  shows     ", "            "));
    text.push_str(&wrap(mode.mend, "  mend      ", "            "));
    text.push_str(&wrap(where_looked(mode.stage), "  looked at ", "            "));
    if !mode.explains.is_empty() {
        text.push_str(&wrap(&mode.explains.join(", "), "  explains  ", "            "));
    }
    Ok(text)
}

/// Every mode, a line each.
pub fn codes(as_json: bool) -> String {
    if as_json {
        let modes: Vec<Explained> = MODES.iter().map(|mode| of(mode)).collect();
        return write(&serde_json::json!({"schema": "lsdeploy/v1", "codes": modes}));
    }
    let mut rows = vec![["ID", "CODE", "WHAT IT IS"].map(str::to_owned).to_vec()];
    rows.extend(MODES.iter().map(|mode| vec![mode.id.to_owned(), mode.code.to_owned(), mode.title.to_owned()]));
    table::columns(&rows)
}

/// The text of `docs/dns-modes.md`.
pub fn modes_page() -> String {
    let mut page =
        "# DNS failure modes\n\nWhat `lsdeploy dns-debug` can tell apart. The code is stable; `lsdeploy dns-debug \
                    --explain CODE` prints the same. This page is made from `src/dns/modes/`: change a mode there.\n"
            .to_owned();
    for mode in MODES {
        let Mode { id, code, title, shows, mend, explains, .. } = mode;
        let [title, shows, mend] = [title, shows, mend].map(|text| ended(text));
        let _ = write!(page, "\n## {id} `{code}`\n\n{title}\n\n- Shows: {shows}\n- Mend: {mend}\n");
        if !explains.is_empty() {
            let effects: Vec<String> = explains.iter().map(|code| format!("`{code}`")).collect();
            let _ = writeln!(page, "- Explains: {}.", effects.join(", "));
        }
    }
    page
}

/// A sentence with its full stop.
fn ended(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn of(mode: &'static Mode) -> Explained {
    let Mode { id, code, title, shows, mend, explains, .. } = mode;
    Explained { schema: "lsdeploy/v1", code, id, title, shows, mend, explains }
}

fn write<T: Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    format!("{value:#}\n")
}

fn where_looked(stage: Stage) -> &'static str {
    match stage {
        Stage::Files => "first: files and objects of the asking side",
        Stage::Reach => "after files: the way to the first server",
        Stage::Server => "after the way: what the server is and runs with",
        Stage::Next => "after the server: whom it asks",
        Stage::Siblings => "after the next hop: what its siblings say",
        Stage::Search => "late: search lists",
        Stage::Special => "last: one type, one transport, one size, one port",
    }
}

fn unknown(wanted: &str) -> CommandError {
    let mut near: Vec<(usize, &Mode)> = MODES.iter().map(|mode| (distance(wanted, mode), *mode)).collect();
    near.sort_by_key(|(distance, _)| *distance);
    let near: Vec<String> = near.iter().take(3).map(|(_, mode)| format!("{} ({})", mode.code, mode.id)).collect();
    CommandError::new(format!("there is no code `{}`", wanted.escape_debug()))
        .hint(format!("the nearest are {}", near.join(", ")))
        .hint("`lsdeploy dns-debug --list-codes` names all")
}

/// How far a word is from a mode: edits, and few where one holds the other.
fn distance(wanted: &str, mode: &Mode) -> usize {
    let wanted: String = wanted.to_ascii_lowercase().chars().take(64).collect();
    let id = edits(&wanted, &mode.id.to_ascii_lowercase()) * 3;
    let holds = !wanted.is_empty() && mode.code.contains(&wanted);
    let shared =
        wanted.split('-').filter(|part| part.len() > 2 && mode.code.split('-').any(|own| own == *part)).count();
    let code = if holds { 1 } else { edits(&wanted, mode.code).saturating_sub(3 * shared) + 1 };
    id.min(code)
}

/// The least number of letters to add, take out or change.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, c) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = line + 1;
        for (place, o) in other.iter().enumerate() {
            let kept = before + usize::from(c != *o);
            before = row[place + 1];
            row[place + 1] = kept.min(before + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_and_its_number_say_the_same() {
        let text = explain("dnsmasq-not-running", false).unwrap();
        assert_eq!(explain("f1", false).unwrap(), text);
        assert!(text.starts_with("F1 dnsmasq-not-running\n  dnsmasq on the node is not running\n"), "{text}");
        assert!(text.contains("systemctl enable --now dnsmasq"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let value: serde_json::Value = serde_json::from_str(&explain("F1", true).unwrap()).unwrap();
        assert_eq!((&value["id"], &value["code"]), (&"F1".into(), &"dnsmasq-not-running".into()));
    }

    #[test]
    fn an_unknown_code_is_answered_with_the_nearest() {
        let error = explain("dnsmasq-not-runing", false).unwrap_err();
        assert_eq!(error.message, "there is no code `dnsmasq-not-runing`");
        assert!(error.hints[0].starts_with("the nearest are dnsmasq-not-running (F1)"), "{}", error.hints[0]);
        assert!(explain("", false).is_err() && explain(&"x".repeat(100_000), false).is_err());
    }

    #[test]
    fn every_mode_is_listed() {
        assert_eq!(codes(false).lines().count(), MODES.len() + 1);
        let value: serde_json::Value = serde_json::from_str(&codes(true)).unwrap();
        assert_eq!(value["codes"].as_array().unwrap().len(), MODES.len());
    }

    #[test]
    fn the_documentation_says_what_the_modes_say() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dns-modes.md");
        if std::env::var_os("LSDEPLOY_TEST_WRITE_DOCS").is_some() {
            std::fs::write(page, modes_page()).unwrap();
        }
        let is_same = std::fs::read_to_string(page).unwrap() == modes_page();
        assert!(
            is_same,
            "docs/dns-modes.md is old: `LSDEPLOY_TEST_WRITE_DOCS=1 cargo test --lib documentation` writes it"
        );
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!((edits("", "abc"), edits("kitten", "sitting"), edits("a", "a")), (3, 3, 0));
    }
}
