//! What a server or another tenant wrote: SCCs, live objects, inventories.

use serde_json::{Value, json};

use crate::environment::tests::environment;
use crate::fuzz::Reader;
use crate::manifest::{Kind, ObjectId};
use crate::plan::{self, LiveState, merge, record};
use crate::render;
use crate::scc::{self, NamespaceFacts, Release, Request, Scc, Subject};
use crate::settings::Choices;

/// An SCC, as it might be sent.
pub(super) const SCC: Reader = Reader {
    name: "an SCC",
    seeds: sccs,
    words: &[
        "null",
        "[]",
        "{}",
        "true",
        "false",
        "\"*\"",
        "\"hostPath\"",
        "\"RunAsAny\"",
        "\"MustRunAs\"",
        "\"MustRunAsRange\"",
        "\"ALL\"",
        "0",
        "10",
        "\"priority\":",
        "\"users\":[\"x\"]",
        "\"emptyDir\"",
    ],
    read: harmless_where_it_is_accepted,
    every: 1,
};

/// An object that the cluster holds under a name of ours.
pub(super) const LIVE: Reader = Reader {
    name: "a live object",
    seeds: objects,
    words: &[
        "null",
        "[]",
        "{}",
        "1e308",
        "\"managedFields\":",
        "\"f:spec\":",
        "\"k:{\\\"name\\\":\\\"a\\\"}\":",
        "\"v:1\":",
        "\"lsdeploy\"",
        "\"Apply\"",
        "\"finalizers\":",
        "\\\"fields\\\":",
        "\"metadata\":\"\"",
        "\"deletionTimestamp\":",
    ],
    read: compares_whatever_is_live,
    every: 2,
};

/// The record of runs in an inventory.
pub(super) const HISTORY: Reader = Reader {
    name: "a record of runs",
    seeds: || vec![br#"[{"run":"1","at":"2026-11-28T12:00:00Z","objects":3,"result":"ready"}]"#.to_vec()],
    words: &["null", "[]", "{}", "-1", "1e99", "\"run\":"],
    read: |bytes| {
        let data = json!({"history": String::from_utf8_lossy(bytes)});
        !record::history(&data).is_empty()
    },
    every: 2,
};

const PLATFORM: &str = include_str!("../../../tests/lab/objects/default-sccs.json");

fn rendered(kind: Kind) -> Value {
    let environment = environment("team1", Choices::default()).unwrap();
    render::render(&environment).unwrap().find(kind).unwrap().object.clone()
}

fn sccs() -> Vec<Vec<u8>> {
    vec![rendered(Kind::SecurityContextConstraints).to_string().into_bytes()]
}

fn objects() -> Vec<Vec<u8>> {
    let managed = json!([{"manager": "lsdeploy", "operation": "Apply", "fieldsV1": {"f:spec": {
        "f:replicas": {}, "f:gone": {}, "f:containers": {"k:{\"name\":\"emulator\"}": {".": {}, "f:image": {}}}}}}]);
    [Kind::Deployment, Kind::Service, Kind::ConfigMap, Kind::Role, Kind::Namespace, Kind::SecurityContextConstraints]
        .map(|kind| {
            let mut object = rendered(kind);
            object["metadata"]["managedFields"] = managed.clone();
            object["metadata"]["uid"] = "5f7c".into();
            // As an old server has it.
            let mut object = merge::created(&object, "salt");
            object["metadata"]["resourceVersion"] = "7".into();
            object.to_string().into_bytes()
        })
        .into()
}

/// An SCC that passes our own check changes nothing for a pod of somebody else, not even for one that may use every SCC.
fn harmless_where_it_is_accepted(bytes: &[u8]) -> bool {
    let Ok(object) = serde_json::from_slice::<Value>(bytes) else { return false };
    let Ok(own) = scc::check_own_object(&object) else { return false };
    let platform: Value = serde_json::from_str(PLATFORM).unwrap();
    let mut sccs: Vec<Scc> =
        platform["items"].as_array().unwrap().iter().map(|object| Scc::from_value(object).unwrap()).collect();
    let before = chosen(&sccs);
    sccs.push(own);
    assert_eq!(chosen(&sccs), before);
    true
}

/// The SCCs of pods that ask for nothing, for a uid of their own, and for the platform's profile of seccomp.
fn chosen(sccs: &[Scc]) -> Vec<Option<String>> {
    let annotations = [
        ("openshift.io/sa.scc.uid-range", "1000/10"),
        ("openshift.io/sa.scc.mcs", "s0:c1,c2"),
        ("openshift.io/sa.scc.supplemental-groups", "1000/10"),
    ];
    let namespace = NamespaceFacts {
        name: "platform".to_owned(),
        annotations: annotations.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..NamespaceFacts::default()
    };
    let admin = Subject { user: "system:serviceaccount:platform:operator".to_owned(), groups: Vec::new() };
    let contexts = [
        json!({}),
        json!({"seccompProfile": {"type": "RuntimeDefault"}}),
        json!({"runAsUser": 2000, "seccompProfile": {"type": "RuntimeDefault"}}),
        json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}),
    ];
    let scc_of = |context: &Value| {
        let pod = json!({"metadata": {"name": "p"}, "spec": {"serviceAccountName": "operator", "securityContext": context,
            "containers": [{"name": "a"}]}});
        let request = Request {
            pod: &pod,
            namespace: &namespace,
            requester: &admin,
            sccs,
            may_use: &|_, _| true,
            release: Release::RECORDED,
        };
        scc::admit(&request).unwrap().scc
    };
    contexts.iter().map(scc_of).collect()
}

/// A live object is ours or it is not, and differs or does not; what is foreign is never planned to be deleted.
fn compares_whatever_is_live(bytes: &[u8]) -> bool {
    let Ok(object) = serde_json::from_slice::<Value>(bytes) else { return false };
    let Some(kind) = Kind::of(&object) else { return false };
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let id = ObjectId::new(kind, name);
    let live = LiveState { objects: [(id.clone(), object.clone())].into(), ..LiveState::default() };
    let environment = environment("team1", Choices::default()).unwrap();
    let set = render::render(&environment).unwrap();
    for desired in set.manifests.iter().filter(|manifest| manifest.id.kind == kind).map(|manifest| &manifest.object) {
        let _ = (merge::change(kind, desired, &object, "salt"), merge::forget(kind, desired, &object));
    }
    let foreign = plan::foreign_owner_of(kind, "team1", "localstack-team1", &object);
    if let Ok(plan) = plan::plan("team1", "localstack-team1", set, &live, &[]) {
        let touches = |step: &plan::Step| step.id == id && step.action != plan::Action::Unchanged;
        assert!(foreign.is_none() || !plan.steps.iter().any(touches), "{id} of {foreign:?}");
        for step in &plan.steps {
            let _ = plan::shown::before_and_after(step, live.objects.get(&step.id));
        }
    }
    true
}
