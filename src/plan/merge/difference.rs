//! The difference between the live object and the one that is to be, in the form that its kind takes.

use serde_json::{Map, Value, json};

use super::super::compare::list_key;
use super::Change;
use crate::manifest::Kind;

/// What changes `live` into `merged`. Each form names the version it starts from, so that a change in between is refused.
pub(super) fn between(kind: Kind, live: &Value, merged: Value) -> Change {
    match kind {
        Kind::SecurityContextConstraints if *live != merged => Change::Whole(merged),
        Kind::SecurityContextConstraints => Change::None,
        Kind::Route => patch(live, &merged, "", Form::Merge).map_or(Change::None, |it| Change::Merge(based(it, live))),
        _ => patch(live, &merged, "", Form::Strategic).map_or(Change::None, |it| Change::Strategic(based(it, live))),
    }
}

fn based(mut patch: Value, live: &Value) -> Value {
    patch["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
    patch
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Lists are replaced.
    Merge,
    /// Items of lists with keys are patched by themselves.
    Strategic,
}

fn patch(live: &Value, merged: &Value, path: &str, form: Form) -> Option<Value> {
    match (live, merged) {
        _ if live == merged => None,
        (Value::Object(live), Value::Object(merged)) => {
            let mut changed = Map::new();
            for key in live.keys().filter(|key| !merged.contains_key(*key)) {
                changed.insert(key.clone(), Value::Null);
            }
            for (key, value) in merged {
                let difference = match live.get(key) {
                    Some(live) => patch(live, value, &format!("{path}/{key}"), form),
                    None => Some(value.clone()),
                };
                changed.extend(difference.map(|value| (key.clone(), value)));
            }
            Some(Value::Object(changed))
        }
        (Value::Array(live), Value::Array(merged)) if form == Form::Strategic => {
            let key = if merged.is_empty() { list_key(path, live) } else { list_key(path, merged) };
            match key {
                Some(key) if live.iter().all(|item| item.get(key).is_some()) => Some(items(live, merged, key, path)),
                _ => Some(Value::Array(merged.clone())),
            }
        }
        _ => Some(merged.clone()),
    }
}

fn items(live: &[Value], merged: &[Value], key: &str, path: &str) -> Value {
    let find = |list: &[Value], item: &Value| list.iter().find(|other| other.get(key) == item.get(key)).cloned();
    let gone = live.iter().filter(|item| find(merged, item).is_none());
    let gone = gone.map(|item| json!({key: item[key], "$patch": "delete"}));
    let changed = merged.iter().filter_map(|item| match find(live, item) {
        None => Some(item.clone()),
        Some(live) => patch(&live, item, path, Form::Strategic).map(|mut difference| {
            difference[key] = item[key].clone();
            difference
        }),
    });
    gone.chain(changed).collect()
}
