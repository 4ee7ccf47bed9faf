//! What a server, or somebody between, could do.

use std::fs;
use std::process::{Command, Stdio};

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
