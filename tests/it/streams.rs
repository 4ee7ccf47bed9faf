//! Standard output and the command line's own words, without any environment.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{Ran, lsdeploy, run};

fn lsdeploy_says(arguments: &[&str]) -> Ran {
    run(Command::new(assert_cmd::cargo::cargo_bin!("lsdeploy")).args(arguments))
}

#[test]
fn results_that_cannot_be_written_are_an_error() {
    for arguments in [&["completions", "bash"][..], &["--help"], &["up", "--help"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("lsdeploy"));
        let output = command.args(arguments).stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("error: cannot write the results") && said.contains("hint: "), "{said}");
    }
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("lsdeploy"));
    let mut child =
        command.args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn what_is_hidden_is_not_completed_and_a_report_is_offered_where_there_is_one() {
    for shell in ["bash", "zsh", "fish"] {
        let text = lsdeploy_says(&["completions", shell]).stdout;
        assert!(text.contains("apps-domain") && !text.contains("supervisor"), "{shell}");
    }
    for (command, has_report) in [("up", true), ("smoke", true), ("status", true), ("list", false), ("down", false)] {
        assert_eq!(lsdeploy_says(&[command, "--help"]).stdout.contains("--report"), has_report, "{command}");
    }
    assert!(lsdeploy_says(&["list", "--help"]).stdout.contains("--target local"));
}

#[test]
fn a_kubeconfig_is_named_with_where_its_name_came_from() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("lsdeploy"));
    let by_variable = run(command.arg("list").env("HOME", home.path()).env("KUBECONFIG", "/nonexistent/config"));
    assert_eq!(by_variable.code, 2, "{by_variable:?}");
    assert!(
        by_variable.stderr.contains("cannot read /nonexistent/config, which $KUBECONFIG names: "),
        "{by_variable:?}"
    );
    let by_flag = run(&mut lsdeploy(Path::new("/nonexistent/config"), &["list"]));
    assert!(by_flag.stderr.contains("cannot read --kubeconfig /nonexistent/config: "), "{by_flag:?}");

    let config = home.path().join("config");
    let text = "{apiVersion: v1, kind: Config, current-context: x, users: [{name: u, user: {}}], \
                clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}], \
                contexts: [{name: x, context: {cluster: c, user: u}}]}";
    std::fs::write(&config, text).unwrap();
    let gone = run(&mut lsdeploy(&config, &["list"]));
    assert!(gone.code == 2 && gone.stderr.contains("no answer from http://127.0.0.1:9/: "), "{gone:?}");
}

#[test]
fn a_timeout_bounds_the_checks() {
    let silent = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    for more in [&[][..], &["--clean"]] {
        let began = Instant::now();
        let ran = lsdeploy_says(&[&["smoke", "--endpoint", &url, "--timeout", "1s"], more].concat());
        assert!(began.elapsed() < Duration::from_secs(10), "{more:?}: {:?}", began.elapsed());
        assert!(ran.code > 0 && ran.stderr.contains("when the 1s of the whole run were over"), "{more:?}: {ran:?}");
    }
}
