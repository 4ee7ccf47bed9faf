//! What is said besides results: what is lost, which port it became, what goes on after a signal, which URL always works.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::{User, free_port, signal, until};
use crate::lab::{Ran, run};

const LOST: &str = "note: the emulator of team1 starts anew because --services changed: what was in it is gone";

#[test]
fn a_change_that_costs_what_the_emulator_holds_is_told() {
    let user = User::new();
    let up = |more: &[&str]| {
        let ran = user.run(&[&["up", "--env", "team1", "--no-smoke"], more].concat());
        assert_eq!(ran.code, 0, "{ran:#?}");
        ran.stderr
    };
    let first = up(&["--port", &free_port().to_string(), "--services", "sqs,s3"]);
    assert!(!first.contains("starts anew"), "{first}");
    let other = up(&["--services", "sqs"]);
    assert!(other.find(LOST) < other.find("what ran before is ended") && other.contains(LOST), "{other}");
    for nothing in [&["--services", "sqs"][..], &["--region", "eu-west-1"]] {
        assert!(!up(nothing).contains("starts anew"), "{nothing:?}");
    }
    // What does not run holds nothing.
    signal(&user.life("team1")["supervisor"]["pid"], Signal::TERM);
    until("it ends", || user.processes("team1").is_empty());
    assert!(!up(&["--services", "s3"]).contains("starts anew"));
}

#[test]
fn an_interrupted_up_says_that_what_was_started_goes_on() {
    let user = User::new();
    let number = free_port().to_string();
    let mut up = user.command(&["up", "--env", "team1", "--no-smoke", "--port", &number]);
    let child = up.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("it is recorded", || user.directory("team1").join("inventory.json").exists());
    signal(&child.id().into(), Signal::INT);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("team1 may be there already, and what was started goes on running"), "{said}");
    assert!(said.contains("`lsdeploy down --env team1 --target local`"), "{said}");
}

#[test]
fn another_port_than_4566_is_explained() {
    let user = User::new();
    // Where somebody has it already, that is as good.
    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 4566));
    let ran = user.run(&["up", "--env", "team1", "--no-smoke", "--services", "sqs"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    let told = ran.stderr.lines().filter(|line| line.starts_with("port 4566 ")).collect::<Vec<_>>();
    assert!(told.len() == 1 && told[0].contains(": the router of team1 takes 45"), "{told:?} in {}", ran.stderr);
}

#[test]
fn the_url_that_always_works_is_told_once_and_last() {
    let user = User::new();
    let hosts = run(Command::new("getent").args(["hosts", "edge.team1.localhost"]));
    if hosts.code == 0 {
        // Here the C library knows the names: there is nothing to tell.
        return;
    }
    for env in ["team1", "team2"] {
        user.up(env, &["--services", "sqs"]);
    }
    let both = ["up", "--env", "team1,team2", "--no-smoke"];
    let Ran { stderr: said, .. } = user.run(&both);
    let lines: Vec<&str> = said.lines().collect();
    let [.., head, first, second] = lines[..] else { panic!("{said}") };
    assert!(head.starts_with("note: this machine's C library knows no *.localhost"), "{said}");
    assert!(first.ends_with(" always works for team1") && second.ends_with(" always works for team2"), "{said}");
    assert!([head, first, second].iter().all(|line| line.len() <= 80), "{said}");
    assert_eq!(said.matches("libnss-myhostname").count(), 1, "{said}");
    let quiet = user.run(&[&both[..], &["--quiet"]].concat());
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""), "{quiet:#?}");
    assert!(quiet.stdout.lines().all(|line| line.len() <= 80), "{}", quiet.stdout);
}

#[test]
fn env_warns_where_nobody_would_answer() {
    let user = User::new();
    user.up("team1", &["--services", "sqs"]);
    let env = || user.run(&["env", "--env", "team1", "--quiet"]);
    assert_eq!((env().code, env().stderr.as_str()), (0, ""));
    let exports = env().stdout;
    signal(&user.life("team1")["supervisor"]["pid"], Signal::TERM);
    until("it ends", || user.processes("team1").is_empty());
    let stopped = env();
    assert_eq!((stopped.code, &stopped.stdout), (0, &exports), "{stopped:#?}");
    for words in ["warning: nothing of team1 runs", "hint: `lsdeploy up --env team1 --target local` starts it"] {
        assert!(stopped.stderr.contains(words), "{}", stopped.stderr);
    }
}

#[test]
fn a_script_that_hangs_and_a_template_that_is_none_are_named() {
    let user = User::new();
    let scripts = user.home.path().join("scripts");
    fs::create_dir(&scripts).unwrap();
    let number = free_port().to_string();
    let up = || {
        let directory = scripts.to_str().unwrap();
        let arguments =
            ["up", "--env", "team1", "--port", &number, "--init", directory, "--services", "cloudformation"];
        let ran = user.run(&[&arguments[..], &["--timeout", "8s"]].concat());
        assert_eq!(ran.code, 1, "{ran:#?}");
        ran.stderr
    };
    fs::write(scripts.join("10-hangs.sh"), "echo so far\nsleep 60\n").unwrap();
    let said = up();
    for words in [
        "after 8s the script 10-hangs.sh of --init still runs (timed-out)",
        "  | so far",
        "`lsdeploy logs --env team1 --target local --init`",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    fs::remove_file(scripts.join("10-hangs.sh")).unwrap();
    for (text, why) in [
        ("Resources:\n  Queue: [oops\n", "20-stack.yaml is no CloudFormation template, line 3, column 1: "),
        ("Queue: {}\n", "20-stack.yaml is no CloudFormation template: it has no Resources"),
    ] {
        fs::write(scripts.join("20-stack.yaml"), text).unwrap();
        let said = up();
        assert!(said.contains(why) && said.contains("(init-failed)") && !said.contains("Traceback"), "{why}: {said}");
    }
}
