//! How long environments stay, and what is recorded of them.

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::apply::audited_writes;
use crate::faults::proxy::{Fault, Proxy, When};
use crate::lab::{Lab, gc_alone, lab_variable, lsdeploy, ran, run};

const SMALL: [&str; 5] = ["--emulator", "moto", "--services", "sqs,s3", "--no-smoke"];

fn up<'a>(env: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["up", "--env", env], SMALL.as_slice(), more].concat()
}

#[track_caller]
fn ran_as(report: &Value) -> String {
    report["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn the_time_to_live_is_one_patch_and_the_history_says_who_did_what() {
    let Some(lab) = Lab::shared() else { return };
    let Some(audit) = lab_variable("AUDIT_LOG") else { return };
    let _clean = lab.clean(&["mortal"], &[]);
    let (first, _) = lab.json(&up("mortal", &["--ttl", "4h"]));
    assert_eq!(first.code, 0, "{first:?}");
    let (second, report) = lab.json(&up("mortal", &[]));
    assert_eq!((second.code, audited_writes(&audit, &ran_as(&report)).len()), (0, 0), "{second:?}");
    let (again, report) = lab.json(&up("mortal", &["--ttl", "4h"]));
    let writes = audited_writes(&audit, &ran_as(&report));
    assert!(again.code == 0 && writes.iter().all(|write| write.contains("lsdeploy-inventory")), "{writes:?}");
    // Where there are no Leases the inventory carries the lock too.
    assert!(writes.len() == 1 || !lab.applies(), "{writes:?}");
    let listed = lab.lsdeploy(&["list"]);
    let line = listed.stdout.lines().find(|line| line.starts_with("mortal")).unwrap().to_owned();
    assert!(line.ends_with("in 3h") || line.ends_with("in 4h"), "{line}");
    let status = lab.lsdeploy(&["status", "--env", "mortal"]);
    assert!(status.stdout.contains("note: it expires in "), "{status:?}");

    let (ran, history) = lab.json(&["history", "--env", "mortal"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let results: Vec<_> = history["history"].as_array().unwrap().iter().map(|run| run["result"].clone()).collect();
    assert_eq!(results, ["is ready", "settings recorded"], "{history}");
    let one = &history["history"][0];
    let host = Command::new("uname").arg("-n").output().unwrap();
    assert_eq!(one["host"], String::from_utf8(host.stdout).unwrap().trim());
    assert!(one["objects"].as_u64() > Some(5) && one["user"].as_str().is_some_and(|user| !user.is_empty()), "{one}");

    let (ran, _) = lab.json(&up("mortal", &["--ttl", "none"]));
    assert_eq!(ran.code, 0);
    let (_, history) = lab.json(&["history", "--env", "mortal"]);
    assert_eq!((&history["expires_at"], history["history"].as_array().unwrap().len()), (&Value::Null, 3), "{history}");
}

#[test]
fn gc_removes_what_is_over_and_nothing_else() {
    let Some(lab) = Lab::shared() else { return };
    let _alone = gc_alone();
    let _clean = lab.clean(&["over", "stays"], &[]);
    assert_eq!(
        lab.lsdeploy(&[&["up", "--env", "over,stays", "--ttl", "1h"], &SMALL[..], &["--no-wait"]].concat()).code,
        0
    );
    let past = json!({"data": {"expires-at": "2026-01-01T00:00:00Z"}}).to_string();
    lab.kubectl(&["-n", "localstack-over", "patch", "configmap", "lsdeploy-inventory", "--type=merge", "-p", &past]);
    let listed = lab.lsdeploy(&["list"]);
    assert!(listed.stdout.lines().any(|line| line.starts_with("over") && line.ends_with("over")), "{}", listed.stdout);
    let gone = lab.lsdeploy(&["gc"]);
    assert!(gone.code == 0 && gone.stdout.contains("over is gone\n"), "{gone:?}");
    assert!(!gone.stdout.contains("stays"), "{gone:?}");
    assert_eq!(lab.leftovers("over"), "");
    assert!(lab.leftovers("stays").contains("deployment"), "the other one is gone too");
}

#[test]
fn gc_names_what_has_no_name_that_can_be_right_and_leaves_it() {
    let Some(lab) = Lab::shared() else { return };
    let _alone = gc_alone();
    let _clean = lab.clean(&[], &["localstack-lockbad"]);
    assert_eq!(lab.lsdeploy(&up("lockbad", &["--no-wait", "--ttl", "1h"])).code, 0);
    let bad = json!({"data": {"env": "Bad_Name", "expires-at": "2026-01-01T00:00:00Z"}}).to_string();
    let inventory =
        ["-n", "localstack-lockbad", "patch", "configmap", "lsdeploy-inventory", "--type=merge", "-p", &bad];
    lab.kubectl(&inventory);
    let ran = lab.lsdeploy(&["gc"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for words in ["Bad_Name", "hint:", "localstack-lockbad"] {
        assert!(ran.stderr.contains(words), "no `{words}` in {ran:?}");
    }
    assert!(lab.leftovers("lockbad").contains("deployment"), "it was removed");
}

#[test]
fn what_is_given_more_time_while_gc_is_on_its_way_stays() {
    let Some(lab) = Lab::shared() else { return };
    let _alone = gc_alone();
    let _clean = lab.clean(&["lockmore"], &[]);
    let up = ["up", "--env", "lockmore", "--no-wait", "--ttl", "1h"];
    assert_eq!(lab.lsdeploy(&[&up[..], &SMALL].concat()).code, 0);
    let past = json!({"data": {"expires-at": "2026-01-01T00:00:00Z"}}).to_string();
    lab.kubectl(&[
        "-n",
        "localstack-lockmore",
        "patch",
        "configmap",
        "lsdeploy-inventory",
        "--type=merge",
        "-p",
        &past,
    ]);
    let proxy = Proxy::start(&lab);
    // It has seen that the time is over, and is held up on its way to the lock.
    proxy.arm(Some((When::Kind("POST leases".to_owned(), 1), Fault::Delay(Duration::from_secs(8)))));
    let gc = proxy.spawn(&["gc"]);
    let begin = Instant::now();
    while !proxy.seen().iter().any(|seen| seen == "POST leases") {
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", proxy.seen());
        std::thread::sleep(Duration::from_millis(50));
    }
    let more = lab.lsdeploy(&["up", "--env", "lockmore", "--ttl", "4h", "--no-wait"]);
    assert_eq!(more.code, 0, "{more:?}");
    let gc = ran(&gc.wait_with_output().unwrap());
    assert_eq!(gc.code, 0, "{gc:?}");
    assert!(gc.stderr.contains("note: lockmore was given more time meanwhile, and stays"), "{gc:?}");
    assert!(!gc.stdout.contains("lockmore"), "{gc:?}");
    assert_eq!(lab.locks("lockmore"), "");
    assert_eq!(lab.lsdeploy(&["diff", "--env", "lockmore"]).code, 0);
}

/// The results of the runs that an environment's history has.
fn results(lab: &Lab, env: &str) -> Vec<String> {
    let (ran, history) = lab.json(&["history", "--env", env]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let runs = history["history"].as_array().unwrap();
    runs.iter().map(|run| run["result"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn only_a_run_that_was_killed_is_said_to_have_just_started() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["locktold"], &[]);
    assert_eq!(lab.lsdeploy(&up("locktold", &["--no-wait"])).code, 0);
    assert_eq!(results(&lab, "locktold"), ["is applied"]);
    let proxy = Proxy::start(&lab);
    let more = ["up", "--env", "locktold", "--services", "sqs,s3,sns", "--no-wait"];
    // What is merged by the client is made with POST.
    let making = if lab.applies() { "PATCH routes" } else { "POST routes" };
    proxy.arm(Some((When::All(making.to_owned()), Fault::Answer(403, None))));
    let refused = proxy.run(&more);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(results(&lab, "locktold"), ["is applied", "was not applied"]);
    // The Deployment comes after the inventory.
    proxy.arm(Some((When::Kind("PATCH deployments".to_owned(), 1), Fault::SignalBefore(Signal::SIGKILL))));
    proxy.run(&[&more[..], &["--account", "222222222222"]].concat());
    assert_eq!(results(&lab, "locktold"), ["is applied", "was not applied", "started"], "{:?}", proxy.seen());
}

#[test]
fn a_time_that_is_set_while_another_run_writes_loses_nothing_that_it_recorded() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockttl"], &[]);
    assert_eq!(lab.lsdeploy(&up("lockttl", &["--no-wait"])).code, 0);
    let proxy = Proxy::start(&lab);
    // It is held up on its way to its one write.
    proxy.arm(Some((When::Kind("PATCH configmaps".to_owned(), 1), Fault::Delay(Duration::from_secs(10)))));
    let late = proxy.spawn(&["up", "--env", "lockttl", "--ttl", "4h", "--no-wait"]);
    let begin = Instant::now();
    while !proxy.seen().iter().any(|seen| seen == "PATCH configmaps") {
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", proxy.seen());
        std::thread::sleep(Duration::from_millis(50));
    }
    let early = lab.lsdeploy(&["up", "--env", "lockttl", "--services", "sqs,s3,sns", "--no-wait"]);
    assert_eq!(early.code, 0, "{early:?}");
    let late = ran(&late.wait_with_output().unwrap());
    assert_eq!(late.code, 0, "{late:?}");
    assert_eq!(results(&lab, "lockttl"), ["is applied", "is applied", "settings recorded"]);
    assert_eq!(lab.lsdeploy(&["diff", "--env", "lockttl"]).code, 0, "what the other run chose is lost");
}

#[test]
fn a_time_that_cannot_be_is_refused_before_a_cluster_is_asked() {
    for ttl in ["soon", "0s", "10s", "-1h", "400d", "4", ""] {
        let flag = format!("--ttl={ttl}");
        let ran = run(&mut lsdeploy(std::path::Path::new("/nonexistent/kubeconfig"), &["up", "--env", "a", &flag]));
        assert!(ran.code == 2 && ran.stderr.contains("--ttl cannot be"), "{ttl}: {ran:?}");
    }
}
