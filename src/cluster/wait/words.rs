//! Words of the cluster made fit for a terminal and for one line.

/// Longest text that still reads as a message, in characters.
const LONGEST: usize = 800;
/// Longest piece of evidence, in characters: a refusal that lists every SCC of a big cluster fits.
const LONGEST_EVIDENCE: usize = 16_000;

/// One line without control characters and terminal escapes, cut at [`LONGEST`] characters.
pub(super) fn sanitised(text: &str) -> String {
    cut(&harmless(text), LONGEST)
}

/// The same for evidence, which is kept whole within reason.
pub(super) fn evidence(text: &str) -> String {
    cut(&harmless(text), LONGEST_EVIDENCE)
}

fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest).chain(['…']).collect()
}

/// Without what could steer a terminal.
///
/// Logs, events and conditions are written by whoever runs the pod: they must not be able to steer the terminal.
fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.trim().chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            if characters.next_if_eq(&'[').is_some() {
                // Parameters of a control sequence end with a letter or one of `@`, `~` and their like.
                while characters.next().is_some_and(|parameter| !('\u{40}'..='\u{7e}').contains(&parameter)) {}
            }
        } else if steers(character) {
            clean.push(' ');
        } else {
            clean.push(character);
        }
    }
    clean.trim().to_owned()
}

/// True for control characters, and for the marks that reorder or hide text.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The server's sentence, or the chain of causes where no server answered.
pub(super) fn of_error(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return sanitised(&status.message);
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    sanitised(&cause.to_string())
}

/// Without the frame that gRPC puts around the runtime's words.
pub(super) fn without_rpc(text: &str) -> String {
    let mut plain = text.to_owned();
    while let Some(start) = plain.find("rpc error: code = ") {
        let Some(length) = plain[start..].find(" desc = ") else {
            break;
        };
        plain.replace_range(start..start + length + " desc = ".len(), "");
    }
    plain
}

/// Without what stands in parentheses.
pub(super) fn without_asides(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    plain.replace(" ,", ",").trim().to_owned()
}

/// `3 Routes`, `1 Route`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The first few names and how many more there are.
pub(super) fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let head = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => head,
        more => format!("{head} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, expected: &str) {
        assert_eq!(sanitised(given), expected);
    }

    #[test]
    fn a_log_line_cannot_steer_the_terminal() {
        check("\u{1b}[31mred\u{1b}[0m text\n", "red text");
        check("a\u{7}b\rc\td", "a b c d");
        check("\u{1b}]0;title\u{7}x", "]0;title x");
        check("abc\u{202e}fed", "abc fed");
        check("\u{1b}[", "");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let cut = sanitised(&"é".repeat(LONGEST + 7));
        assert_eq!(cut.chars().count(), LONGEST + 1);
        assert!(cut.ends_with('…'));
    }

    #[test]
    fn the_frame_of_grpc_is_dropped_wherever_it_stands() {
        assert_eq!(
            without_rpc("ErrImagePull: rpc error: code = NotFound desc = failed: rpc error: code = Unknown desc = why"),
            "ErrImagePull: failed: why"
        );
    }

    #[test]
    fn asides_are_dropped() {
        assert_eq!(
            without_asides("\"restricted\": a != b (pod (or) c), seccomp (x)"),
            "\"restricted\": a != b, seccomp"
        );
    }

    #[test]
    fn long_lists_end_in_a_count() {
        let names: Vec<String> = (1..=7).map(|number| format!("r{number}")).collect();
        assert_eq!(list(&names), "r1, r2, r3, r4, r5 and 2 more");
        assert_eq!(list(&names[..2]), "r1, r2");
    }
}
