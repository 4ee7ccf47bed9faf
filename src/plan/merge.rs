//! Three-way merge, for servers that do not apply objects themselves. Pure.
//!
//! ```text
//! what lsdeploy applied last (an annotation) ─┐
//! what is live ───────────────────────────────┼─► the object as it is to be ─► its difference to live, in the kind's form
//! what is wanted ─────────────────────────────┘
//! ```
//! As with server-side apply, a field that was applied once and is wanted no more goes, unless somebody else has changed it
//! since; whatever others added stays.

mod difference;
mod overlay;
mod record;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::owned_fields;
use crate::manifest::Kind;

/// The annotation that holds what was applied last.
pub const LAST_APPLIED: &str = "lsdeploy.dev/last-applied";
/// Its path.
pub const LAST_APPLIED_PATH: &str = "/metadata/annotations/lsdeploy.dev~1last-applied";

/// What is sent, to change a live object.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Nothing: it is as it should be.
    None,
    /// A strategic merge patch: kinds that Kubernetes itself defines.
    Strategic(Value),
    /// A JSON merge patch.
    Merge(Value),
    /// The whole object: in a merge patch, `null` would take a key away that must be there.
    Whole(Value),
}

/// A wanted object as it is created: with the record of what was applied. `salt` keys the digests of secrets in it.
pub fn created(desired: &Value, salt: &str) -> Value {
    let mut object = desired.clone();
    annotate(&mut object, record::write(desired, salt));
    object
}

/// What makes `live` as `desired` says, and records that.
pub fn change(kind: Kind, desired: &Value, live: &Value, salt: &str) -> Change {
    let mut merged = merged(desired, live);
    if let (Kind::SecurityContextConstraints, Some(desired), Some(merged)) =
        (kind, desired.as_object(), merged.as_object_mut())
    {
        // Its keys must be there, also without a value.
        for (key, value) in desired {
            merged.entry(key).or_insert_with(|| value.clone());
        }
    }
    annotate(&mut merged, record::write(desired, &record::salt(live).unwrap_or_else(|| salt.to_owned())));
    difference::between(kind, live, merged)
}

/// What takes from `live` the fields that are wanted no more, before a server that applies objects is given it. The record stays
/// until that is done (see [`hand_over`]).
pub fn forget(kind: Kind, desired: &Value, live: &Value) -> Change {
    let mut rest = live.clone();
    overlay::remove(&mut rest, &record::read(live), desired, live);
    difference::between(kind, live, rest)
}

/// What takes from an object that was applied all that stands for the time of merging: the record, as the server keeps its own,
/// and the owners of fields, as whoever is said to have set a field keeps it when lsdeploy drops it.
pub fn hand_over(live: &Value) -> Change {
    let owners = owned_fields::without_past(live);
    if owners.is_none() && !is_recorded(live) {
        return Change::None;
    }
    let mut patch = json!({"metadata": {"resourceVersion": live["metadata"]["resourceVersion"]}});
    if is_recorded(live) {
        patch["metadata"]["annotations"] = json!({LAST_APPLIED: null});
    }
    if let Some(owners) = owners {
        patch["metadata"]["managedFields"] = owners.into();
    }
    Change::Merge(patch)
}

/// The paths that were applied once, are wanted no more, and are live as they were applied.
pub(super) fn dropped(desired: &Value, live: &Value) -> Vec<String> {
    let mut rest = live.clone();
    overlay::remove(&mut rest, &record::read(live), desired, live)
}

/// Whether the object carries a record.
pub(super) fn is_recorded(live: &Value) -> bool {
    live.pointer(LAST_APPLIED_PATH).is_some()
}

/// The live object with the wanted fields in it, and without those that are wanted no more.
fn merged(desired: &Value, live: &Value) -> Value {
    let mut merged = overlay::over(live, desired, "");
    overlay::remove(&mut merged, &record::read(live), desired, live);
    merged
}

/// Whatever stands where the annotations are to be, a server may have said it.
fn annotate(object: &mut Value, record: String) {
    let annotations = map_in(object, "metadata").and_then(|metadata| map_in(metadata, "annotations"));
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        annotations.insert(LAST_APPLIED.to_owned(), record.into());
    }
}

/// The map under a key of a map, made where there is none.
fn map_in<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let place = object.as_object_mut()?.entry(key).or_insert(Value::Null);
    if !place.is_object() {
        *place = json!({});
    }
    Some(place)
}
