//! The four situations that a security team asks about.

use serde_json::{Value, json};

use super::*;
use crate::scc::admit::STANDARD;
use crate::scc::rbac::Lists;

const OURS: &str = "lsdeploy-team1";

fn scc(name: &str, changes: &Value) -> Scc {
    let mut object = json!({
        "metadata": {"name": name}, "runAsUser": {"type": "MustRunAsRange"}, "seLinuxContext": {"type": "MustRunAs"},
        "fsGroup": {"type": "MustRunAs"}, "supplementalGroups": {"type": "RunAsAny"}, "requiredDropCapabilities": ["ALL"],
        "volumes": ["configMap", "emptyDir", "persistentVolumeClaim", "secret"], "seccompProfiles": ["runtime/default"],
    });
    for (field, value) in changes.as_object().into_iter().flatten() {
        object[field] = value.clone();
    }
    Scc::from_value(&object).unwrap()
}

fn ours() -> Scc {
    scc(OURS, &json!({"runAsUser": {"type": "RunAsAny"}, "allowedCapabilities": ["SETUID", "SETGID"]}))
}

fn namespace(name: &str) -> NamespaceFacts {
    let annotations = [("openshift.io/sa.scc.uid-range", "1000/10"), ("openshift.io/sa.scc.mcs", "s0:c1,c2")];
    NamespaceFacts {
        name: name.to_owned(),
        annotations: annotations.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..NamespaceFacts::default()
    }
}

/// A pod of the emulator's ServiceAccount of a namespace that asks for a uid.
fn pod(namespace: &str, uid: u32, capabilities: &[&str]) -> Value {
    json!({"metadata": {"name": "p", "namespace": namespace}, "spec": {"serviceAccountName": "emulator", "containers": [
        {"name": "a", "securityContext": {"runAsUser": uid, "capabilities": {"add": capabilities, "drop": ["ALL"]}}}]}})
}

/// The emulators of `team1` and `other` may use what is named, in their namespaces.
fn rbac(team1: &[&str], other: &[&str]) -> Rbac {
    let role = |namespace: &str, names: &[&str]| {
        json!({"metadata": {"name": "r", "namespace": namespace}, "rules": [{"apiGroups": ["security.openshift.io"],
            "resources": ["securitycontextconstraints"], "verbs": ["use"], "resourceNames": names}]})
    };
    let binding = |namespace: &str| {
        json!({"metadata": {"name": "b", "namespace": namespace}, "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [{"kind": "ServiceAccount", "name": "emulator"}]})
    };
    let (team1, other) = (role("team1", team1), role("other", other));
    Rbac::read(Lists {
        roles: &[team1, other],
        cluster_roles: &[],
        role_bindings: &[binding("team1"), binding("other")],
        cluster_role_bindings: &[],
    })
}

/// The cluster's standard SCCs, and these.
fn explained(own: &Scc, more: &[Scc], rbac: Rbac, elsewhere: Vec<Value>) -> Explanation {
    let pod = pod("team1", 0, &["SETUID", "SETGID"]);
    explain(&Material {
        scc: own,
        pod: &pod,
        namespace: "team1",
        actual: None,
        sccs: Some(STANDARD.map(|name| scc(name, &json!({}))).into_iter().chain(more.iter().cloned()).collect()),
        rbac: Some(rbac),
        pods: Some(elsewhere),
        namespaces: Some(vec![namespace("team1"), namespace("other")]),
        release: Release::RECORDED,
        differs: Vec::new(),
    })
}

#[test]
fn where_only_the_restricted_ones_are_there_the_pod_gets_ours_and_nothing_without_it() {
    let found = explained(
        &ours(),
        &[ours()],
        rbac(&[OURS, "restricted-v2"], &["restricted-v2"]),
        vec![pod("other", 1003, &[])],
    );
    assert_eq!(found.gets, Some(Ok(OURS.to_owned())));
    assert!(found.without.unwrap().is_err());
    assert_eq!(found.captured, Some(Vec::new()));
    let names: Vec<_> = found.order.unwrap().into_iter().map(|ranked| ranked.name).collect();
    assert!(names.iter().position(|name| name == OURS) > names.iter().position(|name| name == "restricted-v2"));
}

#[test]
fn a_looser_one_with_a_priority_takes_the_pod_first_and_that_is_not_as_meant() {
    let loose = scc(
        "loose",
        &json!({"priority": 10, "runAsUser": {"type": "RunAsAny"}, "allowedCapabilities": ["*"], "requiredDropCapabilities": []}),
    );
    let found = explained(&ours(), &[loose], rbac(&[OURS, "loose"], &[]), Vec::new());
    assert_eq!(found.gets, Some(Ok("loose".to_owned())));
    assert!(!found.is_as_meant());
}

#[test]
fn what_the_caller_may_not_read_is_left_out_and_blames_nobody() {
    let own = ours();
    let pod = pod("team1", 0, &[]);
    let release = Release::RECORDED;
    let material = Material {
        scc: &own,
        pod: &pod,
        namespace: "team1",
        actual: Some(OURS.to_owned()),
        sccs: None,
        rbac: None,
        pods: None,
        namespaces: None,
        release,
        differs: Vec::new(),
    };
    let found = explain(&material);
    assert_eq!((&found.order, &found.gets, &found.captured, &found.holders), (&None, &None, &None, &None));
    assert!(found.is_as_meant() && !found.fields.is_empty());
    let changed = Material { differs: vec!["/groups".to_owned()], ..material };
    assert!(!explain(&changed).is_as_meant());
    assert!(!explain(&Material { actual: Some("anyuid".to_owned()), differs: Vec::new(), ..changed }).is_as_meant());
}

#[test]
fn an_scc_that_captures_pods_elsewhere_is_caught() {
    // A fixed uid sorts it before `restricted-v2`, and somebody elsewhere may use it.
    let greedy = scc(OURS, &json!({"runAsUser": {"type": "MustRunAs", "uid": 1003}}));
    let found = explained(&greedy, &[], rbac(&[OURS], &[OURS, "restricted-v2"]), vec![pod("other", 1003, &[])]);
    let taken = Captured { namespace: "other".to_owned(), pod: "p".to_owned(), instead_of: "restricted-v2".to_owned() };
    assert_eq!(found.captured, Some(vec![taken]));
    assert!(!found.is_as_meant());
    assert_eq!(found.holders.unwrap().len(), 2);
}
