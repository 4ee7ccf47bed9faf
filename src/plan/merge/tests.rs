//! What must hold whatever was applied, is live and is wanted; the patches are carried out as a server carries them out.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::compare::{differences, list_key};
use super::*;

/// An object with all forms that fields have: values, maps, lists with and without keys, alternatives.
fn object() -> impl Strategy<Value = Value> {
    let container = (
        option::of("[x-z]"),
        btree_map("[a-c]", "[x-z]", 0..3),
        option::of(vec("[x-z]", 1..3)),
        btree_map(1..4_u16, "[x-z]", 0..3),
    );
    let container = container.prop_map(|(image, env, command, ports)| {
        let env = env.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>();
        let ports = ports.into_iter().map(|(port, name)| json!({"containerPort": port, "name": name}));
        compact(json!({"image": image, "env": env, "command": command, "ports": ports.collect::<Vec<_>>()}))
    });
    let source =
        prop_oneof![Just(json!({"emptyDir": {}})), "[x-z]".prop_map(|name| json!({"configMap": {"name": name}}))];
    let named = |(name, mut value): (String, Value)| {
        value["name"] = name.into();
        value
    };
    let parts = (
        btree_map("[a-d]", "[x-z]", 0..4),
        option::of(0..3_u8),
        btree_map("[a-c]", container, 0..3),
        btree_map("[a-c]", source, 0..3),
    );
    parts.prop_map(move |(labels, replicas, containers, volumes)| {
        let containers: Vec<Value> = containers.into_iter().map(named).collect();
        let volumes: Vec<Value> = volumes.into_iter().map(named).collect();
        let pod = compact(json!({"containers": containers, "volumes": volumes}));
        let metadata = compact(json!({"name": "a", "labels": labels}));
        json!({"metadata": metadata, "spec": compact(json!({"replicas": replicas, "template": {"spec": pod}}))})
    })
}

/// Without nulls and empty maps and lists, which nobody writes.
fn compact(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let is_empty = |value: &Value| {
        value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
    };
    Value::Object(map.into_iter().filter(|(_, value)| !is_empty(value)).collect())
}

/// RFC 7386.
fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        match value {
            Value::Null => drop(target.as_object_mut().unwrap().remove(key)),
            value => merge_patch(&mut target[key], value),
        }
    }
}

/// Kubernetes' strategic merge patch, as far as it is used here.
fn strategic_patch(target: &mut Value, patch: &Value, place: &str) {
    match (&mut *target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                match value {
                    Value::Null => drop(target.remove(key)),
                    value => strategic_patch(
                        target.entry(key.clone()).or_insert(Value::Null),
                        value,
                        &format!("{place}/{key}"),
                    ),
                }
            }
        }
        (Value::Array(target), Value::Array(patch)) if list_key(place, patch).is_some() => {
            let key = list_key(place, patch).unwrap();
            for item in patch {
                let at = target.iter().position(|other| other.get(key) == item.get(key));
                match (at, item.get("$patch")) {
                    (Some(at), Some(_)) => drop(target.remove(at)),
                    (Some(at), None) => strategic_patch(&mut target[at], item, place),
                    (None, _) => target.push(item.clone()),
                }
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

/// The object that a server stores.
fn carry_out(live: &Value, change: &Change) -> Value {
    let mut stored = live.clone();
    match change {
        Change::None => {}
        Change::Strategic(patch) => strategic_patch(&mut stored, patch, ""),
        Change::Merge(patch) => merge_patch(&mut stored, patch),
        Change::Whole(object) => stored = object.clone(),
    }
    stored
}

/// An object as lsdeploy created it, after others have written to it.
fn lived(last: &Value, others: &Value) -> Value {
    let mut live = overlay::over(&created(last, "salt"), others, "");
    live["metadata"]["resourceVersion"] = "7".into();
    live
}

const FORMS: [Kind; 3] = [Kind::Deployment, Kind::Route, Kind::SecurityContextConstraints];

/// Every value of an object by its path, with keys in place of positions; sources of volumes exclude each other.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                leaves(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) if list_key(path, items).is_some() && !path.ends_with("/volumes") => {
            let key = list_key(path, items).unwrap();
            for item in items {
                leaves(item, &format!("{path}[{}]", item[key]), found);
            }
        }
        Value::Array(_) => {}
        value => found.push((path.to_owned(), value.clone())),
    }
}

fn paths(value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    leaves(value, "", &mut found);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// The change does what is wanted, and a second one is empty.
    #[test]
    fn a_change_makes_it_so_and_the_next_one_is_none(last in object(), others in object(), desired in object()) {
        let live = lived(&last, &others);
        for kind in FORMS {
            let stored = carry_out(&live, &change(kind, &desired, &live, "salt"));
            prop_assert_eq!(differences(&desired, &stored), Vec::<String>::new());
            prop_assert_eq!(dropped(&desired, &stored), Vec::<String>::new());
            prop_assert_eq!(change(kind, &desired, &stored, "other salt"), Change::None);
        }
    }

    /// What lsdeploy never wrote stays, unless a list item around it goes.
    #[test]
    fn fields_of_others_survive(last in object(), others in object(), desired in object()) {
        let live = lived(&last, &others);
        let (ours, wanted) = (paths(&last), paths(&desired));
        let is_in = |all: &[(String, Value)], path: &str| all.iter().any(|(other, _)| other == path);
        let starts = |all: &[(String, Value)], item: &str| all.iter().any(|(path, _)| path.starts_with(item));
        for kind in FORMS {
            let stored = paths(&carry_out(&live, &change(kind, &desired, &live, "salt")));
            for (path, value) in paths(&others) {
                let items = path.match_indices(']').map(|(end, _)| &path[..=end]);
                let goes = items.into_iter().any(|item| starts(&ours, item) && !starts(&wanted, item));
                if !is_in(&ours, &path) && !is_in(&wanted, &path) && !goes {
                    prop_assert!(stored.contains(&(path.clone(), value)), "{} is lost", path);
                }
            }
        }
    }

    /// Before a server that applies objects is given one, what is wanted no more goes, and nothing else; the record stays.
    #[test]
    fn what_a_record_is_for_is_forgotten_before_it(last in object(), others in object(), desired in object()) {
        let live = lived(&last, &others);
        for kind in FORMS {
            let stored = carry_out(&live, &forget(kind, &desired, &live));
            prop_assert!(is_recorded(&stored));
            let gone = dropped(&desired, &live);
            let kept = |(path, _): &(String, Value)| {
                !path.contains("/annotations") && !gone.iter().any(|gone| path.starts_with(gone))
            };
            let before: Vec<_> = paths(&live).into_iter().filter(kept).collect();
            let after: Vec<_> = paths(&stored).into_iter().filter(kept).collect();
            prop_assert_eq!(before, after);
        }
    }
}

#[test]
fn what_stands_for_the_time_of_merging_goes_by_one_patch() {
    let apply = json!({"manager": "lsdeploy", "operation": "Apply"});
    let theirs = json!({"manager": "kubectl-edit", "operation": "Update"});
    let past = json!({"manager": "lsdeploy", "operation": "Update"});
    let live = |annotations: Value, owners: Value| json!({"metadata": {"resourceVersion": "7", "annotations": annotations, "managedFields": owners}});
    let recorded = live(json!({LAST_APPLIED: "{}", "a": "b"}), json!([past, apply, theirs]));
    let Change::Merge(patch) = hand_over(&recorded) else { panic!("no patch") };
    assert_eq!(patch, live(json!({LAST_APPLIED: null}), json!([apply, theirs])));
    // A run that was cut off may have left the one without the other.
    assert_ne!(hand_over(&live(json!({}), json!([past, apply]))), Change::None);
    assert_ne!(hand_over(&live(json!({LAST_APPLIED: "{}"}), json!([apply]))), Change::None);
    assert_eq!(hand_over(&live(json!({"a": "b"}), json!([apply, theirs]))), Change::None);
}

#[test]
fn a_dropped_field_goes_unless_somebody_else_has_changed_it() {
    let last = json!({"metadata": {"annotations": {"a": "1", "b": "1"}}, "spec": {"replicas": 1}});
    let mut live = created(&last, "salt");
    live["metadata"]["annotations"]["b"] = "theirs".into();
    let desired = json!({"metadata": {}, "spec": {}});
    assert_eq!(dropped(&desired, &live), ["/metadata/annotations/a", "/spec/replicas"]);
    let stored = carry_out(&live, &change(Kind::Service, &desired, &live, "salt"));
    assert_eq!(stored["metadata"]["annotations"]["b"], "theirs");
    assert_eq!(stored["spec"], json!({}));
}

#[test]
fn secrets_are_recorded_as_keyed_digests_and_still_merged() {
    let secret = |data: Value| json!({"kind": "Secret", "metadata": {"name": "token"}, "data": data});
    let desired = secret(json!({"token": "c2VjcmV0", "old": "b2xk"}));
    let live = created(&desired, "run1");
    let record = live.pointer(LAST_APPLIED_PATH).unwrap().as_str().unwrap();
    assert!(!record.contains("c2VjcmV0") && record.contains("hmac-sha256:"), "{record}");
    let other = created(&desired, "run2");
    assert_ne!(live.pointer(LAST_APPLIED_PATH), other.pointer(LAST_APPLIED_PATH), "the digests have no key");
    let wanted = secret(json!({"token": "c2VjcmV0"}));
    assert_eq!(dropped(&wanted, &live), ["/data/old"]);
    let mut changed = live.clone();
    changed["data"]["old"] = "bmV3".into();
    assert_eq!(dropped(&wanted, &changed), [""; 0]);
}

#[test]
fn long_texts_are_recorded_as_digests() {
    let desired = json!({"kind": "ConfigMap", "metadata": {}, "data": {"script": "x".repeat(100_000)}});
    let live = created(&desired, "salt");
    assert!(live.pointer(LAST_APPLIED_PATH).unwrap().as_str().unwrap().len() < 300);
    assert_eq!(dropped(&json!({"kind": "ConfigMap", "metadata": {}}), &live), ["/data/script"]);
}

#[test]
fn one_source_takes_the_place_of_another() {
    let pod = |volume: Value| json!({"metadata": {}, "spec": {"volumes": [volume]}});
    let live = created(&pod(json!({"name": "data", "emptyDir": {}})), "salt");
    let desired = pod(json!({"name": "data", "persistentVolumeClaim": {"claimName": "a"}}));
    let stored = carry_out(&live, &change(Kind::Deployment, &desired, &live, "salt"));
    assert_eq!(stored["spec"], desired["spec"]);
    let adopted =
        json!({"metadata": {}, "spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
    let recreate = json!({"metadata": {}, "spec": {"strategy": {"type": "Recreate"}}});
    let stored = carry_out(&adopted, &change(Kind::Deployment, &recreate, &adopted, "salt"));
    assert_eq!(stored["spec"], recreate["spec"]);
}

#[test]
fn a_selector_that_was_there_selects_no_more() {
    let live = json!({"metadata": {}, "spec": {"selector": {"app": "theirs"}}});
    let desired = json!({"metadata": {}, "spec": {"selector": {"app.kubernetes.io/name": "moto"}}});
    let stored = carry_out(&live, &change(Kind::Service, &desired, &live, "salt"));
    assert_eq!(stored["spec"], desired["spec"]);
}

#[test]
fn an_scc_is_sent_whole_with_keys_that_must_be_there() {
    let desired = json!({"metadata": {"name": "a"}, "priority": null, "users": [], "allowHostPID": false});
    let live = json!({"metadata": {"name": "a", "resourceVersion": "3"}, "users": [], "allowHostPID": true});
    let Change::Whole(object) = change(Kind::SecurityContextConstraints, &desired, &live, "salt") else {
        panic!("an SCC is sent whole")
    };
    assert_eq!(object.get("priority"), Some(&Value::Null));
    assert_eq!((&object["allowHostPID"], &object["metadata"]["resourceVersion"]), (&json!(false), &json!("3")));
}

#[test]
fn an_item_that_somebody_has_changed_since_stays_without_what_is_ours() {
    let pod = |env: Value| json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "e", "env": env}]}});
    let long = "l".repeat(200);
    let last = pod(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "1"}, {"name": "C", "value": long}]));
    let wanted = json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "e"}]}});
    let mut live = created(&last, "salt");
    live["metadata"]["resourceVersion"] = "7".into();
    live["spec"]["containers"][0]["env"][1]["value"] = "theirs".into();
    let container = "/spec/containers[\"e\"]/env";
    assert_eq!(dropped(&wanted, &live), [format!("{container}[\"A\"]"), format!("{container}[\"C\"]")]);
    let stored = carry_out(&live, &change(Kind::Deployment, &wanted, &live, "salt"));
    assert_eq!(stored["spec"]["containers"][0]["env"], json!([{"name": "B", "value": "theirs"}]));
    assert_eq!(dropped(&wanted, &stored), [""; 0]);

    let volumes = |value: Value| json!({"metadata": {"name": "a"}, "spec": {"volumes": [value]}});
    let last = volumes(json!({"name": "init", "configMap": {"name": "x", "defaultMode": 420}}));
    let mut live = created(&last, "salt");
    live["spec"]["volumes"][0]["configMap"]["name"] = "theirs".into();
    let none = json!({"metadata": {"name": "a"}, "spec": {}});
    let Change::Strategic(_) = change(Kind::Deployment, &none, &live, "salt") else { panic!("nothing is sent") };
    let mut rest = live.clone();
    overlay::remove(&mut rest, &record::read(&live), &none, &live);
    assert_eq!(rest["spec"]["volumes"], json!([{"name": "init", "configMap": {"name": "theirs"}}]));
}
