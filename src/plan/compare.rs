//! Is every field that is wanted live as wanted?

use serde_json::{Map, Value};

use crate::quantity::milli;

/// Lists whose items are told apart by a key, with that key: other items in them belong to others.
/// Source: `x-kubernetes-list-map-keys` of the Kubernetes API.
const KEYED_LISTS: [(&str, &str); 7] = [
    ("hostAliases", "ip"),
    ("containers", "name"),
    ("volumes", "name"),
    ("env", "name"),
    ("volumeMounts", "mountPath"),
    ("ownerReferences", "uid"),
    ("imagePullSecrets", "name"),
];

/// The paths (JSON pointers) at which `live` is not what `desired` says.
pub fn differences(desired: &Value, live: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(desired, live, "", &mut found);
    found
}

/// Whether `live`, at `path`, is what `desired` says.
pub(super) fn is_same(desired: &Value, live: &Value, path: &str) -> bool {
    let mut found = Vec::new();
    compare(desired, live, path, &mut found);
    found.is_empty()
}

fn compare(desired: &Value, live: &Value, path: &str, found: &mut Vec<String>) {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => compare_maps(desired, live, path, found),
        (Value::Array(desired), Value::Array(live)) => compare_lists(desired, live, path, found),
        _ if is_same_scalar(desired, live, path) => {}
        _ => found.push(path.to_owned()),
    }
}

/// Selectors are one thing: another key in them selects something else. Source: `x-kubernetes-map-type` of the Kubernetes API.
/// So is a rule of a `NetworkPolicy` with its peers: another key lets in more, or less.
pub(super) fn is_whole(path: &str) -> bool {
    is_rule(path) || ["/selector", "Selector", "/matchLabels"].iter().any(|end| path.ends_with(end))
}

/// Of lsdeploy's kinds only a `NetworkPolicy` has `ingress` in its `spec`. Its lists are replaced as they are.
fn is_rule(path: &str) -> bool {
    path.starts_with("/spec/ingress/")
}

fn compare_maps(desired: &Map<String, Value>, live: &Map<String, Value>, at: &str, found: &mut Vec<String>) {
    for (key, value) in desired {
        let path = child(at, key);
        match live.get(key) {
            Some(live) => compare(value, live, &path, found),
            // A selector for an empty value is not the same as none.
            None if is_empty(value) && !is_whole(at) => {}
            None => found.push(path),
        }
    }
    if is_whole(at) {
        found.extend(live.keys().filter(|key| !desired.contains_key(*key)).map(|key| child(at, key)));
    }
}

fn child(path: &str, key: &str) -> String {
    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn compare_lists(desired: &[Value], live: &[Value], path: &str, found: &mut Vec<String>) {
    if let Some(key) = list_key(path, desired) {
        for item in desired {
            let path = format!("{path}[{}]", item[key]);
            match live.iter().find(|live| live.get(key) == item.get(key)) {
                Some(live) => compare(item, live, &path, found),
                None => found.push(path),
            }
        }
    } else if desired.len() == live.len() {
        for (index, (desired, live)) in desired.iter().zip(live).enumerate() {
            compare(desired, live, &format!("{path}/{index}"), found);
        }
    } else {
        found.push(path.to_owned());
    }
}

pub(super) fn list_key(path: &str, items: &[Value]) -> Option<&'static str> {
    let name = path.rsplit('/').next()?;
    if is_rule(path) {
        return None;
    }
    if name == "ports" {
        let is_service = items.first().is_some_and(|port| port.get("containerPort").is_none());
        return Some(if is_service { "port" } else { "containerPort" });
    }
    let (_, key) = KEYED_LISTS.iter().find(|(list, _)| *list == name)?;
    // `volumes` of an SCC are words, those of a pod have names.
    items.iter().all(|item| item.get(key).is_some()).then_some(*key)
}

/// The API leaves empty values out.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Equal, or the same amount in another notation: the API server writes quantities in its canonical form.
fn is_same_scalar(desired: &Value, live: &Value, path: &str) -> bool {
    if desired == live || (is_empty(desired) && is_empty(live)) {
        return true;
    }
    let is_amount = ["/resources/requests/", "/resources/limits/", "/spec/hard/", "/default/", "/defaultRequest/"]
        .into_iter()
        .any(|field| path.contains(field));
    let amount = |value: &Value| match value {
        Value::String(text) => milli(text),
        Value::Number(number) => milli(&number.to_string()),
        _ => None,
    };
    is_amount && amount(desired).is_some() && amount(desired) == amount(live)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(desired: &Value, live: &Value, expected: &[&str]) {
        assert_eq!(differences(desired, live), expected);
    }

    #[test]
    fn items_of_keyed_lists_are_found_by_key() {
        let desired = json!({"containers": [{"name": "emulator", "env": [{"name": "A", "value": "1"}]}]});
        let live = json!({"containers": [{"name": "sidecar"}, {"name": "emulator", "image": "x",
            "env": [{"name": "INJECTED", "value": "z"}, {"name": "A", "value": "1"}]}]});
        check(&desired, &live, &[]);
        let live = json!({"containers": [{"name": "emulator", "env": [{"name": "A", "value": "2"}]}]});
        check(&desired, &live, &["/containers[\"emulator\"]/env[\"A\"]/value"]);
    }

    #[test]
    fn other_lists_are_compared_whole() {
        check(&json!({"drop": ["ALL"]}), &json!({"drop": ["ALL", "KILL"]}), &["/drop"]);
        check(&json!({"drop": ["ALL"]}), &json!({"drop": ["KILL"]}), &["/drop/0"]);
    }

    #[test]
    fn a_selector_is_one_thing() {
        let selector = |value: Value| json!({"spec": {"selector": value}});
        check(&selector(json!({"a": "1"})), &selector(json!({"a": "1", "b": "2"})), &["/spec/selector/b"]);
        check(&selector(json!({"a": ""})), &selector(json!({})), &["/spec/selector/a"]);
        check(&json!({"labels": {"a": "1"}}), &json!({"labels": {"a": "1", "b": "2"}}), &[]);
    }

    #[test]
    fn a_rule_of_a_network_policy_and_each_of_its_peers_is_one_thing() {
        let ingress = |rule: Value| json!({"spec": {"ingress": [rule]}});
        let wanted = ingress(json!({"from": [{"podSelector": {}}]}));
        check(&wanted, &wanted, &[]);
        let all_namespaces = json!({"from": [{"podSelector": {}, "namespaceSelector": {}}]});
        check(&wanted, &ingress(all_namespaces), &["/spec/ingress/0/from/0/namespaceSelector"]);
        let shut = json!({"from": [{"podSelector": {}}], "ports": [{"port": 1, "protocol": "TCP"}]});
        check(&wanted, &ingress(shut), &["/spec/ingress/0/ports"]);
        let ports = |ports: Value| ingress(json!({"ports": ports}));
        check(&ports(json!([{"port": 1}])), &ports(json!([{"port": 1}, {"port": 2}])), &["/spec/ingress/0/ports"]);
    }

    #[test]
    fn lists_of_words_have_no_key() {
        check(&json!({"volumes": ["secret", "emptyDir"]}), &json!({"volumes": ["secret", "emptyDir"]}), &[]);
        check(&json!({"volumes": ["secret"]}), &json!({"volumes": ["hostPath"]}), &["/volumes/0"]);
    }

    #[test]
    fn quantities_are_amounts() {
        let amount = |text: &str| json!({"resources": {"requests": {"storage": text}}});
        check(&amount("1024Mi"), &amount("1Gi"), &[]);
        check(&amount("1500m"), &amount("1.5"), &[]);
        check(&amount("1G"), &amount("1Gi"), &["/resources/requests/storage"]);
    }

    #[test]
    fn what_the_api_leaves_out_because_it_is_empty_is_no_difference() {
        check(&json!({"priority": null, "users": []}), &json!({}), &[]);
        check(&json!({"users": []}), &json!({"users": ["x"]}), &["/users"]);
        check(&json!({"emptyDir": {}}), &json!({"emptyDir": {}}), &[]);
    }
}
