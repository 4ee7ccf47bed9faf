//! Bad input and broken ground: a clear error before the first write, exit status 2.

use std::env;
use std::path::Path;

use crate::lab::{Lab, Ran, lab_variable, lsdeploy, run};

/// Runs with a kubeconfig that does not exist: whatever is said is said before a cluster is needed.
fn offline(arguments: &[&str]) -> Ran {
    run(&mut lsdeploy(Path::new("/nonexistent/kubeconfig"), arguments))
}

#[track_caller]
fn assert_refused(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.stdout, "", "{ran:?}");
    assert!(ran.stderr.contains("error:"), "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "no `{word}` in: {}", ran.stderr);
    }
}

#[test]
fn names_and_values_that_cannot_be() {
    let up = |more: &[&str]| offline(&[&["up"], more].concat());
    assert_refused(&up(&["--env", "Team_1"]), &["`Team_1` cannot be the name", "hint: use lower-case"]);
    assert_refused(&up(&["--env", "a", "--env", "a"]), &["names `a` twice"]);
    assert_refused(&up(&["--env", "a,b", "--namespace", "x"]), &["--namespace is for one environment"]);
    assert_refused(&up(&["--env", "a", "--timeout", "soon"]), &["--timeout cannot be `soon`", "hint: use e.g. 90s"]);
    assert_refused(&up(&["--env", "a", "--router", "http://x"]), &["--router cannot be `http://x`"]);
    assert_refused(&up(&["--env", "a", "--router", "1.2.3"]), &["--router cannot be `1.2.3`"]);
    assert_refused(&up(&["--env", "a", "--ca-file", "/nonexistent"]), &["cannot read --ca-file"]);
    assert_refused(&up(&["--env", "a"]), &["/nonexistent/kubeconfig", "hint: name an existing file"]);
    for (flag, value, word) in [
        ("--emulator", "minio", "choose one of: localstack"),
        ("--services", "sqs,queue", "has no service `queue`"),
        ("--image", "http://x", "--image cannot be"),
        ("--scc", "restricted", "use custom, none or existing:NAME"),
        ("--tls", "yes", "--tls cannot be `yes`"),
        ("--persistence", "lots", "--persistence cannot be `lots`"),
        ("--account", "12", "an AWS account has 12 digits"),
        ("--region", "mars", "use the name of an AWS region"),
    ] {
        assert_refused(&up(&["--env", "a", flag, value]), &[word]);
    }
    assert_eq!(offline(&["up"]).code, 2);
    assert_refused(&offline(&["smoke", "--isolation", "--env", "a"]), &["--isolation compares environments"]);
    assert_refused(&offline(&["smoke", "--env", "a,b"]), &["more than one environment", "--isolation"]);
}

#[test]
fn a_file_of_settings_with_a_mistake_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("team.yaml");
    let up = |text: &str| {
        std::fs::write(&path, text).unwrap();
        offline(&["up", "-f", path.to_str().unwrap()])
    };
    assert_refused(&up("env: a\nemulater: moto\n"), &["team.yaml: line 2, column 11: there is no setting `emulater`"]);
    assert_refused(&up("env: a\ntls: maybe\n"), &["--tls cannot be `maybe`", "team.yaml, line 2, column 6"]);
    assert_refused(&up("env: a\noutput: xml\n"), &["invalid value 'xml'", "team.yaml, line 2, column 9"]);
    assert_refused(&up("env: a\naccount: 000000000042\n"), &["12 digits", "line 2", "need quotes"]);
    assert_refused(&offline(&["up", "-f", "/nonexistent.yaml"]), &["cannot read the file /nonexistent.yaml", "hint:"]);
    // What the file says is what the flags would have said.
    std::fs::write(&path, "env: team1\nemulator: moto\nservices: [sqs, s3]\napps-domain: apps.example.com\n").unwrap();
    let render = ["render", "--env", "team1", "--emulator", "moto", "--services", "sqs,s3", "--apps-domain"];
    let flags = offline(&[&render[..], &["apps.example.com"]].concat());
    let file = offline(&["render", "-f", path.to_str().unwrap()]);
    assert_eq!((flags.code, flags.stdout), (0, file.stdout));
}

#[test]
fn programs_read_errors_as_json() {
    let ran = offline(&["up", "--env", "Team_1", "--output", "json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &error["schema"], &error["status"]), (2, &"lsdeploy/v1".into(), &"error".into()));
    assert!(error["error"]["message"].as_str().unwrap().contains("`Team_1` cannot be the name"), "{error}");
    assert!(error["error"]["hints"][0].as_str().unwrap().starts_with("use lower-case"), "{error}");
}

#[test]
fn a_host_label_that_is_too_long() {
    let name = "a".repeat(28);
    let ran = offline(&["render", "--env", &name, "--apps-domain", "apps.example.com"]);
    assert_refused(&ran, &["24 + 1 + 39 = 64 characters", "at most 27 characters"]);
}

#[test]
fn render_needs_no_cluster_and_writes_the_same_bytes_twice() {
    let render = || offline(&["render", "--env", "team1", "--apps-domain", "apps.example.com"]);
    let (first, second) = (render(), render());
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(first.stdout.matches("kind: Route\n").count(), 36);
}

#[test]
fn a_caller_without_rights() {
    let Some(lab) = Lab::shared() else { return };
    let Some(nobody) = lab_variable("LAB_KUBECONFIG_NOBODY") else { return };
    let ran = run(&mut lsdeploy(Path::new(&nobody), &["up", "--env", "unwelcome"]));
    let missing = format!("{} securitycontextconstraints", lab.verbs_of_making());
    let words = ["nothing was written", &missing, "lsdeploy admin-bundle --env unwelcome"];
    assert_refused(&ran, &words);
}

#[test]
fn a_certificate_that_has_expired() {
    let Some(_lab) = Lab::shared() else { return };
    let Some(expired) = lab_variable("LAB_KUBECONFIG_EXPIRED") else { return };
    let ran = run(&mut lsdeploy(Path::new(&expired), &["up", "--env", "late"]));
    assert_refused(&ran, &["expired", "hint:"]);
}

#[test]
fn a_namespace_of_somebody_else() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["taken"], &["localstack-taken"]);
    lab.kubectl(&["create", "namespace", "localstack-taken"]);
    let ran = lab.lsdeploy(&["up", "--env", "taken"]);
    assert_refused(&ran, &["localstack-taken exists and belongs to", "--namespace localstack-taken"]);
    assert_eq!(lab.leftovers("taken"), "");
    let down = lab.lsdeploy(&["down", "--env", "taken"]);
    assert!(down.stdout.starts_with("nothing was deleted: there is no environment taken"), "{down:?}");
    lab.kubectl(&["get", "namespace", "localstack-taken"]);
}

#[test]
fn names_that_are_taken_are_all_listed_before_anything_is_written() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["crowd"], &["crowded"]);
    lab.kubectl(&["create", "namespace", "crowded"]);
    lab.kubectl(&["-n", "crowded", "create", "service", "clusterip", "emulator", "--tcp=80"]);
    lab.kubectl(&["-n", "crowded", "create", "serviceaccount", "emulator"]);
    let ran = lab.lsdeploy(&["up", "--env", "crowd", "--namespace", "crowded"]);
    assert_refused(&ran, &["nothing was written", "Service/emulator", "ServiceAccount/emulator"]);
    assert_eq!(lab.leftovers("crowd"), "");
}

#[test]
fn two_environments_cannot_share_a_namespace() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["host", "lodger"], &[]);
    let first = lab.lsdeploy(&["up", "--env", "host", "--emulator", "moto", "--services", "sqs", "--no-wait"]);
    assert_eq!(first.code, 0, "{first:?}");
    let second = lab.lsdeploy(&["up", "--env", "lodger", "--namespace", "localstack-host"]);
    assert_refused(&second, &["localstack-host belongs to the environment `host`"]);
}

#[test]
fn an_environment_that_is_not_there() {
    let Some(lab) = Lab::shared() else { return };
    for command in ["status", "smoke", "env", "logs"] {
        let ran = lab.lsdeploy(&[command, "--env", "ghost"]);
        assert_refused(&ran, &["there is no environment ghost", "hint:"]);
    }
    assert!(env::var_os("LSDEPLOY_TEST_KUBECONFIG").is_some());
}

#[test]
fn what_a_hint_says_can_be_pasted_and_leads_to_the_same_cluster() {
    let Some(lab) = Lab::shared() else { return };
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = directory.path().join("my cluster's");
    std::fs::copy(lab.kubeconfig(), &kubeconfig).unwrap();
    let ran = run(&mut lsdeploy(&kubeconfig, &["status", "--env", "pasted"]));
    assert_refused(&ran, &["there is no environment pasted", "hint:"]);
    let commands: Vec<&str> = ran.stderr.split('`').skip(1).step_by(2).collect();
    let list = commands.iter().find(|command| command.starts_with("lsdeploy list")).expect("a hint with `list`");
    let pasted = shlex::split(list).unwrap();
    assert_eq!(pasted.get(..3), Some(["lsdeploy", "list", "--kubeconfig"].map(String::from).as_slice()), "{list}");
    assert_eq!(Path::new(&pasted[3]), kubeconfig);
}
