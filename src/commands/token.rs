//! Reads the emulator's token from where `--auth-token-from` says. What is read is never printed.

use std::io::Read as _;

use crate::environment::token::{OWN, Token};
use crate::error::{CommandError, Result};

/// More than any token: whoever names a large file by mistake is told soon.
const MOST: u64 = 64 * 1024;

enum Source<'a> {
    File(&'a str),
    Variable(&'a str),
    Input,
}

impl Source<'_> {
    /// What the flag says, without what may be a token that was given by mistake.
    fn shown(&self) -> &'static str {
        match self {
            Self::File(_) => "file:...",
            Self::Variable(_) => "env:...",
            Self::Input => "-",
        }
    }
}

/// Checks the form of the flag without reading anything; the setting that it makes.
pub(super) fn check(flag: &str) -> Result<String> {
    source(flag).map(|_| OWN.to_owned())
}

/// Reads the token, if the flag is given.
pub(super) fn read(flag: Option<&str>) -> Result<Option<Token>> {
    let Some(flag) = flag else { return Ok(None) };
    let source = source(flag)?;
    let text = match source {
        Source::File(path) => std::fs::File::open(path).and_then(limited).map_err(|error| {
            CommandError::new(format!("cannot read --auth-token-from file:...: {error}"))
                .hint("name a file that holds the token and nothing else")
        })?,
        Source::Input => limited(std::io::stdin()).map_err(|error| {
            CommandError::new(format!("cannot read --auth-token-from -: {error}"))
                .hint("write the token to standard input, e.g. `lsdeploy up ... --auth-token-from - < FILE`")
        })?,
        Source::Variable(name) => super::variable(name).ok_or_else(|| {
            // With a `$` too many the shell has put the token in place of the name.
            CommandError::new(
                "cannot read --auth-token-from env:...: there is no variable of that name, or it is no text",
            )
            .hint("name the variable without `$`, e.g. --auth-token-from env:LOCALSTACK_AUTH_TOKEN, and export it")
            .hint("or name a file: --auth-token-from file:PATH")
        })?,
    };
    Token::parse(source.shown(), &text).map(Some)
}

fn limited(from: impl std::io::Read) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

/// What the flag names. A token that somebody gives in its place is not repeated.
fn source(flag: &str) -> Result<Source<'_>> {
    let is_variable = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match flag.split_once(':') {
        None if flag == "-" => Ok(Source::Input),
        Some(("file", path)) if !path.is_empty() => Ok(Source::File(path)),
        Some(("env", name)) if is_variable(name) => Ok(Source::Variable(name)),
        _ => Err(CommandError::new("--auth-token-from names no place to read a token from")
            .hint("use file:PATH, env:NAME or - for standard input; a token itself belongs on no command line")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_on_the_command_line_is_refused_and_not_repeated() {
        for bad in ["ls-marker", "file:", "env:", "env:A B", "env:ls-marker/x", ""] {
            let error = check(bad).unwrap_err();
            assert!(!format!("{error:?}").contains("marker"), "{error:?}");
        }
        assert!(["file:/x", "env:TOKEN", "-"].iter().all(|good| check(good).is_ok()));
    }

    #[test]
    fn what_is_read_is_not_in_errors() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "ls-marker and more").unwrap();
        let flag = format!("file:{}", file.path().display());
        assert!(!format!("{:?}", read(Some(&flag)).unwrap_err()).contains("marker"));
        std::fs::write(file.path(), "ls-marker\n").unwrap();
        assert_eq!(read(Some(&flag)).unwrap().unwrap().expose(), "ls-marker");
        assert!(!format!("{:?}", read(Some("env:ls_marker")).unwrap_err()).contains("marker"));
        assert!(!format!("{:?}", read(Some("file:ls-marker")).unwrap_err()).contains("marker"));
        assert_eq!(read(None).unwrap(), None);
    }
}
