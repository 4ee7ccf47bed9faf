//! One error for the whole program: what was attempted, why it failed, what to do.

use std::fmt::{self, Display};

/// An error that ends the program.
#[derive(Debug)]
pub(crate) struct Failure {
    attempt: String,
    why: String,
    hint: String,
}

impl Failure {
    pub(crate) fn new(attempt: impl Into<String>, why: impl Display, hint: impl Into<String>) -> Self {
        Self { attempt: attempt.into(), why: why.to_string(), hint: hint.into() }
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: cannot {}: {}\nhint: {}", self.attempt, self.why, self.hint)
    }
}

/// Turns any error into a [`Failure`] where it happens, while it is still known what was attempted.
pub(crate) trait Attempt<T> {
    fn attempting(self, attempt: impl Into<String>, hint: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Display> Attempt<T> for Result<T, E> {
    fn attempting(self, attempt: impl Into<String>, hint: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|why| Failure::new(attempt, why, hint))
    }
}
