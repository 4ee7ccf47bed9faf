//! How environments come up, go on, and go.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::{User, curl, free_port, port, session, signal, until};
use crate::lab::run;

#[test]
fn from_nothing_every_service_is_proved_and_nothing_is_left_in_the_end() {
    let user = User::new();
    let wanted = free_port().to_string();
    let up = user.json(&["up", "--env", "team1", "--port", &wanted]);
    for key in ["namespace", "image", "digest", "scc"] {
        assert_eq!(up[key], Value::Null, "{key}");
    }
    assert_eq!((up["status"].as_str(), up["emulator"].as_str()), (Some("ok"), Some("moto")));
    assert_eq!(up["objects"][0]["action"], "create");
    assert_eq!(up["smoke"]["failed"], 0, "{:#}", up["smoke"]);
    assert_eq!(up["smoke"]["passed"].as_u64().unwrap(), lsdeploy::smoke::services().count() as u64);
    assert!(up["endpoints"].as_array().unwrap().len() == 36);
    assert_eq!(up["endpoints"][0]["url"], format!("http://acm.team1.localhost:{wanted}"));

    // Nothing to do: the same processes, and no file is written.
    let written = || fs::metadata(user.directory("team1").join("inventory.json")).unwrap().modified().unwrap();
    let before = written();
    let again = user.json(&["up", "--env", "team1", "--no-smoke"]);
    assert_eq!(again["objects"][0]["action"], "unchanged");
    assert_eq!(again["local"], up["local"]);
    assert_eq!(written(), before);

    // The other commands.
    assert_eq!(user.json(&["status", "--env", "team1"])["local"]["emulator_pid"], up["local"]["emulator_pid"]);
    let text = user.succeeds(&["status", "--env", "team1"]);
    assert!(text.contains("no SCC, no Routes"), "{text}");
    let listed = user.json(&["list"]);
    assert_eq!((&listed["envs"][0]["env"], &listed["envs"][0]["state"]), (&"team1".into(), &"ready".into()));
    assert!(user.succeeds(&["logs", "--env", "team1", "--tail", "1"]).lines().count() == 1);
    assert!(user.succeeds(&["smoke", "--env", "team1", "--service", "sqs"]).contains("1 passed, 0 failed"));
    let said = user.boto3(
        "team1",
        "import boto3\n\
         sqs = boto3.client('sqs')\n\
         url = sqs.create_queue(QueueName='q')['QueueUrl']\n\
         sqs.send_message(QueueUrl=url, MessageBody='hello')\n\
         print(url, sqs.receive_message(QueueUrl=url)['Messages'][0]['Body'])",
    );
    assert!(said.contains(&format!(":{wanted}/")) && said.trim().ends_with("hello"), "{said}");

    let processes = user.processes("team1");
    assert_eq!(processes.len(), 2);
    user.succeeds(&["down", "--env", "team1"]);
    assert!(user.processes("team1").is_empty());
    assert!(!user.directory("team1").exists());
    let down = user.json(&["down", "--env", "team1"]);
    assert_eq!((&down["envs"][0]["namespace"], &down["envs"][0]["deleted"]), (&Value::Null, &0.into()));
}

#[test]
fn what_is_killed_comes_back_and_what_loops_is_named() {
    let user = User::new();
    let up = user.up("team1", &[]);
    let first = up["local"]["emulator_pid"].clone();

    signal(&first, Signal::KILL);
    let restarts = |times: u64| {
        let life = user.life("team1");
        life["restarts"] == times && life["stage"]["stage"] == "ready" && life["emulator"]["pid"] != first
    };
    until("the emulator is started again", || restarts(1));
    let status = user.json(&["status", "--env", "team1"]);
    assert_eq!(status["local"]["restarts"], 1);
    assert!(status["notes"].to_string().contains("it ended with signal 9"), "{}", status["notes"]);

    for times in 2..=3 {
        signal(&user.life("team1")["emulator"]["pid"], Signal::KILL);
        until("it is seen", || user.life("team1")["restarts"] == times && !user.life("team1")["emulator"].is_null());
    }
    let ran = user.run(&["status", "--env", "team1"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.stderr.contains("ends again and again") && ran.stderr.contains("(crash-loop)"), "{}", ran.stderr);
    until("it has come up after all", || restarts(3));
}

#[test]
fn a_killed_supervisor_takes_the_emulator_along_and_up_converges() {
    let user = User::new();
    let up = user.up("team1", &["--services", "sqs,s3"]);
    signal(&up["local"]["supervisor_pid"], Signal::KILL);
    until("the emulator ends too", || user.processes("team1").is_empty());
    let ran = user.run(&["status", "--env", "team1"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.stderr.contains("(not-running)") && ran.stderr.contains("lsdeploy up --env team1"), "{}", ran.stderr);
    assert_eq!(user.json(&["list"])["envs"][0]["state"], "stopped");

    // What was chosen is kept, the port too.
    let again = user.up("team1", &[]);
    assert_eq!((port(&again), &again["endpoints"]), (port(&up), &up["endpoints"]));
    assert_eq!(again["objects"][0]["action"], "update");
    signal(&again["local"]["supervisor_pid"], Signal::KILL);
    user.succeeds(&["down", "--env", "team1"]);
    assert!(user.processes("team1").is_empty() && !user.directory("team1").exists());
}

#[test]
fn it_outlives_whoever_started_it() {
    let user = User::new();
    let wanted = free_port().to_string();
    let up = user.command(&["up", "--env", "team1", "--no-smoke", "--port", &wanted]);
    let mut shell = Command::new("sh");
    shell.env_clear().envs(up.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut shell = shell
        .args(["-c", "\"$@\"; sleep 60", "sh"])
        .arg(up.get_program())
        .args(up.get_args())
        .process_group(0)
        .spawn()
        .unwrap();
    until("it is up", || {
        user.directory("team1").join("processes.json").exists() && user.life("team1")["stage"]["stage"] == "ready"
    });
    let group = Pid::from_raw(i32::try_from(shell.id()).unwrap()).unwrap();
    kill_process_group(group, Signal::HUP).unwrap();
    shell.wait().unwrap();

    let supervisor = user.life("team1")["supervisor"]["pid"].clone();
    let pid = u32::try_from(supervisor.as_u64().unwrap()).unwrap();
    assert_eq!(session(pid), pid, "a session of its own");
    signal(&supervisor, Signal::HUP);
    let status = user.json(&["status", "--env", "team1"]);
    assert_eq!(status["local"]["supervisor_pid"], supervisor);
}

#[test]
fn other_settings_restart_it_on_the_same_port() {
    let user = User::new();
    let up = user.up("team1", &[]);
    let other = user.up("team1", &["--account", "111122223333", "--services", "sts,sqs"]);
    assert_eq!(other["objects"][0]["action"], "update");
    assert_eq!(port(&other), port(&up));
    assert_ne!(other["local"]["supervisor_pid"], up["local"]["supervisor_pid"]);
    let said = user.boto3("team1", "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])");
    assert_eq!(said.trim(), "111122223333");
    // A region needs no restart, and is kept.
    let region = user.up("team1", &["--region", "eu-west-1"]);
    assert_eq!(region["local"], other["local"]);
    assert!(user.succeeds(&["env", "--env", "team1"]).contains("AWS_REGION='eu-west-1'"));
}

#[test]
fn an_emulator_that_runs_already_gets_a_router_and_is_left_alone() {
    let user = User::new();
    // Installs moto for this test to run by itself.
    user.up("first", &[]);
    let listening = free_port();
    let mut moto = Command::new(user.python())
        .args(["-m", "moto.server", "--port", &listening.to_string()])
        .env("S3_IGNORE_SUBDOMAIN_BUCKETNAME", "true")
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let url = format!("http://127.0.0.1:{listening}");
    until("moto answers", || curl(&["--fail", "--output", "/dev/null", &format!("{url}/moto-api/")]).code == 0);

    let wanted = free_port().to_string();
    let up = user.json(&["up", "--env", "team1", "--emulator-url", &url, "--port", &wanted, "--services", "sqs,sns"]);
    assert_eq!((up["smoke"]["passed"].as_u64(), up["smoke"]["failed"].as_u64()), (Some(2), Some(0)), "{up:#}");
    assert_eq!((&up["emulator"], &up["local"]["emulator_pid"]), (&"moto".into(), &Value::Null));
    // A flag left out keeps it; an emulator that is named takes its place.
    assert_eq!(user.up("team1", &[])["objects"][0]["action"], "unchanged");
    let circle = user.is_refused(&["up", "--env", "team2", "--emulator-url", &format!("http://localhost:{wanted}")]);
    assert!(circle.contains("is the router of the environment team1"), "{circle}");
    assert_ne!(user.up("team1", &["--emulator", "moto"])["local"]["emulator_pid"], Value::Null);
    user.succeeds(&["up", "--env", "team1", "--emulator-url", &url, "--no-smoke"]);

    user.succeeds(&["down", "--env", "team1"]);
    assert!(moto.try_wait().unwrap().is_none(), "an emulator that is not ours goes on");
    moto.kill().unwrap();
    moto.wait().unwrap();
    let gone = user.is_refused(&["up", "--env", "team1", "--emulator-url", &url]);
    assert!(gone.contains("does not answer") && gone.contains("start the emulator first"), "{gone}");
}

#[test]
fn logs_are_followed_until_the_environment_is_gone() {
    let user = User::new();
    let up = user.up("team1", &[]);
    let follow = user.command(&["logs", "--env", "team1", "--follow"]).stdout(std::process::Stdio::piped()).spawn();
    let follow = follow.unwrap();
    curl(&["--output", "/dev/null", &format!("http://localhost:{}/moto-api/followed", port(&up))]);
    until("it is logged", || {
        fs::read_to_string(user.directory("team1").join("emulator.log")).unwrap().contains("followed")
    });
    user.succeeds(&["down", "--env", "team1"]);
    let output = follow.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("/moto-api/followed"));
}

#[test]
fn a_damaged_record_is_named_and_down_still_works() {
    let user = User::new();
    user.up("team1", &["--services", "sqs"]);
    fs::write(user.directory("team1").join("launch.json"), "{").unwrap();
    assert_eq!(user.up("team1", &[])["objects"][0]["action"], "update", "what can be written anew is");
    fs::write(user.directory("team1").join("inventory.json"), "{").unwrap();
    for command in [["status", "--env", "team1"], ["up", "--env", "team1"]] {
        let said = user.is_refused(&command);
        assert!(said.contains("inventory.json is damaged") && said.contains("lsdeploy down --env team1"), "{said}");
    }
    assert_eq!(user.json(&["list"])["envs"][0]["state"], "damaged");
    user.succeeds(&["down", "--env", "team1"]);
    assert!(user.processes("team1").is_empty() && !user.directory("team1").exists());
    // Somebody who takes the directory away ends it too.
    user.up("team2", &["--services", "sqs"]);
    fs::remove_dir_all(user.directory("team2")).unwrap();
    until("it ends", || user.processes("team2").is_empty());
    let _ = run(&mut user.command(&["list"]));
}
