//! One line per decision, on stderr: the lab's scripts keep it as this program's log.

#![expect(clippy::print_stderr, reason = "a service of the lab: its stderr is its log file")]

use crate::failure::Failure;
use std::fmt::Write as _;

/// Writes `<time> <event> key=value ...`; values with spaces are quoted so that a line stays greppable.
pub(crate) fn line(event: &str, fields: &[(&str, &str)]) {
    let mut text = format!("{:.3} {event}", jiff::Timestamp::now());
    for (key, value) in fields {
        let plain = !value.is_empty() && !value.contains([' ', '"', '\n', '\t']);
        // Writing into a String cannot fail.
        let _ = if plain { write!(text, " {key}={value}") } else { write!(text, " {key}={value:?}") };
    }
    eprintln!("{text}");
}

/// The last words of the program.
pub(crate) fn failure(failure: &Failure) {
    eprintln!("{failure}");
}
