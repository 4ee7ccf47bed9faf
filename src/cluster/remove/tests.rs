//! What is removed, and in which order.

use serde_json::json;

use super::*;

/// How many projects and namespaces go, where the namespace is this one and holds an inventory that names it.
fn doomed(home: Value, as_project: bool) -> (bool, usize) {
    let (env, namespace) = (EnvName::parse("team1").unwrap(), NamespaceName::parse("prod").unwrap());
    let inventory = json!({"metadata": {"name": INVENTORY, "uid": "u2", "labels": {
        "app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "team1"}},
        "data": {"env": "team1", "namespace": "project"}});
    let objects =
        [(ObjectId::new(Kind::Namespace, "prod"), home), (ObjectId::new(Kind::ConfigMap, INVENTORY), inventory)];
    let live = LiveState { objects: objects.into_iter().collect(), ..LiveState::default() };
    let targets =
        Targets::of(live, Doomed { env: &env, namespace: &namespace, as_project, keep: &[], only_if_over: None });
    (targets.project.is_some(), targets.namespace.len())
}

#[test]
fn an_inventory_does_not_have_somebody_elses_namespace_deleted() {
    let plain = json!({"metadata": {"name": "prod", "uid": "u1"}});
    assert_eq!(doomed(plain.clone(), false), (false, 0));
    assert_eq!(doomed(plain, true), (false, 0));
    let described = json!({"metadata": {"name": "prod", "uid": "u1", "annotations": {
        "openshift.io/description": "Environment team1, made by lsdeploy"}}});
    assert_eq!(doomed(described, false), (true, 0));
    let labelled = json!({"metadata": {"name": "prod", "uid": "u1", "labels": {
        "app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "team1"}}});
    assert_eq!(doomed(labelled.clone(), false), (false, 1));
    assert_eq!(doomed(labelled, true), (true, 0));
}

/// What is to be deleted of `a` in `shared`, of which the caller sees `objects`.
fn targets(objects: Vec<(ObjectId, Value)>, hidden: &[ObjectId], only_if_over: Option<Timestamp>) -> Targets {
    let (env, namespace) = (EnvName::parse("a").unwrap(), NamespaceName::parse("shared").unwrap());
    let live = LiveState {
        objects: objects.into_iter().collect(),
        hidden: hidden.iter().cloned().collect(),
        ..LiveState::default()
    };
    Targets::of(live, Doomed { env: &env, namespace: &namespace, as_project: false, keep: &[], only_if_over })
}

#[test]
fn a_namespace_out_of_sight_is_not_taken_for_one_that_is_gone() {
    let home = ObjectId::new(Kind::Namespace, "shared");
    assert!(targets(Vec::new(), &[], None).is_closed);
    assert!(!targets(Vec::new(), std::slice::from_ref(&home), None).is_closed, "it would be changed without a lock");
    let there = json!({"metadata": {"name": "shared"}});
    assert!(!targets(vec![(home.clone(), there)], &[], None).is_closed);
    let ending = json!({"metadata": {"name": "shared", "deletionTimestamp": "2026-11-28T12:00:00Z"}});
    assert!(targets(vec![(home, ending)], &[], None).is_closed);
}

#[test]
fn what_was_given_more_time_is_not_over() {
    let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
    let extended = |data: Value, now| {
        let inventory = ObjectId::new(Kind::ConfigMap, INVENTORY);
        targets(vec![(inventory, json!({"data": data}))], &[], now).is_extended
    };
    assert!(!extended(json!({"expires-at": "2026-11-28T11:59:59Z"}), Some(now)));
    assert!(extended(json!({"expires-at": "2026-11-28T12:00:01Z"}), Some(now)));
    assert!(extended(json!({}), Some(now)), "it stays for good now");
    assert!(!extended(json!({}), None), "`down` removes what it is told to");
}
