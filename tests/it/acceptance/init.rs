//! `--init`: scripts fill a fresh emulator, before anybody is told that it is ready.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::lab::{Lab, lsdeploy, run};

const QUEUE: &str = "import boto3\nprint(boto3.client('sqs').create_queue(QueueName='seeded')['QueueUrl'])\n";
const STACK: &str = "Resources:\n  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: from-stack}}\n";

fn write(directory: &Path, files: &[(&str, &str)]) -> String {
    for (name, text) in files {
        fs::write(directory.join(name), text).unwrap();
    }
    directory.to_str().unwrap().to_owned()
}

fn actions(report: &Value, kind: &str, name: &str) -> String {
    let objects = report["objects"].as_array().unwrap();
    let found = objects.iter().find(|object| object["kind"] == kind && object["name"] == name);
    found.map_or("absent", |object| object["action"].as_str().unwrap()).to_owned()
}

#[test]
fn scripts_run_in_order_once_and_again_when_they_change() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["seed"], &[]);
    let directory = tempfile::tempdir().unwrap();
    let shell = "echo \"the shell sees $AWS_ENDPOINT_URL\"\n";
    let scripts = [("10-queue.py", QUEUE), ("20-shell.sh", shell), ("30-stack.yaml", STACK), (".hidden", "no script")];
    let scripts = write(directory.path(), &scripts);
    let up = ["up", "--env", "seed", "--emulator", "moto", "--services", "sqs,cloudformation"];

    let (first, report) = lab.json(&[up.as_slice(), &["--init", &scripts]].concat());
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(actions(&report, "ConfigMap", "emulator-init"), "create");
    let log = lab.lsdeploy(&["logs", "--env", "seed", "--init"]).stdout;
    let said = [
        "running 10-queue.py",
        "/seeded",
        "the shell sees http://127.0.0.1:5000",
        "30-stack.yaml",
        "all scripts are done",
    ];
    let places: Vec<Option<usize>> = said.iter().map(|words| log.find(words)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{log}");

    // Left out, the scripts stay, and nothing is done again.
    let (second, report) = lab.json(&[up.as_slice(), &["--no-smoke"]].concat());
    assert_eq!((second.code, actions(&report, "Deployment", "emulator").as_str()), (0, "unchanged"), "{second:?}");
    assert_eq!(log, lab.lsdeploy(&["logs", "--env", "seed", "--init"]).stdout);

    write(directory.path(), &[("20-shell.sh", "echo changed\n")]);
    let (third, report) = lab.json(&[up.as_slice(), &["--no-smoke", "--init", &scripts]].concat());
    assert_eq!((third.code, actions(&report, "Deployment", "emulator").as_str()), (0, "update"), "{third:?}");
    assert!(lab.lsdeploy(&["logs", "--env", "seed", "--init"]).stdout.contains("changed"));

    let (none, report) = lab.json(&[up.as_slice(), &["--no-smoke", "--init", "none"]].concat());
    assert_eq!((none.code, actions(&report, "ConfigMap", "emulator-init").as_str()), (0, "delete"), "{none:?}");
}

#[test]
fn a_script_that_fails_is_named_with_what_it_said() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["spoilt"], &[]);
    let directory = tempfile::tempdir().unwrap();
    let scripts = write(
        directory.path(),
        &[("10-bad.sh", "echo 'no such table' >&2\nexit 3\n"), ("20-later.sh", "echo later\n")],
    );
    let (ran, report) =
        lab.json(&["up", "--env", "spoilt", "--emulator", "moto", "--services", "sqs", "--init", &scripts]);
    assert_eq!((ran.code, report["finding"]["code"].as_str()), (1, Some("init-failed")), "{ran:?}");
    assert!(ran.stderr.contains("10-bad.sh failed with exit status 3"), "{ran:?}");
    assert!(ran.stderr.contains("no such table") && !ran.stderr.contains("later"), "{ran:?}");
}

#[test]
fn what_cannot_be_run_is_refused_before_a_cluster_is_needed() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |scripts: &str, more: &[&str], words: &str| {
        let arguments = [&["up", "--env", "a", "--init", scripts], more].concat();
        let ran = run(&mut lsdeploy(Path::new("/nonexistent/kubeconfig"), &arguments));
        assert!(ran.code == 2 && ran.stderr.contains(words), "{ran:?}");
    };
    refused("/nonexistent", &[], "cannot read --init /nonexistent");
    let empty = directory.path().to_str().unwrap().to_owned();
    refused(&empty, &[], "holds no script");
    let scripts = write(directory.path(), &[("10.sh", "true\n")]);
    refused(&scripts, &["--emulator", "localstack-legacy"], "too old to be led away from real AWS");
    write(directory.path(), &[("README.md", "hello\n")]);
    refused(&scripts, &[], "nothing is known to run `README.md`");
}
