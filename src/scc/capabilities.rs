//! Linux capabilities of a container. Names compare byte by byte: `CAP_X` and `x` are other names than `X`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Scc;
use super::messages::{FieldError, Path, quote};
use super::pod;

/// What to write into the container: its requests joined with the SCC's defaults and drops, sorted.
///
/// None if there is nothing to join; then the container's own order and spelling stay.
pub(crate) fn joined(scc: &Scc, container: &Value) -> Option<Value> {
    let asked = &container["securityContext"]["capabilities"];
    let asked_add = set(pod::texts(&asked["add"]));
    let asked_drop = set(pod::texts(&asked["drop"]));
    let defaults = set(scc.default_add_capabilities().to_vec());
    let required = set(scc.required_drop_capabilities().to_vec());

    let add: BTreeSet<String> = &(&defaults - &asked_drop) | &asked_add;
    let drop: BTreeSet<String> = &required | &asked_drop;
    if add.len() == asked_add.len() && drop.len() == asked_drop.len() {
        return None;
    }
    let mut capabilities = Map::new();
    for (field, names) in [("add", add), ("drop", drop)] {
        if !names.is_empty() {
            capabilities.insert(field.to_owned(), names.into_iter().collect::<Vec<_>>().into());
        }
    }
    Some(Value::Object(capabilities))
}

/// Checks what a container adds. Its drops need no check: [`joined`] has put the required ones in.
pub(crate) fn check(scc: &Scc, container: &Value, path: &Path) -> Vec<FieldError> {
    let allowed = scc.allowed_capabilities();
    if allowed.iter().any(|name| name == "*") {
        return Vec::new();
    }
    let defaults = scc.default_add_capabilities();
    let refused = |name: &String| !allowed.contains(name) && !defaults.contains(name);
    let path = path.child("capabilities").child("add");
    pod::texts(&container["securityContext"]["capabilities"]["add"])
        .iter()
        .filter(|name| refused(name))
        .map(|name| FieldError::invalid(path.clone(), quote(name), "capability may not be added"))
        .collect()
}

fn set(names: Vec<String>) -> BTreeSet<String> {
    names.into_iter().collect()
}
