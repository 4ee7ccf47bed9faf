//! What was proved: each scenario leaves a line in a directory, from which `tests/dns-table` makes its tables.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, thread};

use lsdeploy::dns::modes::MODES;

/// One mode, reproduced and found.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) id: &'a str,
    pub(crate) how: &'a str,
    pub(crate) code: &'a str,
    pub(crate) hop: &'a str,
    pub(crate) confidence: &'a str,
    pub(crate) others: &'a [String],
}

/// Leaves a mode's line, where `LSDEPLOY_DNS_TABLE` names a directory.
pub(crate) fn record(row: &Row<'_>) {
    let others = if row.others.is_empty() { "-".to_owned() } else { row.others.join(", ") };
    let line = [row.id, row.code, row.how, row.hop, row.confidence, &others].join("\t");
    write("mode", &line);
}

/// Leaves a healthy variant's line.
pub(crate) fn record_healthy(what: &str, blamed: &[String]) {
    let blamed = if blamed.is_empty() { "-".to_owned() } else { blamed.join(", ") };
    write("healthy", &format!("{what}\t{blamed}"));
}

/// A file per test: tests run side by side.
fn write(kind: &str, line: &str) {
    let Some(directory) = env::var_os("LSDEPLOY_DNS_TABLE").map(PathBuf::from) else { return };
    fs::create_dir_all(&directory).unwrap();
    let test = thread::current().name().unwrap_or("unnamed").replace("::", "-");
    let lines = (0..).map(|number| directory.join(format!("{kind}-{test}-{number}")));
    let free = lines.into_iter().find(|path: &PathBuf| !Path::exists(path)).unwrap();
    fs::write(free, format!("{line}\n")).unwrap();
}

/// A label that exists nowhere.
pub(crate) fn label() -> String {
    let number = RandomState::new().build_hasher().finish();
    let letters = (0..8).map(|place| char::from(b'a' + u8::try_from(number >> (place * 5) & 15).unwrap()));
    format!("lsdeploy-{}", letters.collect::<String>())
}

/// Every mode by number and code, for the table's missing rows.
#[test]
fn modes_are_listed_for_the_table() {
    let list = MODES.iter().map(|mode| [mode.id, "\t", mode.code, "\n"].concat()).collect::<String>();
    if let Some(directory) = env::var_os("LSDEPLOY_DNS_TABLE").map(PathBuf::from) {
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("modes"), &list).unwrap();
    }
    assert!(list.starts_with("F1\t"));
}
