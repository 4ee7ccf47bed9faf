//! The only file that names the YAML crate.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Parses one YAML document.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

/// Writes one YAML document.
pub fn write<T: Serialize>(value: &T) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|error| error.to_string())
}
