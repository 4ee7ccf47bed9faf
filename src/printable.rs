//! Text from a cluster, from another tenant perhaps, made safe for a terminal. Pure.

/// Control characters and direction marks are written out.
pub fn printable(text: &str) -> String {
    let is_trick = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if is_trick(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// The same without colours, which logs are full of.
pub fn colourless(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match rest.strip_prefix('m') {
            Some(rest) => plain.push_str(rest),
            None => plain.extend(["\u{1b}[", part]),
        }
    }
    printable(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_direction_marks_are_written_out() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}c\nd"), "a\\u{1b}[31mb\\u{202e}c\nd");
    }

    #[test]
    fn of_escapes_only_colours_are_taken_out() {
        assert_eq!(colourless("a\u{1b}[1;31mb\u{1b}[0m\u{1b}[2Jc"), "ab\\u{1b}[2Jc");
    }
}
