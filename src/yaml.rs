//! The only file that names the YAML crate.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_saphyr::{MessageFormatter as _, UserMessageFormatter};

/// A value and where it stands in its text, from 1.
#[derive(Debug, Clone)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its line.
    pub line: u64,
    /// Its column.
    pub column: u64,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = serde_saphyr::Spanned::deserialize(deserializer)?;
        Ok(Self { value: found.value, line: found.referenced.line(), column: found.referenced.column() })
    }
}

/// Why a text that a person wrote cannot be read, and where.
#[derive(Debug, Clone)]
pub struct Misread {
    /// What is wrong there.
    pub why: String,
    /// Line and column, from 1, where they are known.
    pub place: Option<(u64, u64)>,
}

/// Parses one YAML document that a person wrote.
pub fn parse_written<T: DeserializeOwned>(text: &str) -> Result<T, Misread> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let why = match error {
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is set twice"),
            other => UserMessageFormatter.format_message(other).into_owned(),
        };
        Misread { why, place: error.location().map(|at| (at.line(), at.column())) }
    })
}

/// Parses one YAML document.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

/// Writes one YAML document.
pub fn write<T: Serialize>(value: &T) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|error| error.to_string())
}
