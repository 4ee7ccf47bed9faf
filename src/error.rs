//! An error a person meets: what was attempted, why it failed (`error:`), and what to do (`hint:`).

use std::fmt;

use crate::rights::Preflight;

/// The tool could not do its job (exit status 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    /// What was attempted and why it failed: one sentence, no trailing stop.
    pub message: String,
    /// What to do next; one line each.
    pub hints: Vec<String>,
    /// What the caller may and may not do, where that is why.
    pub preflight: Option<Box<Preflight>>,
}

/// What a step of a command returns.
pub type Result<T> = std::result::Result<T, CommandError>;

impl CommandError {
    /// An error without a hint; add one with [`CommandError::hint`] wherever the user can act.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new(), preflight: None }
    }

    /// Adds one line of advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Completes the commands in its hints: see [`pasteable`].
    #[must_use]
    pub fn pasteable(mut self, flags: &str) -> Self {
        for hint in &mut self.hints {
            *hint = pasteable(hint, flags);
        }
        self
    }
}

/// Commands that are about one environment.
const ABOUT_ONE: [&str; 6] = ["up", "down", "status", "smoke", "logs", "render"];

/// Adds the flags that lead to an environment to the commands in a hint that lack them, so that they can be pasted.
#[must_use]
pub fn pasteable(hint: &str, flags: &str) -> String {
    let complete = |code: &str| {
        let words = code.strip_prefix("lsdeploy ")?;
        let (verb, rest) = words.split_at(words.find(' ').unwrap_or(words.len()));
        // An emulator that is known by its URL alone can be checked, and that is all.
        let knows = if flags.starts_with("--endpoint") { verb == "smoke" } else { ABOUT_ONE.contains(&verb) };
        let lacks = knows && !["--env", "--endpoint"].iter().any(|flag| rest.contains(flag));
        (lacks && !flags.is_empty()).then(|| format!("lsdeploy {verb} {flags}{rest}"))
    };
    let parts = hint.split('`').enumerate().map(|(place, part)| match place % 2 {
        0 => part.to_owned(),
        _ => complete(part).unwrap_or_else(|| part.to_owned()),
    });
    parts.collect::<Vec<_>>().join("`")
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CommandError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_hints_get_the_flags_that_they_lack() {
        let flags = "--env team1 --target local";
        for (hint, pasted) in [
            ("`lsdeploy logs` shows it", "`lsdeploy logs --env team1 --target local` shows it"),
            ("look: `lsdeploy smoke --clean`", "look: `lsdeploy smoke --env team1 --target local --clean`"),
            ("`lsdeploy up --env b` is another", "`lsdeploy up --env b` is another"),
            ("`lsdeploy list`, `kubectl logs`, lsdeploy logs", "`lsdeploy list`, `kubectl logs`, lsdeploy logs"),
        ] {
            assert_eq!(pasteable(hint, flags), pasted);
            assert_eq!(pasteable(hint, ""), hint);
        }
    }
}
