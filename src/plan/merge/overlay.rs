//! Writes wanted fields over live ones, and takes dropped ones out.

use serde_json::{Map, Value};

use super::super::compare::{is_same, list_key};
use super::record;

/// Fields of which an object has one only: with another one wanted, the live one goes.
const ALTERNATIVES: [&[&str]; 2] = [&["value", "valueFrom"], &["exec", "httpGet", "tcpSocket", "grpc"]];

/// `live` with everything that `desired` says in it. What is the same in another notation stays as it is.
pub(super) fn over(live: &Value, desired: &Value, path: &str) -> Value {
    if is_same(desired, live, path) {
        return live.clone();
    }
    match (live, desired) {
        (Value::Object(live), Value::Object(desired)) => Value::Object(over_map(live, desired, path)),
        (Value::Array(live), Value::Array(desired)) => match list_key(path, desired) {
            Some(key) => Value::Array(over_items(live, desired, key, path)),
            None => Value::Array(desired.clone()),
        },
        _ => desired.clone(),
    }
}

fn over_map(live: &Map<String, Value>, desired: &Map<String, Value>, path: &str) -> Map<String, Value> {
    let mut merged = live.clone();
    merged.retain(|key, _| desired.contains_key(key) || !is_ousted(key, desired, path));
    for (key, wanted) in desired {
        let below = format!("{path}/{key}");
        match live.get(key) {
            Some(live) => drop(merged.insert(key.clone(), over(live, wanted, &below))),
            None if is_same(wanted, &Value::Null, &below) => {}
            None => drop(merged.insert(key.clone(), wanted.clone())),
        }
    }
    merged
}

/// Whether a live field cannot be beside the wanted ones.
fn is_ousted(key: &str, desired: &Map<String, Value>, path: &str) -> bool {
    let has_another = |group: &&[&str]| group.contains(&key) && group.iter().any(|one| desired.contains_key(*one));
    // A volume has one source beside its name.
    let is_source = path.ends_with("/volumes") && desired.len() > 1 && !desired.contains_key(key);
    let is_pace = key == "rollingUpdate" && desired.get("type").is_some_and(|kind| kind == "Recreate");
    ALTERNATIVES.iter().any(has_another) || is_source || is_pace
}

fn over_items(live: &[Value], desired: &[Value], key: &str, path: &str) -> Vec<Value> {
    let mut merged = live.to_vec();
    for wanted in desired {
        match merged.iter_mut().find(|item| item.get(key) == wanted.get(key)) {
            Some(item) => *item = over(item, wanted, path),
            None => merged.push(wanted.clone()),
        }
    }
    merged
}

/// Takes out of `merged` what `last` has and `desired` has not, and says which paths; what is no longer live as it was
/// applied is somebody else's by now.
pub(super) fn remove(merged: &mut Value, last: &record::Record, desired: &Value, live: &Value) -> Vec<String> {
    let mut gone = Vec::new();
    Removal { record: last, gone: &mut gone }.of(merged, &last.fields, Some(desired), Some(live), "");
    gone
}

struct Removal<'a> {
    record: &'a record::Record,
    gone: &'a mut Vec<String>,
}

impl Removal<'_> {
    fn of(&mut self, merged: &mut Value, last: &Value, desired: Option<&Value>, live: Option<&Value>, path: &str) {
        match (merged, last) {
            (Value::Object(merged), Value::Object(last)) => {
                for (key, applied) in last {
                    let below = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                    let wanted = desired.and_then(|desired| desired.get(key));
                    let Some(there) = live.and_then(|live| live.get(key)) else { continue };
                    let Some(place) = merged.get_mut(key) else { continue };
                    let goes = wanted.is_none() && self.is_leaf_to_go(applied, there, &below);
                    if goes {
                        self.gone.push(below);
                        merged.remove(key);
                        continue;
                    }
                    self.of(place, applied, wanted, Some(there), &below);
                    if wanted.is_none() && place.as_object().is_some_and(Map::is_empty) {
                        merged.remove(key);
                    }
                }
            }
            (Value::Array(merged), Value::Array(last)) => self.items(merged, last, desired, live, path),
            _ => {}
        }
    }

    fn items(
        &mut self,
        merged: &mut Vec<Value>,
        last: &[Value],
        desired: Option<&Value>,
        live: Option<&Value>,
        path: &str,
    ) {
        let Some(key) = list_key(path, last) else { return };
        let find = |list: Option<&'_ Value>, item: &Value| {
            list.and_then(Value::as_array)?.iter().find(|other| other.get(key) == item.get(key)).cloned()
        };
        for applied in last {
            let below = format!("{path}[{}]", applied[key]);
            let Some(there) = find(live, applied) else { continue };
            let Some(at) = merged.iter().position(|item| item.get(key) == applied.get(key)) else { continue };
            match find(desired, applied) {
                Some(wanted) => self.of(&mut merged[at], applied, Some(&wanted), Some(&there), path),
                None => {
                    self.gone.push(below);
                    merged.remove(at);
                }
            }
        }
    }

    /// A value, or a list without keys, that is live as it was applied.
    fn is_leaf_to_go(&self, applied: &Value, live: &Value, path: &str) -> bool {
        let is_below = match applied {
            Value::Object(map) => !map.is_empty(),
            Value::Array(items) => !items.is_empty() && list_key(path, items).is_some(),
            _ => false,
        };
        !is_below && self.record.says(applied, live, path)
    }
}
