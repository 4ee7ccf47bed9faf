//! The only file that names the YAML crate.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

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

/// Parses one YAML document.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

/// Writes one YAML document.
pub fn write<T: Serialize>(value: &T) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|error| error.to_string())
}
