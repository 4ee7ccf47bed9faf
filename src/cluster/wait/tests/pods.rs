//! Pods that do not come up.

use serde_json::{Value, json};

use super::{Cluster, check, unscheduled};

#[track_caller]
fn check_image(reason: &str, words: &str, code: &str, final_after: Option<u64>) {
    let cluster = Cluster::container(&json!({"waiting": {"reason": reason, "message": words}}));
    check(&cluster, code, final_after, &["image reg.test/emu:1"]);
}

#[test]
fn images_are_missing_unreachable_or_invalid() {
    let missing = "rpc error: code = NotFound desc = failed to pull and unpack image \"reg.test/emu:1\": failed to resolve reference \"reg.test/emu:1\": reg.test/emu:1: not found";
    check_image("ErrImagePull", missing, "image-missing", Some(0));
    check_image("ErrImagePull", "reading manifest 1 in reg.test/emu: manifest unknown", "image-missing", Some(0));
    check_image(
        "ErrImageNeverPull",
        "Container image \"x\" is not present with pull policy of Never",
        "image-missing",
        Some(0),
    );
    let lookup =
        "failed to do request: Head \"https://reg.test/v2/emu/manifests/1\": dial tcp: lookup reg.test: no such host";
    check_image("ErrImagePull", lookup, "image-unreachable", None);
    check_image("ImagePullBackOff", lookup, "image-unreachable", Some(0));
    check_image("ImagePullBackOff", "unauthorized: authentication required", "image-unreachable", Some(0));
    check_image("InvalidImageName", "Failed to apply default image tag \"A:1\"", "image-invalid", Some(0));
}

#[test]
fn an_old_kubelets_back_off_gets_its_cause_from_the_event() {
    let waiting =
        json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"reg.test/emu:1\""}});
    let cluster = Cluster::container(&waiting)
        .with_event("new-1", "Failed", "Failed to pull image \"reg.test/emu:1\": reg.test/emu:1: not found")
        .with_event("new-1", "BackOff", "Back-off pulling image \"reg.test/emu:1\"");
    check(&cluster, "image-missing", Some(0), &["the registry does not have it"]);
}

#[track_caller]
fn check_crash(status: &Value, code: &str, final_after: Option<u64>, words: &[&str]) {
    let mut cluster = Cluster::container(&json!({}));
    for (key, value) in status.as_object().unwrap() {
        cluster.pods[0]["status"]["containerStatuses"][0][key] = value.clone();
    }
    cluster.last_words = vec!["first".into(), "boom".into()];
    check(&cluster, code, final_after, words);
}

#[test]
fn one_crash_is_named_and_the_second_is_final() {
    let end = json!({"terminated": {"exitCode": 3, "reason": "Error"}});
    check_crash(&json!({"state": end}), "crash-loop", None, &["container main of pod new-1 crashed with exit code 3"]);
    check_crash(
        &json!({"state": end, "restartCount": 1}),
        "crash-loop",
        Some(0),
        &["crashed 2 times", "exit code 3", "boom"],
    );
    let backing_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let looping = json!({"state": backing_off, "lastState": end, "restartCount": 1});
    check_crash(&looping, "crash-loop", Some(0), &["crashed 2 times", "exit code 3", "boom"]);
    let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    check_crash(
        &json!({"state": killed, "restartCount": 1}),
        "out-of-memory",
        Some(0),
        &["more memory than its limit"],
    );
    let unlicensed = json!({"terminated": {"exitCode": 55, "reason": "Error"}});
    check_crash(&json!({"state": unlicensed}), "token-missing", Some(0), &["wants a licence token"]);
    let ended = json!({"terminated": {"exitCode": 0, "reason": "Completed"}});
    check_crash(&json!({"state": ended, "restartCount": 2}), "crash-loop", Some(0), &["without an error"]);
}

#[test]
fn a_crash_asks_for_its_log_once() {
    let mut cluster = Cluster::container(&json!({"terminated": {"exitCode": 1}}));
    cluster.pods[0]["status"]["containerStatuses"][0]["restartCount"] = json!(1);
    assert!(cluster.after(0).log_wanted().is_some());
    cluster.last_words = vec!["boom".into()];
    let assessment = cluster.after(0);
    assert!(assessment.log_wanted().is_none());
    assert!(assessment.verdict().unwrap().evidence.contains(&"log: boom".to_owned()));
}

#[test]
fn a_container_that_runs_again_after_crashes_gets_its_chance() {
    let mut cluster = Cluster::container(&json!({"running": {}}));
    cluster.pods[0]["status"]["containerStatuses"][0]["restartCount"] = json!(7);
    assert!(cluster.after(19).symptoms.iter().all(|judged| !judged.named && !judged.is_final));
}

#[test]
fn a_probe_that_fails_is_named_after_20_seconds_in_its_own_words() {
    let cluster = Cluster::container(&json!({"running": {}})).with_event(
        "new-1",
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
    );
    assert!(!cluster.after(19).symptoms[0].named && cluster.after(20).symptoms[0].named);
    check(&cluster, "readiness-failing", None, &["statuscode: 503"]);
}

#[test]
fn no_node_is_final_after_a_grace() {
    let mut cluster = Cluster::healthy();
    cluster.pods = vec![unscheduled("0/1 nodes are available: 1 Insufficient cpu.")];
    check(&cluster, "unschedulable", Some(10), &["pod new-1", "Insufficient cpu"]);
}

#[test]
fn a_claim_without_volume_is_named_with_its_own_words() {
    let failed = Cluster::healthy().with_claim("Pending").with_event(
        "c",
        "ProvisioningFailed",
        "storageclass.storage.k8s.io \"fast\" not found",
    );
    check(&failed, "claim-pending", Some(10), &["1Gi of storage class fast", "not found"]);
    let no_class = Cluster::healthy().with_claim("Pending").with_event(
        "c",
        "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set",
    );
    check(&no_class, "claim-pending", Some(10), &["no storage class is set"]);
    check(&Cluster::healthy().with_claim("Pending"), "claim-pending", None, &["is still pending"]);
    check(&Cluster::healthy().with_claim("Lost"), "claim-pending", Some(0), &["has lost the volume"]);
    let waits = Cluster::healthy().with_claim("Pending").with_event(
        "c",
        "WaitForFirstConsumer",
        "waiting for first consumer to be created before binding",
    );
    check(&waits, "claim-pending", Some(10), &["no node has such a volume"]);
    let mut elsewhere = waits;
    elsewhere.pods = vec![unscheduled("0/1 nodes are available: 1 Insufficient cpu.")];
    check(&elsewhere, "unschedulable", Some(10), &["Insufficient cpu"]);
}

#[test]
fn a_failing_mount_or_sandbox_is_named_and_forgotten_when_it_passes() {
    let creating = || Cluster::container(&json!({"waiting": {"reason": "ContainerCreating"}}));
    let failing = creating().with_event(
        "new-1",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"init\" : configmap \"init\" not found",
    );
    check(&failing, "pod-not-starting", None, &["configmap \"init\" not found"]);
    assert!(failing.with_event("new-1", "Pulling", "Pulling image").after(60).symptoms.is_empty());
    let config = Cluster::container(
        &json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"token\" not found"}}),
    );
    check(&config, "container-refused", Some(0), &["secret \"token\" not found"]);
}
