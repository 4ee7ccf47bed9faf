//! An error a person meets: what was attempted, why it failed (`error:`), and what to do (`hint:`).

use std::fmt;

use crate::hint::Way;
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

    /// Completes the commands in its hints: see [`Way::pasteable`].
    #[must_use]
    pub fn pasteable(mut self, way: &Way) -> Self {
        for hint in &mut self.hints {
            *hint = way.pasteable(hint);
        }
        self
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CommandError {}
