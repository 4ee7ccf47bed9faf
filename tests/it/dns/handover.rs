//! A check that meets a name which does not resolve says itself what is wrong, and names the command that says more.

use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use super::harness::on_the_workstation;
use crate::lab::{Lab, lab_variable, lsdeploy, run};

#[test]
fn a_check_whose_name_does_not_resolve_names_the_resolver_to_blame() {
    let Some(_lab) = Lab::shared() else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("resolv.conf");
    // Nobody has this address on the lab's bridge.
    fs::write(&file, "nameserver 10.213.0.99\n").unwrap();
    // Without the router's address, which the tests of the lab give everywhere else.
    let Some(kubeconfig) = lab_variable("LSDEPLOY_TEST_KUBECONFIG") else { return };
    let endpoint = ["--endpoint", "http://sqs-localstack-x.apps.lab.test", "--service", "sqs", "--output", "json"];
    let smoke = lsdeploy(Path::new(&kubeconfig), &[&["smoke"], endpoint.as_slice()].concat());
    let elsewhere = with_resolver(&smoke, file.to_str().unwrap());
    let Some(mut command) = on_the_workstation(&elsewhere) else { return };
    let began = Instant::now();
    let ran = run(&mut command);
    assert_eq!(ran.code, 1, "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let result = &report["results"][0];
    assert_eq!(
        (&result["phase"], &result["finding"]["code"]),
        (&"resolve".into(), &"name-unresolved".into()),
        "{result:#}"
    );
    let hint = result["finding"]["hint"].as_str().unwrap();
    assert!(hint.starts_with("DNS at upstream-1 (10.213.0.99:53): "), "{hint}");
    assert!(hint.contains("`lsdeploy dns-debug sqs-localstack-x.apps.lab.test`"), "{hint}");
    // The check's own 5 s for the name, 3 s for the short form, and a start.
    assert!(began.elapsed().as_secs() < 12, "{:?}", began.elapsed());
}

/// The same command with another resolver in its place of the machine's.
fn with_resolver(command: &std::process::Command, file: &str) -> std::process::Command {
    let script = format!("mount --bind {file} /etc/resolv.conf && exec \"$@\"");
    let mut wrapped = std::process::Command::new("unshare");
    wrapped.args(["--mount", "sh", "-c", &script, "sh"]).arg(command.get_program()).args(command.get_args());
    wrapped
}
