//! What a step changes, for people: the live object cut down to what lsdeploy cares for, and the object as it is to be; both
//! with secrets masked. Pure.

use serde_json::{Map, Value};

use super::compare::{is_empty, is_whole, list_key};
use super::merge::LAST_APPLIED;
use super::{Action, Step};

/// Records of what was applied last, kubectl's and lsdeploy's: they repeat the object, with what is secret in it.
const RECORDS: [&str; 2] = ["kubectl.kubernetes.io/last-applied-configuration", LAST_APPLIED];

/// What stands in place of a secret value.
const MASK: &str = "(masked)";
/// Parts of names of variables whose values are not shown.
const SECRET_NAMES: [&str; 4] = ["TOKEN", "SECRET", "PASSWORD", "PRIVATE"];

/// The object before and after a step; `Null` where there is none.
pub fn before_and_after(step: &Step, live: Option<&Value>) -> (Value, Value) {
    let live = live.unwrap_or(&Value::Null);
    let (mut before, mut after) = match step.action {
        Action::Delete => (without_noise(live), Value::Null),
        Action::Create => (Value::Null, step.desired.clone()),
        _ => {
            let before = cut_down(live, &step.desired, "");
            let after = without_phantoms(&step.desired, &before);
            (before, after)
        }
    };
    mask(&mut before, &mut after);
    (before, after)
}

/// The fields of `live` that `desired` speaks of: the others are not lsdeploy's.
fn cut_down(live: &Value, desired: &Value, path: &str) -> Value {
    match (live, desired) {
        // What others added to it counts.
        (Value::Object(_), Value::Object(_)) if is_whole(path) => live.clone(),
        (Value::Object(live), Value::Object(desired)) => Value::Object(
            desired
                .iter()
                .filter_map(|(key, wanted)| {
                    Some((key.clone(), cut_down(live.get(key)?, wanted, &format!("{path}/{key}"))))
                })
                .collect::<Map<_, _>>(),
        ),
        (Value::Array(live_items), Value::Array(wanted)) => match list_key(path, wanted) {
            Some(key) => wanted
                .iter()
                .filter_map(|item| Some((live_items.iter().find(|live| live.get(key) == item.get(key))?, item)))
                .map(|(live, item)| cut_down(live, item, path))
                .collect(),
            None if live_items.len() == wanted.len() => live_items
                .iter()
                .zip(wanted)
                .enumerate()
                .map(|(index, (live, wanted))| cut_down(live, wanted, &format!("{path}/{index}")))
                .collect(),
            None => live.clone(),
        },
        _ => live.clone(),
    }
}

/// An empty value where there is none is no change: the API leaves such values out.
fn without_phantoms(desired: &Value, before: &Value) -> Value {
    match (desired, before) {
        (Value::Object(wanted), Value::Object(live)) => {
            let shown = wanted.iter().filter(|(key, value)| live.contains_key(*key) || !is_empty(value));
            let below = |key: &String| live.get(key).unwrap_or(&Value::Null);
            shown.map(|(key, value)| (key.clone(), without_phantoms(value, below(key)))).collect::<Map<_, _>>().into()
        }
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => {
            wanted.iter().zip(live).map(|(wanted, live)| without_phantoms(wanted, live)).collect()
        }
        _ => desired.clone(),
    }
}

/// What the server keeps for itself is left out of what is shown.
fn without_noise(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        for field in ["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"] {
            metadata.remove(field);
        }
    }
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.retain(|name, _| !RECORDS.contains(&name.as_str()));
    }
    object
}

/// Hides secret values; whether they differ can still be seen.
fn mask(before: &mut Value, after: &mut Value) {
    let is_secret = |object: &Value| object["kind"] == "Secret";
    if is_secret(before) || is_secret(after) {
        for field in ["data", "stringData"] {
            let changed = before.get(field) != after.get(field);
            hide_all(before.get_mut(field), if changed { "(masked, old)" } else { MASK });
            hide_all(after.get_mut(field), if changed { "(masked, new)" } else { MASK });
        }
    }
    hide_variables(before);
    hide_variables(after);
}

fn hide_all(values: Option<&mut Value>, mask: &str) {
    for (_, value) in values.and_then(Value::as_object_mut).into_iter().flatten() {
        *value = mask.into();
    }
}

/// Values of variables that are named like secrets.
fn hide_variables(value: &mut Value) {
    let name = value.get("name").and_then(Value::as_str).map(str::to_uppercase);
    let secret = name.is_some_and(|name| SECRET_NAMES.iter().any(|part| name.contains(part)));
    if secret && value.get("value").is_some() {
        value["value"] = MASK.into();
    }
    match value {
        Value::Object(map) => map.iter_mut().for_each(|(_, below)| hide_variables(below)),
        Value::Array(list) => list.iter_mut().for_each(hide_variables),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::{Kind, ObjectId};

    fn step(action: Action, desired: Value) -> Step {
        Step { id: ObjectId::new(Kind::Deployment, "emulator"), action, desired, changes: Vec::new(), uid: None }
    }

    #[test]
    fn fields_of_others_are_not_shown() {
        let live = json!({"spec": {"replicas": 3, "template": {"spec": {"containers": [
            {"name": "sidecar"}, {"name": "emulator", "image": "old", "terminationMessagePath": "/dev/x"}]}}}});
        let wanted = json!({"spec": {"template": {"spec": {"containers": [{"name": "emulator", "image": "new"}]}}}});
        let (before, after) = before_and_after(&step(Action::Update, wanted.clone()), Some(&live));
        assert_eq!(
            before,
            json!({"spec": {"template": {"spec": {"containers": [{"name": "emulator", "image": "old"}]}}}})
        );
        assert_eq!(after, wanted);
    }

    #[test]
    fn an_empty_value_is_shown_only_where_it_empties_something() {
        let live = json!({"spec": {"paused": true, "groups": ["system:x"]}});
        let wanted = json!({"spec": {"paused": false, "groups": [], "hostAliases": [], "users": null}});
        let (_, after) = before_and_after(&step(Action::Update, wanted), Some(&live));
        assert_eq!(after, json!({"spec": {"paused": false, "groups": []}}));
    }

    #[test]
    fn secrets_are_masked_and_still_differ() {
        let live = json!({"kind": "Secret", "data": {"token": "b2xk"}});
        let wanted = json!({"kind": "Secret", "data": {"token": "bmV3"}});
        let (before, after) = before_and_after(&step(Action::Update, wanted), Some(&live));
        assert_ne!(before, after);
        let variables =
            json!({"env": [{"name": "LOCALSTACK_AUTH_TOKEN", "value": "ls-secret"}, {"name": "DEBUG", "value": "1"}]});
        let (_, created) = before_and_after(&step(Action::Create, variables), None);
        let shown = format!("{before}{after}{created}");
        assert!(!shown.contains("b2xk") && !shown.contains("bmV3") && !shown.contains("ls-secret"), "{shown}");
        assert!(shown.contains(r#""value":"1""#));
    }

    #[test]
    fn a_secret_that_goes_is_masked_in_what_others_recorded_of_it_too() {
        let record = r#"{"kind": "Secret", "data": {"token": "b2xk"}}"#;
        let live = json!({"kind": "Secret", "data": {"token": "b2xk"}, "metadata": {"name": "auth", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": record,
            "lsdeploy.dev/last-applied": r#"{"salt": "pepper"}"#, "kept": "yes"}}});
        let (before, after) = before_and_after(&step(Action::Delete, Value::Null), Some(&live));
        let shown = before.to_string();
        assert!(!shown.contains("b2xk") && !shown.contains("pepper") && shown.contains("kept"), "{shown}");
        assert_eq!(after, Value::Null);
    }
}
