//! What is refused, and what is missing: exit status 2, nothing is started, and the error names the way out.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use super::{MOTO, User, free_port, port};
use crate::lab::run;

#[test]
fn a_port_in_use_is_refused_with_its_owner() {
    let user = User::new();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let number = taken.local_addr().unwrap().port().to_string();
    let said = user.is_refused(&["up", "--env", "team1", "--port", &number]);
    assert!(said.contains("nothing was started"), "{said}");
    assert!(
        said.contains(&format!("port {number}")) && said.contains(&format!("process {}", std::process::id())),
        "{said}"
    );
    assert!(!user.directory("team1").exists());
    drop(taken);

    let other = port(&user.up("team2", &["--services", "sqs"])).to_string();
    let said = user.is_refused(&["up", "--env", "team1", "--port", &other]);
    assert!(said.contains("belongs to the environment team2 of lsdeploy"), "{said}");
    // Kept for it also while it does not run; and what took it meanwhile is named when it is to run again.
    super::signal(&user.life("team2")["supervisor"]["pid"], rustix::process::Signal::TERM);
    super::until("it ends", || user.processes("team2").is_empty());
    assert!(user.is_refused(&["up", "--env", "team1", "--port", &other]).contains("environment team2 of lsdeploy"));
    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, other.parse().unwrap())).unwrap();
    let said = user.is_refused(&["up", "--env", "team2"]);
    assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
}

#[test]
fn without_python_or_with_too_old_a_one_the_error_names_it() {
    let user = User::with_empty_cache();
    let nothing = tempfile::tempdir().unwrap();
    let ran = run(user.command(&["up", "--env", "team1"]).env("PATH", nothing.path()));
    assert_eq!(ran.code, 2, "{ran:#?}");
    for words in ["needs Python 3.10 or later", "there is no python3 on PATH", "python3-venv", "--emulator-url"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert!(!user.directory("team1").exists());
}

#[test]
fn without_pypi_pip_is_quoted_and_what_was_half_installed_is_begun_again() {
    let user = User::with_empty_cache();
    let half = user.cache.join("lsdeploy/emulators").join(MOTO);
    fs::create_dir_all(half.join("bin")).unwrap();
    fs::write(half.join("bin/half"), "").unwrap();
    let mut up = user.command(&["up", "--env", "team1"]);
    let ran = run(up.env("PIP_INDEX_URL", "http://127.0.0.1:9/simple").env_remove("PIP_FIND_LINKS"));
    assert_eq!(ran.code, 2, "{ran:#?}");
    for words in
        ["installing moto 5.2.5", "cannot install moto 5.2.5", "  | ERROR", "pip cannot reach PyPI", "PIP_INDEX_URL"]
    {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert!(half.join("bin/python").exists() && !half.join("bin/half").exists());
    assert!(!user.directory("team1").exists());
}

#[test]
fn flags_that_would_do_nothing_are_refused() {
    let user = User::with_empty_cache();
    for flags in [
        &["--scc", "none"][..],
        &["--namespace", "x"],
        &["--image", "moto:1"],
        &["--apps-domain", "x.test"],
        &["--tls", "none"],
        &["--persistence", "1Gi"],
        &["--router", "127.0.0.1"],
        &["--ca-file", "x.pem"],
        &["--kubeconfig", "x"],
        &["--context", "x"],
        &["--emulator", "localstack-legacy"],
        &["--services", "nosuch"],
        &["--emulator-url", "https://127.0.0.1:1"],
        &["--emulator-url", "http://sqs.us-east-1.amazonaws.com"],
        &["--port", "5000", "--env", "team2"],
    ] {
        let said = user.is_refused(&[&["up", "--env", "team1"], flags].concat());
        assert!(said.contains(flags[0]), "{flags:?}: {said}");
    }
    user.is_refused(&["render", "--env", "team1"]);
    user.is_refused(&["logs", "--env", "team1", "--previous"]);
    user.is_refused(&["env", "--env", "team1", "--from", "pod"]);
    user.is_refused(&["up", "--env", "s3"]);
    for command in ["status", "smoke", "env", "logs"] {
        let said = user.is_refused(&[command, "--env", "team1"]);
        assert!(said.contains("there is no environment team1 on this machine"), "{command}: {said}");
    }
    assert_eq!(fs::read_dir(user.home.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn on_a_cluster_the_local_flags_are_refused_and_without_one_local_is_named() {
    let home = tempfile::tempdir().unwrap();
    let lsdeploy = |arguments: &[&str]| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("lsdeploy"));
        run(command.env_clear().env("HOME", home.path()).args(arguments))
    };
    let number = free_port().to_string();
    for flags in [["--port", &number], ["--emulator-url", "http://127.0.0.1:5000"]] {
        let ran = lsdeploy(&[&["up", "--env", "team1"], &flags[..]].concat());
        assert_eq!(ran.code, 2, "{ran:#?}");
        assert!(ran.stderr.contains("is for the local target"), "{}", ran.stderr);
    }
    let ran = lsdeploy(&["up", "--env", "team1"]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert!(ran.stderr.contains("there is no kubeconfig") && ran.stderr.contains("--target local"), "{}", ran.stderr);
}
