//! `gc` as a job of the cluster: with the rights that `render --gc` gives it, and no others.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::lab::{CRON_JOBS, Lab, gc_alone, lab_variable, lsdeploy, run};

const IMAGE: &str = "lab.test/lsdeploy:test";

/// Puts the program under test into an image of the node.
fn build_image() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/images/with-lsdeploy");
    let tool = assert_cmd::cargo::cargo_bin!("lsdeploy");
    let built = Command::new(script).args([tool.as_os_str(), IMAGE.as_ref()]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

#[test]
fn a_job_of_the_cronjob_removes_what_is_over_and_nothing_else() {
    let Some(lab) = Lab::shared() else { return };
    let _alone = gc_alone();
    let Some(_node) = lab_variable("LAB_STATE") else { return };
    if !lab.has(&CRON_JOBS) {
        return;
    }
    let _clean = lab.clean(&["lockover", "lockguestover", "lockstays"], &["lsdeploy-gc", "lockgc-home"]);
    build_image();
    lab.kubectl(&["create", "namespace", "lockgc-home"]);
    let small = ["--emulator", "moto", "--services", "sqs", "--no-wait", "--ttl", "1h"];
    for more in [&["lockover"][..], &["lockguestover", "--namespace", "lockgc-home"], &["lockstays"]] {
        let ran = lab.lsdeploy(&[&["up", "--env"], more, &small].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let past = json!({"data": {"expires-at": "2026-01-01T00:00:00Z"}}).to_string();
    for namespace in ["localstack-lockover", "lockgc-home"] {
        lab.kubectl(&["-n", namespace, "patch", "configmap", "lsdeploy-inventory", "--type=merge", "-p", &past]);
    }
    let rendered = run(&mut lsdeploy(Path::new("/nonexistent"), &["render", "--gc", "--gc-image", IMAGE]));
    assert_eq!(rendered.code, 0, "{rendered:?}");
    lab.apply(&rendered.stdout);
    lab.kubectl(&["--namespace", "lsdeploy-gc", "create", "job", "now", "--from=cronjob/lsdeploy-gc"]);
    lab.kubectl(&["--namespace", "lsdeploy-gc", "wait", "--for=condition=Complete", "job/now", "--timeout=90s"]);
    let log = lab.kubectl(&["--namespace", "lsdeploy-gc", "logs", "job/now"]);
    assert!(log.contains("lockover is gone\n") && log.contains("lockguestover is gone\n"), "{log}");
    assert!(!log.contains("lockstays"), "{log}");
    assert_eq!(lab.leftovers("lockover") + &lab.leftovers("lockguestover") + &lab.locks("lockguestover"), "");
    assert!(lab.leftovers("lockstays").contains("deployment"), "the other one is gone too");
    lab.try_kubectl(&["delete", "clusterrole,clusterrolebinding", "lsdeploy-gc"], "");
}

#[test]
fn what_cannot_be_rendered_is_refused() {
    let refused = |arguments: &[&str], words: &str| {
        let ran = run(&mut lsdeploy(Path::new("/nonexistent"), &[&["render", "--gc"], arguments].concat()));
        assert!(ran.code == 2 && ran.stderr.contains(words), "{ran:?}");
    };
    refused(&[], "--gc-image");
    refused(&["--gc-image", "http://x"], "--gc-image cannot be");
    refused(&["--gc-image", "x:1", "--gc-schedule", "daily"], "--gc-schedule cannot be `daily`");
    refused(&["--gc-image", "x:1", "--env", "a"], "cannot be used with");
}
