//! Writes wanted fields over live ones, and takes dropped ones out.

use serde_json::{Map, Value};

use super::super::compare::{is_same, is_whole, list_key};
use super::record::Record;

/// Fields of which an object has one only: with another one wanted, the live one goes.
const ALTERNATIVES: [&[&str]; 2] = [&["value", "valueFrom"], &["exec", "httpGet", "tcpSocket", "grpc"]];

/// `live` with everything that `desired` says in it. What is the same in another notation stays as it is.
pub(super) fn over(live: &Value, desired: &Value, path: &str) -> Value {
    if is_same(desired, live, path) {
        return live.clone();
    }
    match (live, desired) {
        (Value::Object(_), Value::Object(_)) if is_whole(path) => desired.clone(),
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

/// Takes out of `merged` what the record has and `desired` has not, and says which paths; what is no longer live as it was
/// applied is somebody else's by now.
pub(super) fn remove(merged: &mut Value, record: &Record, desired: &Value, live: &Value) -> Vec<String> {
    let mut removal = Removal { record, gone: Vec::new() };
    removal.of(merged, Views { last: &record.fields, desired: Some(desired), live: Some(live) }, "");
    removal.gone
}

/// The same place in what was applied, in what is wanted and in what is live.
#[derive(Clone, Copy)]
struct Views<'a> {
    last: &'a Value,
    desired: Option<&'a Value>,
    live: Option<&'a Value>,
}

struct Removal<'a> {
    record: &'a Record,
    gone: Vec<String>,
}

impl Removal<'_> {
    fn of(&mut self, merged: &mut Value, views: Views<'_>, path: &str) {
        match (merged, views.last) {
            (Value::Object(merged), Value::Object(last)) => {
                for (key, last) in last {
                    let below = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                    let desired = views.desired.and_then(|desired| desired.get(key));
                    let live = views.live.and_then(|live| live.get(key));
                    if live.is_some() && merged.contains_key(key) {
                        self.field(merged, key, Views { last, desired, live }, &below);
                    }
                }
            }
            (Value::Array(merged), Value::Array(last)) => self.items(merged, last, views, path),
            _ => {}
        }
    }

    fn field(&mut self, merged: &mut Map<String, Value>, key: &str, views: Views<'_>, path: &str) {
        let is_dropped = views.desired.is_none();
        if is_dropped && self.is_leaf_to_go(views, path) {
            self.gone.push(path.to_owned());
            merged.remove(key);
        } else if let Some(place) = merged.get_mut(key) {
            self.of(place, views, path);
            if is_dropped && place.as_object().is_some_and(Map::is_empty) {
                merged.remove(key);
            }
        }
    }

    fn items(&mut self, merged: &mut Vec<Value>, last: &[Value], views: Views<'_>, path: &str) {
        let Some(key) = list_key(path, last) else { return };
        for applied in last {
            let live = item(views.live, key, applied);
            let at = merged.iter().position(|other| other.get(key) == applied.get(key));
            let (Some(live), Some(at)) = (live, at) else { continue };
            let below = format!("{path}[{}]", applied[key]);
            if let Some(wanted) = item(views.desired, key, applied) {
                let views = Views { last: applied, desired: Some(wanted), live: Some(live) };
                self.of(&mut merged[at], views, &below);
                continue;
            }
            // Somebody may have changed it since: then only what is still ours in it goes.
            let views = Views { last: applied, desired: None, live: Some(live) };
            if self.record.says(applied, live, &below) || self.is_bare(&mut merged[at], key, views, &below) {
                self.gone.push(below);
                merged.remove(at);
            }
        }
    }

    /// Takes what is ours out of an item of a list; whether nothing but its key is left then.
    fn is_bare(&mut self, item: &mut Value, key: &str, views: Views<'_>, path: &str) -> bool {
        let mut last = views.last.clone();
        if let Some(last) = last.as_object_mut() {
            last.remove(key);
        }
        self.of(item, Views { last: &last, ..views }, path);
        item.as_object().is_some_and(|item| item.len() == 1)
    }

    /// A value, or a list without keys, that is live as it was applied.
    fn is_leaf_to_go(&self, views: Views<'_>, path: &str) -> bool {
        let has_more_below = match views.last {
            Value::Object(map) => !map.is_empty(),
            Value::Array(items) => !items.is_empty() && list_key(path, items).is_some(),
            _ => false,
        };
        !has_more_below && views.live.is_some_and(|live| self.record.says(views.last, live, path))
    }
}

/// The item of a list that has the same key.
fn item<'a>(list: Option<&'a Value>, key: &str, like: &Value) -> Option<&'a Value> {
    list.and_then(Value::as_array)?.iter().find(|other| other.get(key) == like.get(key))
}
