//! Threats of `docs/threats.md` that no other test stands for.

mod cluster;
mod input;

use std::path::Path;

use crate::lab::{Ran, lsdeploy, run};

/// Runs with a kubeconfig that does not exist.
fn offline(arguments: &[&str]) -> Ran {
    run(&mut lsdeploy(Path::new("/nonexistent/kubeconfig"), arguments))
}

/// Said in words, with a way out, and nothing done.
#[track_caller]
fn assert_refused(ran: &Ran, words: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
    let said = ran.stderr.contains("error:") && ran.stderr.contains("hint:") && ran.stderr.contains(words);
    assert!(said, "no `{words}`: {ran:?}");
}

/// Every test that the table of threats names is there.
#[test]
fn every_test_of_the_table_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/threats.md")).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| T")).collect();
    let untested = rows.iter().filter(|row| tests_of(row).is_empty());
    // Of our own supply chain only the lint can tell.
    let untested: Vec<&str> = untested.filter_map(|row| row.split_whitespace().nth(1)).collect();
    assert_eq!((rows.len(), untested), (31, vec!["T22"]));
    let named: Vec<&str> = rows.into_iter().flat_map(tests_of).collect();
    let sources = crate::tidy::sources("src").into_iter().chain(crate::tidy::sources("tests"));
    let texts: Vec<String> = sources.map(|(_, text)| text).collect();
    for name in named {
        let function = format!("fn {name}(");
        assert!(texts.iter().any(|text| text.contains(&function)), "docs/threats.md names {name}, which is no test");
    }
}

/// The names in backticks of a row's last cell but one.
fn tests_of(row: &str) -> Vec<&str> {
    let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
    let cell = cells.iter().rev().nth(1).copied().unwrap_or_default();
    cell.split('`').skip(1).step_by(2).map(|name| name.rsplit("::").next().unwrap_or(name)).collect()
}
