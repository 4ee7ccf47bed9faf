//! What belongs to no environment is found, and the command that is named removes it.

use serde_json::Value;

use super::rights::pasted;
use crate::lab::Lab;

const SMALL: [&str; 5] = ["--emulator", "moto", "--services", "sqs", "--no-wait"];

/// The orphans of an environment.
fn orphans(lab: &Lab, env: &str) -> Vec<Value> {
    let (ran, list) = lab.json(&["list", "--orphans"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    list["orphans"].as_array().unwrap().iter().filter(|orphan| orphan["env"] == env).cloned().collect()
}

/// Runs the one command that all of them name.
#[track_caller]
fn remove(orphans: &[Value]) {
    let command = orphans[0]["command"].as_str().unwrap();
    assert!(orphans.iter().all(|orphan| orphan["command"] == command), "{orphans:?}");
    let ran = pasted(command);
    assert_eq!(ran.code, 0, "{command}: {ran:?}");
}

#[test]
fn a_namespace_without_its_inventory() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockorphan"], &[]);
    assert_eq!(lab.lsdeploy(&[&["up", "--env", "lockorphan"], &SMALL[..]].concat()).code, 0);
    assert_eq!(orphans(&lab, "lockorphan"), [Value::Null; 0]);
    lab.kubectl(&["--namespace", "localstack-lockorphan", "delete", "configmap", "lsdeploy-inventory"]);
    let found = orphans(&lab, "lockorphan");
    let kinds: Vec<&str> = found.iter().filter_map(|orphan| orphan["kind"].as_str()).collect();
    assert!(["Namespace", "SecurityContextConstraints", "Route"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    assert!(found.iter().all(|orphan| orphan["why"] == "the namespace localstack-lockorphan has no inventory"));
    let text = lab.lsdeploy(&["list", "--orphans"]).stdout;
    assert!(
        text.lines().any(|line| line.starts_with("Namespace") && line.contains("down --env lockorphan --kubeconfig ")),
        "{text}"
    );
    remove(&found);
    assert_eq!(lab.leftovers("lockorphan"), "");
}

#[test]
fn an_scc_whose_namespace_is_gone_and_what_was_left_at_somebody_elses() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockstray", "lockhost"], &["lockstray-home"]);
    let up = |env: &str, more: &[&str]| {
        let ran = lab.lsdeploy(&[&["up", "--env", env], &SMALL[..], more].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    up("lockhost", &[]);
    lab.kubectl(&["create", "namespace", "lockstray-home"]);
    up("lockstray", &["--namespace", "lockstray-home"]);
    // The SCC survives its namespace only where nobody collects it.
    let unowned = r#"[{"op": "remove", "path": "/metadata/ownerReferences"}]"#;
    lab.kubectl(&["patch", "securitycontextconstraints", "lsdeploy-lockstray", "--type=json", "--patch", unowned]);
    lab.kubectl(&["delete", "namespace", "lockstray-home"]);
    let found = orphans(&lab, "lockstray");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["why"], "the namespace lockstray-home is gone");
    let command = found[0]["command"].as_str().unwrap();
    assert!(command.starts_with("lsdeploy down --env lockstray --namespace lockstray-home --kubeconfig "), "{command}");
    remove(&found);
    assert_eq!(lab.leftovers("lockstray"), "");

    lab.apply(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: stray, namespace: localstack-lockhost, labels: \
         {app.kubernetes.io/managed-by: lsdeploy, app.kubernetes.io/instance: lockstray}}}",
    );
    let found = orphans(&lab, "lockstray");
    assert_eq!(found[0]["why"], "the namespace localstack-lockhost is of the environment lockhost", "{found:?}");
    remove(&found);
    assert_eq!(orphans(&lab, "lockstray"), [Value::Null; 0]);
    assert_eq!(lab.lsdeploy(&["diff", "--env", "lockhost"]).code, 0, "the host has lost something");
}
