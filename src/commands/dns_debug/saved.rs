//! Files that a user hands over: a saved run, a chain. Reads files.

use std::path::Path;

use crate::cli::chain;
use crate::dns::chain::given::Given;
use crate::dns::evidence::Evidence;
use crate::error::{CommandError, Result};
use crate::report;

/// The longest file that is read, in bytes: a run of a large cluster has a few megabytes.
const LONGEST: u64 = 256 << 20;

/// The evidence of a saved run.
pub(super) fn run(path: &Path) -> Result<Evidence> {
    let text = text(path, "--from")?;
    report::dns::read(&text, &path.display().to_string())
}

/// A chain that a person wrote.
pub(super) fn chain(path: &Path) -> Result<Given> {
    let text = text(path, "--chain")?;
    chain::parse(&text, &path.display().to_string())
}

fn text(path: &Path, flag: &str) -> Result<String> {
    let cannot = |why: &dyn std::fmt::Display| {
        CommandError::new(format!("cannot read {flag} {}: {why}", path.display())).hint("name an existing text file")
    };
    let size = std::fs::metadata(path).map_err(|error| cannot(&error))?.len();
    if size > LONGEST {
        return Err(cannot(&format!("it has {} MB, and a run has a few", size >> 20)));
    }
    let bytes = std::fs::read(path).map_err(|error| cannot(&error))?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        cannot(&format!("line {line}, column {column}: it is no UTF-8 text"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_said_with_line_and_column() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("run.json");
        std::fs::write(&file, b"{\n  \xff}").unwrap();
        assert!(run(&file).unwrap_err().message.contains("line 2, column 3: it is no UTF-8 text"));
        assert!(run(&directory.path().join("none")).unwrap_err().message.contains("No such file"));
    }
}
