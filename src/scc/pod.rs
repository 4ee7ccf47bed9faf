//! Reading and writing the parts of a pod that SCCs look at, on plain JSON so that unknown fields survive.
//!
//! An absent field and a null one are the same. Reading a wrong type gives nothing: the API server decoded the pod
//! before admission, so wrong types do not come this far.

use serde_json::{Map, Value};

use super::messages::Path;

/// The lists of containers, in the order the server visits them.
pub(crate) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Every container with its path below `root`.
pub(crate) fn containers<'a>(pod: &'a Value, root: &Path) -> Vec<(Path, &'a Value)> {
    let list = |name: &'static str| {
        let path = root.child(name);
        array(&pod["spec"][name])
            .iter()
            .enumerate()
            .map(move |(index, container)| (path.index(index), container))
    };
    CONTAINER_LISTS.into_iter().flat_map(list).collect()
}

/// The value in force for a container: its own, else the pod's.
pub(crate) fn effective<'a>(pod: &'a Value, container: &'a Value, field: &str) -> &'a Value {
    match &container["securityContext"][field] {
        Value::Null => &pod["spec"]["securityContext"][field],
        own => own,
    }
}

pub(crate) fn annotation<'a>(pod: &'a Value, key: &str) -> Option<&'a str> {
    pod["metadata"]["annotations"][key].as_str()
}

pub(crate) fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_default()
}

pub(crate) fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(crate) fn texts(value: &Value) -> Vec<String> {
    array(value).iter().map(|entry| text(entry).to_owned()).collect()
}

/// Sets `pod.metadata.annotations[key]`.
pub(crate) fn annotate(pod: &mut Value, key: &str, value: &str) {
    if let Some(annotations) = object(pod, "metadata").and_then(|metadata| object_in(metadata, "annotations")) {
        annotations.insert(key.to_owned(), value.into());
    }
}

/// Sets one field of the security context of a pod's spec or of a container.
pub(crate) fn set(owner: &mut Value, field: &str, value: Value) {
    if let Some(context) = object(owner, "securityContext") {
        context.insert(field.to_owned(), value);
    }
}

/// Removes one field of the security context, if there is such a context.
pub(crate) fn unset(owner: &mut Value, field: &str) {
    if let Some(context) = owner.get_mut("securityContext").and_then(Value::as_object_mut) {
        context.remove(field);
    }
}

/// The object at `key`, made if it is absent; nothing if `parent` is no object.
fn object<'a>(parent: &'a mut Value, key: &str) -> Option<&'a mut Map<String, Value>> {
    object_in(parent.as_object_mut()?, key)
}

fn object_in<'a>(parent: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    let value = parent.entry(key).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}
