//! The record of what was applied last: the object itself, but for secrets, of which it has salted digests, and long texts,
//! of which it has plain ones.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::super::compare::{is_same, is_whole};
use super::LAST_APPLIED_PATH;

/// Longer texts are recorded as digests: all annotations of an object share 256 KiB.
const LONGEST_TEXT: usize = 120;
const DIGEST: &str = "sha256:";
const KEYED_DIGEST: &str = "hmac-sha256:";

/// What an object's annotation says.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) fields: Value,
    salt: Option<String>,
}

impl Record {
    /// Whether `live` is what was applied.
    pub(super) fn says(&self, applied: &Value, live: &Value, path: &str) -> bool {
        match (applied, live) {
            (Value::String(digest), Value::String(text)) if digest.starts_with(KEYED_DIGEST) => {
                self.salt.as_ref().is_some_and(|salt| *digest == keyed(salt, text))
            }
            (Value::String(digest), Value::String(text)) if digest.starts_with(DIGEST) => *digest == plain(text),
            (Value::Array(applied), Value::Array(live)) => {
                applied.len() == live.len() && applied.iter().zip(live).all(|(one, other)| self.says(one, other, path))
            }
            // Others may have added to it, unless it is one thing.
            (Value::Object(applied), Value::Object(live)) if !is_whole(path) => applied.iter().all(|(key, applied)| {
                self.says(applied, live.get(key).unwrap_or(&Value::Null), &format!("{path}/{key}"))
            }),
            _ => is_same(applied, live, path),
        }
    }
}

/// The annotation's text.
pub(super) fn write(desired: &Value, salt: &str) -> String {
    let mut fields = without_texts(desired);
    let is_secret = desired["kind"] == "Secret";
    if is_secret {
        for key in ["data", "stringData"] {
            if let Some(values) = desired.get(key).and_then(Value::as_object) {
                let hidden = values.iter().map(|(name, value)| (name.clone(), hide(value, salt)));
                fields[key] = Value::Object(hidden.collect());
            }
        }
    }
    if let Some(annotations) = fields.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(super::LAST_APPLIED);
    }
    let record = if is_secret { json!({"fields": fields, "salt": salt}) } else { json!({"fields": fields}) };
    record.to_string()
}

/// What the annotation of a live object says; nothing where there is none or where it cannot be read.
pub(super) fn read(live: &Value) -> Record {
    let text = live.pointer(LAST_APPLIED_PATH).and_then(Value::as_str).unwrap_or_default();
    let Ok(Value::Object(mut record)) = serde_json::from_str(text) else { return Record::default() };
    let salt = record.get("salt").and_then(Value::as_str).map(str::to_owned);
    Record { fields: record.remove("fields").unwrap_or_default(), salt }
}

/// The salt of the record that is there: the same object is recorded by the same text.
pub(super) fn salt(live: &Value) -> Option<String> {
    read(live).salt
}

fn without_texts(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST_TEXT => plain(text).into(),
        Value::Array(items) => items.iter().map(without_texts).collect(),
        Value::Object(map) => {
            let shortened: Map<_, _> = map.iter().map(|(key, value)| (key.clone(), without_texts(value))).collect();
            Value::Object(shortened)
        }
        other => other.clone(),
    }
}

fn hide(value: &Value, salt: &str) -> Value {
    match value.as_str() {
        Some(text) => keyed(salt, text).into(),
        None => Value::Null,
    }
}

fn plain(text: &str) -> String {
    format!("{DIGEST}{}", hex::encode(Sha256::digest(text)))
}

/// HMAC-SHA256 (RFC 2104), as a salt: the same value has another digest in another object. The salt stands beside it, so who
/// reads the annotation can test a guess; a token is random, and no guess will find it.
fn keyed(salt: &str, text: &str) -> String {
    // A key may have any length, so there is always one.
    let digest =
        Hmac::<Sha256>::new_from_slice(salt.as_bytes()).map(|key| key.chain_update(text).finalize().into_bytes());
    format!("{KEYED_DIGEST}{}", digest.map_or_else(|_| String::new(), hex::encode))
}
