//! Each way to be stuck, provoked: it is named, with evidence and the next step, and final ones end the wait at once.

use std::time::{Duration, Instant};

use lsdeploy::level::Level;
use serde_json::Value;

use crate::lab::{Lab, POD_SECURITY, lab_variable, supervise};

/// Runs `up` and checks that it ends with the finding of that code, before `within` seconds are over.
#[track_caller]
fn assert_stuck(lab: &Lab, env: &str, flags: &[&str], code: &str, within: u64) -> Value {
    let begin = Instant::now();
    let arguments = [&["up", "--env", env, "--services", "sqs"], flags].concat();
    let (ran, report) = lab.json(&arguments);
    let took = begin.elapsed();
    assert_eq!(ran.code, 1, "{ran:?}");
    let finding = &report["finding"];
    assert_eq!(finding["code"], code, "{}", ran.stderr);
    assert!(finding["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{finding}");
    assert!(ran.stderr.contains("error:") && ran.stderr.contains("hint:"), "{}", ran.stderr);
    assert!(took < Duration::from_secs(within), "it took {took:?}");
    println!("{code}: {:.1} s\n{}", took.as_secs_f64(), ran.stderr);
    report
}

fn guest_namespace(lab: &Lab, name: &str, level: &str) {
    lab.apply(&format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{pod-security.kubernetes.io/enforce: {level}}}}}}}"
    ));
}

#[test]
fn an_image_that_is_not_there() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["absent"], &[]);
    let begin = Instant::now();
    let (ran, report) = lab.json(&["up", "--env", "absent", "--services", "sqs", "--image", "lab.test/absent:1"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    // Which of the two depends on whether the registry can be asked at all.
    let code = report["finding"]["code"].as_str().unwrap();
    assert!(["image-missing", "image-unreachable"].contains(&code), "{report:#}");
    assert!(begin.elapsed() < Duration::from_mins(1));
    println!("{code}: {:?}\n{}", begin.elapsed(), ran.stderr);
}

#[test]
fn a_container_that_crashes() {
    let Some(lab) = Lab::shared() else { return };
    if lab_variable("LAB_STATE").is_none() {
        return;
    }
    let _clean = lab.clean(&["crash"], &[]);
    let report = assert_stuck(&lab, "crash", &["--image", "lab.test/crash:1"], "crash-loop", 60);
    assert!(report["finding"]["evidence"].to_string().contains("cannot open configuration file"), "{report:#}");
}

#[test]
fn a_quota_that_is_used_up() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["full"], &["stuck-quota"]);
    guest_namespace(&lab, "stuck-quota", "baseline");
    lab.kubectl(&["-n", "stuck-quota", "create", "quota", "none", "--hard=pods=0"]);
    assert_stuck(&lab, "full", &["--namespace", "stuck-quota"], "quota-exceeded", 30);
}

#[test]
fn a_limit_that_the_pod_passes() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["limit"], &["stuck-limit"]);
    guest_namespace(&lab, "stuck-limit", "baseline");
    lab.apply(
        "{apiVersion: v1, kind: LimitRange, metadata: {name: small, namespace: stuck-limit}, \
         spec: {limits: [{type: Container, max: {memory: 64Mi}}]}}",
    );
    assert_stuck(&lab, "limit", &["--namespace", "stuck-limit"], "limit-range", 30);
}

#[test]
fn pod_security_that_refuses_the_pod() {
    let Some(lab) = Lab::shared() else { return };
    if !lab.has(&POD_SECURITY) {
        return;
    }
    let _clean = lab.clean(&["psa"], &["stuck-psa"]);
    guest_namespace(&lab, "stuck-psa", "restricted");
    assert_stuck(&lab, "psa", &["--namespace", "stuck-psa"], "psa-refused", 30);
}

#[test]
fn an_scc_that_does_not_fit() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["unfit"], &[]);
    lab.apply(
        "{apiVersion: security.openshift.io/v1, kind: SecurityContextConstraints, metadata: {name: test-no-volumes}, \
         priority: null, allowHostDirVolumePlugin: false, allowHostIPC: false, allowHostNetwork: false, \
         allowHostPID: false, allowHostPorts: false, allowPrivilegedContainer: false, allowPrivilegeEscalation: false, \
         allowedCapabilities: [], defaultAddCapabilities: [], requiredDropCapabilities: [ALL], \
         readOnlyRootFilesystem: false, runAsUser: {type: MustRunAsRange}, seLinuxContext: {type: MustRunAs}, \
         fsGroup: {type: MustRunAs}, supplementalGroups: {type: MustRunAs}, seccompProfiles: [runtime/default], \
         volumes: [projected], users: [], groups: []}",
    );
    // A pod is pinned to its SCC since OpenShift 4.14; before, another one that fits takes it.
    let code = if lab.level() >= Level::of("v1.27") { "scc-none-fits" } else { "scc-not-chosen" };
    assert_stuck(&lab, "unfit", &["--scc", "existing:test-no-volumes"], code, 30);
    lab.kubectl(&["delete", "securitycontextconstraints", "test-no-volumes"]);
}

#[test]
fn a_claim_that_no_volume_satisfies() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["claim"], &[]);
    assert_stuck(&lab, "claim", &["--persistence", "100Ti"], "claim-pending", 60);
}

#[test]
fn a_host_that_another_route_has() {
    let Some(lab) = Lab::shared() else { return };
    let Some(domain) = lab_variable("APPS_DOMAIN") else { return };
    let _clean = lab.clean(&["claimed"], &["squatter"]);
    lab.kubectl(&["create", "namespace", "squatter"]);
    lab.apply(&format!(
        "{{apiVersion: route.openshift.io/v1, kind: Route, metadata: {{name: squat, namespace: squatter}}, \
         spec: {{host: sqs-localstack-claimed.{domain}, to: {{kind: Service, name: nothing, weight: 100}}, wildcardPolicy: None}}}}"
    ));
    lab.kubectl(&[
        "-n",
        "squatter",
        "wait",
        "route/squat",
        "--for=jsonpath={.status.ingress[0].host}",
        "--timeout=30s",
    ]);
    // Routers go by the creation time, which the API keeps in whole seconds.
    std::thread::sleep(Duration::from_millis(1100));
    let report = assert_stuck(&lab, "claimed", &["--emulator", "moto"], "host-claimed", 60);
    assert!(report["finding"]["message"].as_str().unwrap().contains("sqs-localstack-claimed"), "{report:#}");
}

#[test]
fn an_emulator_that_never_becomes_ready() {
    let Some(lab) = Lab::shared() else { return };
    if lab_variable("LAB_STATE").is_none() {
        return;
    }
    let _clean = lab.clean(&["never"], &[]);
    assert_stuck(&lab, "never", &["--image", "lab.test/sleeper:1", "--timeout", "40s"], "readiness-failing", 60);
    // A command that only looks has no use for more time.
    let status = lab.lsdeploy(&["status", "--env", "never"]);
    assert!(status.code == 1 && status.stderr.contains("a slow start needs `lsdeploy up --env never"), "{status:?}");
}

#[test]
fn a_node_that_takes_no_pod() {
    let Some(lab) = Lab::alone() else { return };
    let _clean = lab.clean(&["nowhere"], &[]);
    let nodes = lab.kubectl(&["get", "nodes", "-o", "name"]);
    for node in nodes.lines() {
        lab.kubectl(&["cordon", node]);
    }
    let result =
        std::panic::catch_unwind(|| assert_stuck(&lab, "nowhere", &["--emulator", "moto"], "unschedulable", 60));
    for node in nodes.lines() {
        lab.kubectl(&["uncordon", node]);
    }
    assert!(result.is_ok());
}

#[test]
fn no_router_at_all() {
    let Some(lab) = Lab::alone() else { return };
    let Some(state) = lab_variable("LAB_STATE") else { return };
    let _clean = lab.clean(&["routerless"], &[]);
    supervise(&state, "stop", "router");
    let result =
        std::panic::catch_unwind(|| assert_stuck(&lab, "routerless", &["--emulator", "moto"], "no-router", 90));
    supervise(&state, "start", "router");
    assert!(result.is_ok());
}
