//! Fields that lsdeploy applied once and sends no more, read from the object's `managedFields`.

use serde_json::Value;

/// The paths that `manager` owns in `live` and that `desired` no longer has.
pub(super) fn dropped(desired: &Value, live: &Value, manager: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in live.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten() {
        let is_ours =
            entry["manager"] == manager && entry["operation"] == "Apply" && entry.get("subresource").is_none();
        if is_ours {
            walk(&entry["fieldsV1"], desired, "", &mut found);
        }
    }
    found
}

/// Managers that stand for what was there before lsdeploy applied: the server's own name for it, and lsdeploy itself from
/// the time when it merged.
const PAST: [&str; 2] = ["before-first-apply", super::FIELD_MANAGER];

/// The owners of an object's fields without those of the past; `None` where there are none of these.
pub fn without_past(live: &Value) -> Option<Vec<Value>> {
    let owners = live.pointer("/metadata/managedFields")?.as_array()?;
    let is_past = |entry: &&Value| {
        let manager = entry["manager"].as_str().unwrap_or_default();
        PAST.contains(&manager) && entry["operation"] == "Update" && entry.get("subresource").is_none()
    };
    let kept: Vec<Value> = owners.iter().filter(|entry| !is_past(entry)).cloned().collect();
    (kept.len() < owners.len()).then_some(kept)
}

/// Follows a `fieldsV1` tree: `f:NAME` is a field, `k:{..}` an item of a keyed list, `v:..` a value of a set, `.` the
/// thing itself. Source: structured-merge-diff's serialisation.
fn walk(fields: &Value, desired: &Value, path: &str, found: &mut Vec<String>) {
    let Some(fields) = fields.as_object() else { return };
    for (key, below) in fields {
        let (kind, name) = key.split_at(key.find(':').map_or(key.len(), |at| at + 1));
        let (child, path) = match kind {
            "f:" => (desired.get(name), format!("{path}/{name}")),
            "k:" => (item(desired, name), format!("{path}[{name}]")),
            "v:" => (set_value(desired, name), format!("{path}[{name}]")),
            _ => continue,
        };
        match child {
            Some(child) => walk(below, child, &path, found),
            None => found.push(path),
        }
    }
}

fn item<'a>(list: &'a Value, keys: &str) -> Option<&'a Value> {
    let keys: Value = serde_json::from_str(keys).ok()?;
    let keys = keys.as_object()?;
    list.as_array()?.iter().find(|item| keys.iter().all(|(key, value)| item.get(key) == Some(value)))
}

fn set_value<'a>(list: &'a Value, text: &str) -> Option<&'a Value> {
    let wanted: Value = serde_json::from_str(text).ok()?;
    list.as_array()?.iter().find(|value| **value == wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_that_is_sent_no_more_is_found() {
        let live = json!({"metadata": {"managedFields": [
            {"manager": "lsdeploy", "operation": "Apply", "fieldsV1": {"f:spec": {
                "f:containers": {"k:{\"name\":\"emulator\"}": {".": {}, "f:image": {}, "f:env": {
                    "k:{\"name\":\"OLD\"}": {".": {}, "f:name": {}}, "k:{\"name\":\"NEW\"}": {".": {}, "f:name": {}}}}}}}},
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        ]}});
        let desired = json!({"spec": {"containers": [{"name": "emulator", "image": "x", "env": [{"name": "NEW"}]}]}});
        assert_eq!(
            dropped(&desired, &live, "lsdeploy"),
            ["/spec/containers[{\"name\":\"emulator\"}]/env[{\"name\":\"OLD\"}]"]
        );
    }
}
