//! Bad input: clear words, exit status 2, nothing asked.

use std::fs;
use std::path::Path;

use crate::lab::{Ran, lsdeploy, run};

fn offline(arguments: &[&str]) -> Ran {
    run(&mut lsdeploy(Path::new("/nonexistent/kubeconfig"), &[&["dns-debug"], arguments].concat()))
}

#[track_caller]
fn refused(arguments: &[&str], words: &[&str]) {
    let ran = offline(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
    assert!(ran.stderr.contains("error:") && ran.stderr.contains("hint:"), "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "no `{word}` in: {}", ran.stderr);
    }
}

#[test]
fn what_is_no_name_is_refused_before_anything_is_asked() {
    refused(&["a..b"], &["a label is empty"]);
    refused(&[""], &["it is empty"]);
    refused(&["a b"], &["there is ` ` in it"]);
    refused(&["\u{1b}[31mx"], &["there is `\\u{1b}` in it"]);
    refused(&[&"x".repeat(64)], &["a label of it has 64 characters"]);
    refused(&[&"x.".repeat(200)], &["it has 399 characters"]);
    refused(&["https://sqs.apps.example.com/x"], &["give the host alone, e.g. `sqs.apps.example.com`"]);
    refused(&["sqs.us-east-1.amazonaws.com"], &["a name of real AWS", "--external sqs.us-east-1.amazonaws.com"]);
}

#[test]
fn places_files_and_codes_that_are_not_there() {
    refused(&["a.example", "--vantage", "moon"], &["--vantage cannot be `moon`"]);
    refused(&["a.example", "--vantage", "pod=one"], &["NAMESPACE/POD"]);
    refused(&["a.example", "--chain", "/nonexistent"], &["cannot read --chain /nonexistent"]);
    refused(&["--from", "/nonexistent"], &["cannot read --from /nonexistent"]);
    refused(&["--explain", "dnsmasq"], &["dnsmasq"]);
    refused(&["a.example"], &["/nonexistent/kubeconfig"]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("chain.yaml");
    fs::write(&file, "vantages:\n- name: pod\n  kind: moon\n").unwrap();
    refused(&["a.example", "--chain", file.to_str().unwrap()], &["line 3", "column 9", "unknown variant `moon`"]);
    fs::write(&file, "{\"schema\": \"lsdeploy/v2\"}").unwrap();
    refused(&["--from", file.to_str().unwrap()], &["line 1, column "]);
}

#[test]
fn codes_are_listed_and_explained_without_a_cluster() {
    let listed = offline(&["--list-codes"]);
    assert!(listed.code == 0 && listed.stdout.contains("dnsmasq-not-running"), "{listed:?}");
    let explained = offline(&["--explain", "F1"]);
    assert!(explained.code == 0 && explained.stdout.contains("systemctl enable --now dnsmasq"), "{explained:?}");
}

#[test]
fn without_a_kubeconfig_it_works_from_files() {
    let program = assert_cmd::cargo::cargo_bin!("lsdeploy");
    let home = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(program);
    command.args(["dns-debug", "localhost", "--output", "json"]).env_clear().env("HOME", home.path());
    let ran = run(&mut command);
    assert!(ran.code < 2, "{ran:?}");
    let saved: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(saved["places"][0]["name"], "workstation");
    assert!(saved["unseen"].to_string().contains("no cluster was asked"), "{}", saved["unseen"]);
}
