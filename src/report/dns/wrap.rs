//! Text in lines of a given width. Pure. A command in backticks stays in one piece, so that it can be copied.

use crate::printable::printable;

/// The width of the report.
pub(super) const WIDTH: usize = 80;

/// Breaks text so that each line, with its indentation, fits. A word that is too long stands alone.
pub(super) fn wrap(text: &str, first: &str, rest: &str) -> String {
    let (mut out, mut line, mut is_fresh) = (String::new(), first.to_owned(), true);
    for piece in text.lines().flat_map(pieces) {
        let piece = printable(piece);
        if !is_fresh && line.chars().count() + 1 + piece.chars().count() > WIDTH {
            end(&mut out, &line);
            (line, is_fresh) = (rest.to_owned(), true);
        }
        if !is_fresh {
            line.push(' ');
        }
        line.push_str(&piece);
        is_fresh = false;
    }
    end(&mut out, &line);
    out
}

fn end(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

/// Words; what stands in backticks is one, where it fits on a line.
fn pieces(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let mut end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if rest[..end].matches('`').count() % 2 == 1 {
            let close = rest[end..].find('`').map(|at| end + at + 1);
            let close = close.map(|at| rest[at..].find(char::is_whitespace).map_or(rest.len(), |space| at + space));
            end = close.filter(|end| *end < WIDTH - 8).unwrap_or(end);
        }
        found.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_not_broken() {
        let text = format!("{} `systemctl enable --now dnsmasq`, then look again", "word ".repeat(12));
        let wrapped = wrap(&text, "  fix  ", "       ");
        assert!(wrapped.contains("\n       `systemctl enable --now dnsmasq`, then look again\n"), "{wrapped}");
        assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn what_cannot_be_broken_and_what_is_not_closed_ends_well() {
        assert_eq!(wrap(&"x".repeat(100), "- ", "  "), format!("- {}\n", "x".repeat(100)));
        assert_eq!(wrap("an ` alone", "", ""), "an ` alone\n");
        assert_eq!(wrap("", "a", "b"), "a\n");
        assert_eq!(wrap("evil \u{1b}[2J", "", ""), "evil \\u{1b}[2J\n");
    }
}
