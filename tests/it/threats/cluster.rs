//! What a server, or somebody between, could do.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use lsdeploy::cluster::apply::{self, Applied};
use lsdeploy::cluster::{ClientArgs, Cluster, Gate, Link};
use lsdeploy::events::Events;
use lsdeploy::manifest::{Kind, ObjectId};
use lsdeploy::plan::{Action, Plan, Step};
use serde_json::{Value, json};

use super::assert_refused;
use crate::lab::{Lab, lab_variable, lsdeploy, run};

#[test]
fn a_server_with_another_certificate_gets_nothing() {
    let Some(lab) = Lab::shared() else { return };
    let Some(audit) = lab_variable("AUDIT_LOG") else { return };
    let kubeconfig = fs::read_to_string(std::env::var("LSDEPLOY_TEST_KUBECONFIG").unwrap()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let foreign = directory.path().join("ca.pem");
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=other",
            "-keyout",
            "/dev/null",
            "-out",
        ])
        .arg(&foreign)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let with_ca: String = kubeconfig
        .lines()
        .map(|line| match line.find("certificate-authority") {
            Some(at) => format!("{}certificate-authority: {}\n", &line[..at], foreign.display()),
            None => format!("{line}\n"),
        })
        .collect();
    let path = directory.path().join("config");
    fs::write(&path, with_ca).unwrap();
    let before = fs::metadata(&audit).unwrap().len();
    let ran = run(&mut lsdeploy(&path, &["down", "--env", "threatened"]));
    assert_refused(&ran, "certificate");
    let log = fs::read(&audit).unwrap();
    let since = String::from_utf8_lossy(&log[usize::try_from(before).unwrap()..]).into_owned();
    assert!(!since.contains("threatened"), "{since}");
    for command in ["up", "down", "smoke"] {
        let help = lab.lsdeploy(&[command, "--help"]).stdout;
        assert!(!help.contains("insecure") && !help.contains("no-verify"), "{command}");
    }
}

#[test]
fn nothing_is_asked_as_a_dry_run_and_nothing_waits_for_a_key() {
    let Some(lab) = Lab::shared() else { return };
    let Some(audit) = lab_variable("AUDIT_LOG") else { return };
    let _clean = lab.clean(&["drily"], &[]);
    let small =
        ["--env", "drily", "--emulator", "moto", "--services", "sqs", "--no-smoke", "--no-wait", "--output", "json"];
    let mut seen = 0;
    for (command, code) in [("diff", 1), ("up", 0), ("diff", 0)] {
        let flags = if command == "diff" { [&small[..6], &small[8..]].concat() } else { small.to_vec() };
        let ran = run(lab.command(&[&[command], &flags[..]].concat()).stdin(Stdio::null()));
        assert_eq!(ran.code, code, "{command}: {ran:?}");
        let Some(run_id) =
            serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap()["run_id"].as_str().map(str::to_owned)
        else {
            continue;
        };
        let log = fs::read_to_string(&audit).unwrap();
        let requests: Vec<&str> = log.lines().filter(|line| line.contains(&run_id)).collect();
        seen += requests.len();
        assert!(!requests.iter().any(|line| line.contains("dryRun")), "{command}");
    }
    assert!(seen > 10, "{seen} requests in the audit log");
}

#[test]
fn a_proxy_on_the_way_to_the_server_is_an_error_of_its_own() {
    let Some(lab) = Lab::shared() else { return };
    let through = |exception: &str| {
        let variables = [("HTTPS_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", exception)];
        run(lab.command(&["list"]).envs(variables))
    };
    assert_refused(&through("elsewhere.example.com"), "through a proxy, as HTTPS_PROXY says");
    let direct = through("*");
    assert_eq!(direct.code, 0, "{direct:?}");
}

/// The cluster, as a run of an environment writes to it.
async fn connect(env: &str) -> (Cluster, Events) {
    let (sender, _told) = tokio::sync::mpsc::unbounded_channel();
    let arguments = ClientArgs {
        kubeconfig: std::env::var_os("LSDEPLOY_TEST_KUBECONFIG").map(Into::into),
        patience: Duration::from_secs(30),
        ..ClientArgs::default()
    };
    let link = Link::new(Gate::default(), Duration::from_secs(30), &sender);
    (Cluster::connect(&arguments, env, link).await.unwrap(), Events::new(env, sender))
}

/// Between the look and the write somebody makes an object of that name.
#[tokio::test]
async fn what_was_not_there_is_created_and_never_written_over() {
    let Some(lab) = Lab::shared() else { return };
    let home = "appeared-home";
    let _clean = lab.clean(&[], &["appeared-home"]);
    let (cluster, events) = connect("appeared").await;
    let writing = if lab.applies() { lsdeploy::level::Writing::Applied } else { lsdeploy::level::Writing::Merged };
    let labels = json!({"app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "appeared"});
    let object = |kind: Kind, labels: &Value| {
        let name = if kind == Kind::Namespace { home } else { "emulator" };
        let object = json!({"apiVersion": "v1", "kind": kind.name(), "metadata": {"name": name, "labels": labels}});
        (ObjectId::new(kind, name), object)
    };
    let create = |kind: Kind| {
        let (id, desired) = object(kind, &labels);
        let step = Step { id, action: Action::Create, desired, changes: Vec::new(), uid: None };
        Plan { steps: vec![step], writing }
    };
    let apply = async |kind| apply::apply(&cluster, home, &create(kind), Applied::default(), &events).await;
    let version = |kind: &str, name: &str| {
        lab.kubectl(&["-n", home, "get", kind, name, "-o", "jsonpath={.metadata.resourceVersion}"])
    };
    lab.kubectl(&["create", "namespace", home]);
    lab.kubectl(&["-n", home, "create", "serviceaccount", "emulator"]);
    for (kind, name) in [(Kind::Namespace, home), (Kind::ServiceAccount, "emulator")] {
        let before = version(kind.plural(), name);
        let refused = apply(kind).await.unwrap_err();
        assert!(refused.message.contains("it was changed meanwhile: /metadata/labels"), "{refused:?}");
        assert_eq!(version(kind.plural(), name), before, "{kind:?} was written over");
    }
    // One that says it is ours and is as wanted is what an answer was lost about.
    lab.kubectl(&["-n", home, "delete", "serviceaccount", "emulator"]);
    apply(Kind::ServiceAccount).await.unwrap();
    let there = version("serviceaccount", "emulator");
    apply(Kind::ServiceAccount).await.unwrap();
    assert_eq!(version("serviceaccount", "emulator"), there, "the same was written twice");
}

/// Between the look and the write somebody puts another object in its place.
#[tokio::test]
async fn what_is_written_is_the_object_that_was_looked_at() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["swapped"], &[]);
    let up = ["up", "--env", "swapped", "--emulator", "moto", "--services", "sqs", "--no-wait", "--no-smoke"];
    assert_eq!(lab.lsdeploy(&up).code, 0);
    let get = || lab.kubectl(&["-n", "localstack-swapped", "get", "service", "emulator", "--output", "json"]);
    let before: Value = serde_json::from_str(&get()).unwrap();
    let (cluster, events) = connect("swapped").await;
    let desired = |uid: &str| {
        let mut object = before.clone();
        object["metadata"] = json!({"name": "emulator", "labels": before["metadata"]["labels"]});
        object["spec"]["sessionAffinity"] = "ClientIP".into();
        object.as_object_mut().unwrap().remove("status");
        let step = Step {
            id: ObjectId::new(Kind::Service, "emulator"),
            action: Action::Update,
            desired: object,
            changes: vec!["/spec/sessionAffinity".to_owned()],
            uid: Some(uid.to_owned()),
        };
        Plan { steps: vec![step], writing: lsdeploy::level::Writing::Applied }
    };
    let other = desired("00000000-0000-0000-0000-000000000000");
    let refused = apply::apply(&cluster, "localstack-swapped", &other, Applied::default(), &events).await;
    assert!(refused.is_err());
    let after: Value = serde_json::from_str(&get()).unwrap();
    assert_eq!(after["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"], "{refused:?}");
    // With the uid that it has, the same is written.
    let same = desired(before["metadata"]["uid"].as_str().unwrap());
    apply::apply(&cluster, "localstack-swapped", &same, Applied::default(), &events).await.unwrap();
}
