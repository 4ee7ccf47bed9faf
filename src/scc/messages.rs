//! The server's way of writing errors: field paths, values as Go prints them, joined lists.

use std::fmt::{self, Display, Write as _};

/// Where in an object an error lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(String);

impl Path {
    pub(crate) fn new(root: &str) -> Self {
        Self(root.to_owned())
    }

    pub(crate) fn child(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    pub(crate) fn is_below(&self, start: &str) -> bool {
        self.0.starts_with(start)
    }
}

/// One line of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    path: Path,
    body: String,
}

impl FieldError {
    /// `value` is printed already, see [`quote`], [`numbers`] and [`strings`].
    pub(crate) fn invalid(path: Path, value: impl Display, detail: impl Display) -> Self {
        Self {
            path,
            body: format!("Invalid value: {value}: {detail}"),
        }
    }

    pub(crate) fn forbidden(path: Path, detail: impl Display) -> Self {
        Self {
            path,
            body: format!("Forbidden: {detail}"),
        }
    }

    /// A value is missing and there is nothing more to say about it.
    pub(crate) fn required(path: Path) -> Self {
        Self {
            path,
            body: "Required value".to_owned(),
        }
    }

    pub(crate) fn required_because(path: Path, detail: &str) -> Self {
        Self {
            path,
            body: format!("Required value: {detail}"),
        }
    }

    pub(crate) fn unsupported(path: Path, value: &str, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|one| quote(one)).collect();
        Self {
            path,
            body: format!(
                "Unsupported value: {}: supported values: {}",
                quote(value),
                supported.join(", ")
            ),
        }
    }

    /// Whether the line names the SCC it is about: lines about volumes, seccomp and sysctls do not.
    pub(crate) fn names_provider(&self) -> bool {
        self.path.is_below("provider ")
    }
}

impl Display for FieldError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path.0, self.body)
    }
}

/// Errors as the server joins them: each text once, in brackets if there is more than one.
pub(crate) fn aggregate<T: Display>(errors: &[T]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in errors.iter().map(T::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match texts.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// A string in Go's double quotes.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            plain if !is_escaped(plain) => quoted.push(plain),
            // Writing to a string does not fail.
            rare => drop(write!(quoted, "{}", GoEscape(rare))),
        }
    }
    quoted.push('"');
    quoted
}

/// Go prints a character only if it has a shape; of white space that is true of the plain blank alone.
fn is_escaped(character: char) -> bool {
    let invisible = matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    character != ' ' && (character.is_control() || character.is_whitespace() || invisible)
}

struct GoEscape(char);

impl Display for GoEscape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u32::from(self.0) {
            code @ 0..=0x7f => write!(out, "\\x{code:02x}"),
            code @ 0x80..=0xffff => write!(out, "\\u{code:04x}"),
            code => write!(out, "\\U{code:08x}"),
        }
    }
}

/// Numbers as Go prints a `[]int64`.
pub(crate) fn numbers(values: &[i64]) -> String {
    let values: Vec<String> = values.iter().map(i64::to_string).collect();
    format!("[]int64{{{}}}", values.join(", "))
}

/// Strings as Go prints a slice of the named string type.
pub(crate) fn strings(go_type: &str, values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| quote(value)).collect();
    format!("[]{go_type}{{{}}}", values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_as_go_prints_them() {
        check(
            &quote("a\u{1}\u{a0}é\u{200b}\\\"\t😀"),
            r#""a\x01\u00a0é\u200b\\\"\t😀""#,
        );
        check(&numbers(&[]), "[]int64{}");
        check(&numbers(&[1, 2]), "[]int64{1, 2}");
        check(
            &strings("v1.FSType", &["none".to_owned(), "secret".to_owned()]),
            r#"[]v1.FSType{"none", "secret"}"#,
        );
        check(&aggregate(&["a", "b", "a"]), "[a, b]");
        check(&aggregate(&["a", "a"]), "a");
    }

    #[track_caller]
    fn check(printed: &str, expected: &str) {
        assert_eq!(printed, expected);
    }
}
