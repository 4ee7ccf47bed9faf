//! Words in colour, for terminals. Pure. What a colour says, the word says too.

use anstyle::{AnsiColor, Style};

/// A word that stands out; as it is where colours are off.
pub(super) fn word(text: &str, colour: AnsiColor, on: bool) -> String {
    let style = if on { Style::new().bold().fg_color(Some(colour.into())) } else { Style::new() };
    format!("{style}{text}{style:#}")
}
