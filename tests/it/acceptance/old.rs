//! Servers that do not apply objects themselves, and environments that were made on one and are met by a new one.

use std::path::Path;
use std::time::{Duration, Instant};

use lsdeploy::plan::merge::{self, LAST_APPLIED};
use serde_json::{Value, json};

use super::apply::audited_writes;
use crate::faults::proxy::{Fault, Proxy, When};
use crate::lab::{Lab, SERVER_SIDE_APPLY, lab_variable, lsdeploy, run};

const SMALL: [&str; 5] = ["--emulator", "moto", "--services", "sqs,s3", "--no-smoke"];

fn up<'a>(env: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["up", "--env", env], SMALL.as_slice(), more].concat()
}

/// The cluster, if it is an old one.
fn old_lab() -> Option<Lab> {
    let lab = Lab::shared()?;
    if lab.applies() {
        eprintln!("SKIPPED: this cluster applies objects itself; `make test-okd311` runs this on one that does not");
        return None;
    }
    Some(lab)
}

#[test]
fn looking_never_writes_where_a_dry_run_would() {
    let Some(lab) = old_lab() else { return };
    let (Some(audit), Some(domain)) = (lab_variable("AUDIT_LOG"), lab_variable("APPS_DOMAIN")) else { return };
    let before = std::fs::read_to_string(&audit).unwrap().lines().count();
    let ran = lab.lsdeploy(&["diff", "--env", "looks", "--emulator", "moto", "--apps-domain", &domain]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let ran = lab.lsdeploy(&["diff", "--env", "looks", "--emulator", "moto"]);
    assert!(matches!(ran.code, 1 | 2), "{ran:?}");
    let text = std::fs::read_to_string(&audit).unwrap();
    let events = text.lines().skip(before).filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let writes: Vec<Value> = events
        .filter(|event| event["userAgent"].as_str().is_some_and(|agent| agent.starts_with("lsdeploy/")))
        .filter(|event| event.pointer("/objectRef/namespace").is_some_and(|namespace| namespace == "localstack-looks"))
        .filter(|event| !["get", "list", "watch"].iter().any(|verb| event["verb"] == *verb))
        .filter(|event| !event["requestURI"].as_str().unwrap().contains("selfsubject"))
        .collect();
    assert_eq!(writes, Vec::<Value>::new());
}

#[test]
fn what_the_server_does_not_know_is_said_in_another_way() {
    let Some(lab) = old_lab() else { return };
    let _clean = lab.clean(&["ancient"], &[]);
    let (ran, report) = lab.json(&up("ancient", &[]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(report["scc"], "lsdeploy-ancient");
    let pods = lab.kubectl(&["-n", "localstack-ancient", "get", "pods", "-o", "json"]);
    let pods: Value = serde_json::from_str(&pods).unwrap();
    let annotations = &pods["items"][0]["metadata"]["annotations"];
    assert_eq!(annotations["seccomp.security.alpha.kubernetes.io/pod"], "runtime/default", "{annotations}");
    let deployment = lab.kubectl(&["-n", "localstack-ancient", "get", "deployment", "emulator", "-o", "json"]);
    let deployment: Value = serde_json::from_str(&deployment).unwrap();
    assert!(deployment["metadata"]["annotations"][LAST_APPLIED].as_str().unwrap().contains("seccomp"), "{deployment}");
}

/// Takes a field out of the SCCs' schema: the server then drops it; it is put back at the end.
struct OlderSccs<'a>(&'a Lab, String);

impl<'a> OlderSccs<'a> {
    const FIELD: &'static str = "/spec/versions/0/schema/openAPIV3Schema/properties/seccompProfiles";
    const CRD: &'static str = "securitycontextconstraints.security.openshift.io";

    fn new(lab: &'a Lab) -> Self {
        let schema: Value = serde_json::from_str(&lab.kubectl(&["get", "crd", Self::CRD, "--output", "json"])).unwrap();
        let older = Self(lab, schema.pointer(Self::FIELD).unwrap().to_string());
        older.patch(&format!(r#"[{{"op": "remove", "path": "{}"}}]"#, Self::FIELD));
        older
    }

    fn patch(&self, operations: &str) {
        self.0.kubectl(&["patch", "crd", Self::CRD, "--type=json", "--patch", operations]);
    }
}

impl Drop for OlderSccs<'_> {
    fn drop(&mut self) {
        self.patch(&format!(r#"[{{"op": "add", "path": "{}", "value": {}}}]"#, Self::FIELD, self.1));
    }
}

#[test]
fn a_field_that_protects_and_is_dropped_without_a_word_is_an_error_that_names_it() {
    let Some(lab) = Lab::alone() else { return };
    if lab.applies() {
        return;
    }
    let _clean = lab.clean(&["unguarded"], &[]);
    let _older = OlderSccs::new(&lab);
    let begin = Instant::now();
    // The server takes a moment to load the schema.
    loop {
        let ran = lab.lsdeploy(&up("unguarded", &["--no-wait"]));
        if ran.code == 2 {
            assert!(ran.stderr.contains("the server dropped /seccompProfiles without a word"), "{ran:?}");
            assert!(ran.stderr.contains("hint:"), "{ran:?}");
            return;
        }
        assert!(ran.code == 0 && begin.elapsed() < Duration::from_secs(30), "{ran:?}");
        lab.lsdeploy(&["down", "--env", "unguarded"]);
    }
}

/// Kubernetes 1.20 itself, which has every field and Leases but does not apply objects either.
#[test]
fn a_beta_that_is_switched_off_is_discovered() {
    let Some(lab) = old_lab() else { return };
    let [Some(master), Some(router), Some(domain)] =
        ["LAB_KUBECONFIG_MASTER", "ROUTER_ADDRESS", "APPS_DOMAIN"].map(lab_variable)
    else {
        return;
    };
    let _clean = lab.clean(&["beta"], &[]);
    let arguments = up("beta", &["--router", &router, "--apps-domain", &domain, "--output", "json"]);
    let again = || run(&mut lsdeploy(Path::new(&master), &arguments));
    let first = again();
    assert_eq!(first.code, 0, "{first:?}");
    let second = again();
    assert_eq!(second.code, 0, "{second:?}");
    let report: Value = serde_json::from_str(&second.stdout).unwrap();
    let audit = lab_variable("AUDIT_LOG").unwrap();
    assert_eq!(audited_writes(&audit, report["run_id"].as_str().unwrap()), [""; 0]);
}

/// An object as it is after its server was too old to apply it, and has become newer since: with lsdeploy's record, and
/// without owners of fields.
fn age(lab: &Lab, namespace: &str, kind: &str, name: &str, more: &Value) {
    let place = ["-n", namespace, "get", kind, name, "-o", "json"];
    let mut live: Value = serde_json::from_str(&lab.kubectl(&place)).unwrap();
    for field in ["managedFields", "uid", "resourceVersion", "generation", "creationTimestamp"] {
        live["metadata"].as_object_mut().unwrap().remove(field);
    }
    live.as_object_mut().unwrap().remove("status");
    json_patch::merge(&mut live, more);
    let made = merge::created(&live, "salt");
    let record = json!({"metadata": {"annotations": made["metadata"]["annotations"], "managedFields": [{}]}});
    json_patch::merge(&mut live, &record);
    let patch = ["-n", namespace, "patch", kind, name, "--type=merge", "-p", &live.to_string()];
    lab.kubectl(&patch);
}

#[test]
fn an_environment_that_an_old_server_has_known_is_carried_over_once() {
    let Some(lab) = Lab::shared() else { return };
    if !lab.has(&SERVER_SIDE_APPLY) {
        return;
    }
    let Some(audit) = lab_variable("AUDIT_LOG") else { return };
    let _clean = lab.clean(&["carried"], &[]);
    let namespace = "localstack-carried";
    assert_eq!(lab.lsdeploy(&up("carried", &[])).code, 0);
    let late = json!({"metadata": {"annotations": {"example.com/late": "applied once"}}});
    for (kind, name) in [("route", "sqs"), ("service", "emulator"), ("securitycontextconstraints", "lsdeploy-carried")]
    {
        age(&lab, namespace, kind, name, &late);
    }
    lab.kubectl(&["-n", namespace, "annotate", "route", "sqs", "team.example.com/note=hello"]);
    let (ran, report) = lab.json(&up("carried", &[]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let updated = report["objects"].as_array().unwrap().iter().filter(|object| object["action"] == "update").count();
    // The inventory records the run.
    assert_eq!(updated, 4, "{report:#}");
    for (kind, name) in [("route", "sqs"), ("service", "emulator"), ("securitycontextconstraints", "lsdeploy-carried")]
    {
        let found = lab.kubectl(&["-n", namespace, "get", kind, name, "-o", "json", "--show-managed-fields"]);
        let found: Value = serde_json::from_str(&found).unwrap();
        let annotations = &found["metadata"]["annotations"];
        assert!(annotations.get(LAST_APPLIED).is_none() && annotations.get("example.com/late").is_none(), "{found:#}");
        let owners = found["metadata"]["managedFields"].as_array().unwrap();
        let ours: Vec<&Value> = owners.iter().filter(|one| one["manager"] == "lsdeploy").collect();
        assert!(ours.len() == 1 && ours[0]["operation"] == "Apply", "{owners:#?}");
        assert!(owners.iter().all(|one| one["manager"] != "before-first-apply"), "{owners:#?}");
    }
    let note = "jsonpath={.metadata.annotations.team\\.example\\.com/note}";
    assert_eq!(lab.kubectl(&["-n", namespace, "get", "route", "sqs", "-o", note]), "hello");
    let (ran, report) = lab.json(&up("carried", &[]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(audited_writes(&audit, report["run_id"].as_str().unwrap()), [""; 0]);
    // A field that is dropped from now on goes, whoever was said to have set it before.
    let (ran, _) = lab.json(&up("carried", &["--tls", "none"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let tls = lab.kubectl(&["-n", namespace, "get", "route", "sqs", "-o", "jsonpath={.spec.tls}"]);
    assert_eq!(tls, "");
}

#[test]
fn a_run_that_is_killed_or_met_while_it_carries_an_object_over_is_gone_on_with() {
    let Some(lab) = Lab::shared() else { return };
    if !lab.has(&SERVER_SIDE_APPLY) {
        return;
    }
    let _clean = lab.clean(&["carriedhalf"], &[]);
    let namespace = "localstack-carriedhalf";
    assert_eq!(lab.lsdeploy(&up("carriedhalf", &["--no-wait"])).code, 0);
    let late = json!({"metadata": {"annotations": {"example.com/late": "applied once"}}});
    let proxy = Proxy::start(&lab);
    let first = || When::Kind("PATCH services".to_owned(), 1);
    for fault in [Fault::KillAfter, Fault::Answer(409, None)] {
        age(&lab, namespace, "service", "emulator", &late);
        proxy.arm(Some((first(), fault)));
        let ran = proxy.run(&up("carriedhalf", &["--no-wait"]));
        assert_eq!(proxy.hit(), ["PATCH services"], "{ran:?}");
        assert!(fault == Fault::KillAfter || ran.code == 0, "{ran:?}");
        let again = lab.lsdeploy(&up("carriedhalf", &["--no-wait"]));
        assert_eq!(again.code, 0, "{again:?}");
        let found =
            lab.kubectl(&["-n", namespace, "get", "service", "emulator", "-o", "json", "--show-managed-fields"]);
        let found: Value = serde_json::from_str(&found).unwrap();
        let owners = found["metadata"]["managedFields"].as_array().unwrap();
        let is_past = |one: &Value| one["manager"] == "lsdeploy" && one["operation"] == "Update";
        assert!(!owners.iter().any(|one| is_past(one) || one["manager"] == "before-first-apply"), "{owners:#?}");
        let annotations = &found["metadata"]["annotations"];
        assert!(annotations.get(LAST_APPLIED).is_none() && annotations.get("example.com/late").is_none(), "{found:#}");
    }
}
