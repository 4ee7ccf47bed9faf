//! Which rights a plan needs.

use serde_json::json;

use super::*;

fn step(kind: Kind, name: &str, action: Action, desired: Value) -> Step {
    Step { id: ObjectId::new(kind, name), action, desired, changes: vec!["/spec/host".to_owned()], uid: None }
}

fn said(steps: Vec<Step>) -> Vec<String> {
    let told = |need: &Need| {
        let instead: Vec<String> = need.instead.iter().map(ToString::to_string).collect();
        let rest = if instead.is_empty() { String::new() } else { format!(" or {}", instead.join(" and ")) };
        format!("{}{rest} for {}", need.right, need.needed_for.len())
    };
    needed(&Plan { steps, writing: Writing::Applied }).iter().map(told).collect()
}

#[test]
fn rights_follow_from_the_steps_and_one_object_is_asked_by_its_name() {
    let route = |name, action| step(Kind::Route, name, action, json!({"spec": {}}));
    let steps = vec![
        step(Kind::Namespace, "n", Action::Create, Value::Null),
        route("sqs", Action::Create),
        route("s3", Action::Create),
        step(Kind::Service, "emulator", Action::Unchanged, Value::Null),
        step(Kind::ConfigMap, "lsdeploy-inventory", Action::Update, Value::Null),
        step(Kind::Role, "old", Action::Delete, Value::Null),
    ];
    let expected = [
        "create namespaces for 1",
        "patch namespaces n for 1",
        "create routes for 2",
        "patch routes for 2",
        "patch configmaps lsdeploy-inventory for 1",
        "delete roles old for 1",
    ];
    assert_eq!(said(steps), expected);
}

#[test]
fn what_an_old_server_has_just_made_and_is_written_again_needs_both_rights() {
    let steps = |action| {
        let pulls = json!({"imagePullSecrets": [{"name": "hub"}]});
        let account = |name, desired| step(Kind::ServiceAccount, name, action, desired);
        let map = |name| step(Kind::ConfigMap, name, action, Value::Null);
        vec![map(INVENTORY), map("emulator-init"), account("a", pulls), account("b", json!({}))]
    };
    let asked = |action| {
        let plan = Plan { steps: steps(action), writing: Writing::Merged };
        needed(&plan).iter().map(|need| format!("{} for {}", need.right, need.needed_for.len())).collect::<Vec<_>>()
    };
    let created = [
        "create configmaps for 2".to_owned(),
        format!("patch configmaps {INVENTORY} for 1"),
        "create serviceaccounts for 2".to_owned(),
        "patch serviceaccounts a for 1".to_owned(),
    ];
    assert_eq!(asked(Action::Create), created);
    assert!(asked(Action::Replace).contains(&created[1]));
}

#[test]
fn a_grant_needs_what_it_grants_or_the_right_to_grant_more() {
    let rules = json!({"rules": [{"apiGroups": ["security.openshift.io"], "verbs": ["use"],
        "resources": ["securitycontextconstraints"], "resourceNames": ["lsdeploy-a"]}]});
    let binding = json!({"roleRef": {"kind": "Role", "name": "lsdeploy-scc"}});
    let steps = vec![
        step(Kind::Role, "lsdeploy-scc", Action::Create, rules),
        step(Kind::RoleBinding, "lsdeploy-scc", Action::Update, binding),
    ];
    let said = said(steps);
    assert!(
        said.contains(&"use securitycontextconstraints lsdeploy-a or escalate roles lsdeploy-scc for 1".to_owned())
    );
    assert!(
        said.contains(&"bind roles lsdeploy-scc or use securitycontextconstraints lsdeploy-a for 1".to_owned()),
        "{said:?}"
    );
}

#[test]
fn a_binding_to_a_role_of_the_cluster_is_left_to_the_server() {
    let binding = json!({"roleRef": {"kind": "ClusterRole", "name": "edit"}});
    let steps = vec![step(Kind::RoleBinding, "lsdeploy-owner", Action::Create, binding)];
    let plan = Plan { steps, writing: Writing::Applied };
    let needs = needed(&plan);
    let bind = needs.iter().find(|need| need.right.verb == "bind").unwrap();
    assert!(bind.only_server_knows && bind.right.to_string() == "bind clusterroles edit");
}

#[test]
fn a_host_that_is_written_needs_a_right_of_its_own() {
    let host = || json!({"spec": {"host": "sqs.example.com"}});
    let create = said(vec![step(Kind::Route, "sqs", Action::Create, host())]);
    assert!(create.contains(&"create routes/custom-host for 1".to_owned()), "{create:?}");
    let update = said(vec![step(Kind::Route, "sqs", Action::Update, host())]);
    assert_eq!(update, ["patch routes sqs for 1", "update routes/custom-host for 1"]);
    let generated = said(vec![step(Kind::Route, "sqs", Action::Update, json!({"spec": {}}))]);
    assert_eq!(generated, ["patch routes sqs for 1"]);
}
