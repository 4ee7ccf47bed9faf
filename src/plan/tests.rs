//! What is created, changed, replaced and left alone.

use serde_json::json;

use super::*;

fn manifest(object: Value) -> Manifest {
    let kind = Kind::of(&object).unwrap();
    let name = object.pointer("/metadata/name").unwrap().as_str().unwrap().to_owned();
    Manifest { id: ObjectId::new(kind, name), object }
}

fn ours(extra: Value) -> Value {
    let mut object = json!({"kind": "Service", "metadata": {"name": "emulator", "uid": "u1", "labels": {
        "app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "team1"}}});
    object["spec"] = extra;
    object
}

fn live(objects: Vec<Value>) -> LiveState {
    let objects = objects.into_iter().map(|object| (manifest(object.clone()).id, object)).collect();
    LiveState { objects, ..LiveState::default() }
}

fn actions(wanted: Vec<Value>, there: Vec<Value>) -> Vec<(String, Action)> {
    let set = ManifestSet { manifests: wanted.into_iter().map(manifest).collect() };
    let plan = plan("team1", "localstack-team1", set, &live(there), &[]).unwrap();
    plan.steps.iter().map(|step| (step.id.to_string(), step.action)).collect()
}

#[test]
fn what_is_missing_is_created_and_what_is_left_over_is_deleted() {
    let mut route = ours(json!({}));
    route["kind"] = "Route".into();
    assert_eq!(
        actions(vec![ours(json!({}))], vec![route]),
        [("Service/emulator".to_owned(), Action::Create), ("Route/emulator".to_owned(), Action::Delete)]
    );
}

#[test]
fn fields_of_others_are_no_difference_and_a_changed_field_is() {
    let wanted = ours(json!({"type": "ClusterIP"}));
    let same = ours(json!({"type": "ClusterIP", "clusterIP": "172.30.0.9"}));
    let changed = ours(json!({"type": "NodePort", "clusterIP": "172.30.0.9"}));
    assert_eq!(actions(vec![wanted.clone()], vec![same])[0].1, Action::Unchanged);
    assert_eq!(actions(vec![wanted], vec![changed])[0].1, Action::Update);
}

#[test]
fn every_foreign_object_is_named_before_anything_is_planned() {
    let mut foreign = ours(json!({}));
    foreign["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm".into();
    let mut other = ours(json!({}));
    other["kind"] = "ServiceAccount".into();
    other["metadata"]["labels"]["app.kubernetes.io/instance"] = "team2".into();
    let set = ManifestSet { manifests: vec![manifest(foreign.clone()), manifest(other.clone())] };
    let conflicts = plan("team1", "localstack-team1", set, &live(vec![foreign, other]), &[]).unwrap_err();
    let owners: Vec<_> = conflicts.iter().map(|conflict| conflict.owner.as_str()).collect();
    assert_eq!(owners, ["`Helm`", "the environment `team2`"]);
}

#[test]
fn an_scc_of_the_same_env_in_another_namespace_is_foreign() {
    let mut scc = ours(json!({}));
    scc["metadata"]["annotations"] = json!({"lsdeploy.dev/namespace": "elsewhere"});
    let owner = |kind, object: &Value| foreign_owner_of(kind, "team1", "localstack-team1", object);
    assert!(owner(Kind::SecurityContextConstraints, &scc).unwrap().contains("elsewhere"));
    assert_eq!(owner(Kind::Service, &ours(json!({}))), None);
    let homeless = owner(Kind::SecurityContextConstraints, &ours(json!({})));
    assert_eq!(homeless.unwrap(), "somebody else (it names no namespace)");
}

#[test]
fn what_is_being_deleted_is_made_anew() {
    let mut leaving = ours(json!({}));
    leaving["metadata"]["deletionTimestamp"] = "2026-11-28T12:00:00Z".into();
    assert_eq!(actions(vec![ours(json!({}))], vec![leaving])[0].1, Action::Replace);
}

#[test]
fn a_changed_selector_replaces_the_deployment() {
    let deployment = |name: &str| {
        let mut object = ours(json!({"selector": {"matchLabels": {"app.kubernetes.io/name": name}}}));
        object["kind"] = "Deployment".into();
        object
    };
    assert_eq!(actions(vec![deployment("moto")], vec![deployment("localstack")])[0].1, Action::Replace);
}

fn binding(role: &str) -> Value {
    let mut object = ours(json!({}));
    object["kind"] = "RoleBinding".into();
    object["roleRef"] = json!({"kind": "Role", "name": role});
    object
}

#[test]
fn a_binding_to_another_role_is_replaced() {
    assert_eq!(actions(vec![binding("lsdeploy-scc")], vec![binding("admin")])[0].1, Action::Replace);
}

#[test]
fn what_others_added_to_an_scc_or_a_grant_of_ours_is_a_difference() {
    let scc = |more: Value| {
        let mut object = json!({"kind": "SecurityContextConstraints", "users": [], "allowPrivilegedContainer": false,
            "seLinuxContext": {"type": "MustRunAs"}, "priority": null, "metadata": {"name": "lsdeploy-team1",
            "labels": {"app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "team1"},
            "annotations": {"lsdeploy.dev/namespace": "localstack-team1"}}});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let widened = [
        json!({"users": ["system:serviceaccount:other:default"]}),
        json!({"allowPrivilegedContainer": true}),
        json!({"priority": 10}),
        json!({"seLinuxContext": {"type": "MustRunAs", "seLinuxOptions": {"type": "spc_t"}}}),
        json!({"allowedUnsafeSysctls": ["*"]}),
    ];
    for more in widened {
        assert_eq!(actions(vec![scc(json!({}))], vec![scc(more.clone())])[0].1, Action::Update, "{more}");
    }
    assert_eq!(actions(vec![scc(json!({}))], vec![scc(json!({"groups": []}))])[0].1, Action::Unchanged);
    let role = |verbs: &[&str]| {
        let mut object = ours(json!({}));
        object["kind"] = "Role".into();
        object["rules"] = json!([{"resources": ["securitycontextconstraints"], "verbs": verbs}]);
        object
    };
    assert_eq!(actions(vec![role(&["use"])], vec![role(&["use", "*"])])[0].1, Action::Update);
}

#[test]
fn an_adopted_object_that_cannot_be_changed_is_adopted_anew() {
    let mut foreign = binding("admin");
    foreign["metadata"]["labels"] = json!({});
    let set = ManifestSet { manifests: vec![manifest(binding("lsdeploy-scc"))] };
    let id = set.manifests[0].id.clone();
    let plan = plan("team1", "localstack-team1", set, &live(vec![foreign]), &[id]).unwrap();
    assert_eq!(plan.steps[0].action, Action::AdoptAnew);
    assert_eq!(plan.steps[0].action.word(), "adopt");
}
