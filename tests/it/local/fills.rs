//! `--init` without a cluster: scripts fill a fresh emulator before it is said to be ready.

use std::fs;

use super::{User, curl, free_port, port, signal, until};

#[test]
fn scripts_run_in_order_once_and_again_when_the_emulator_starts_anew() {
    let user = User::new();
    let scripts = user.home.path().join("scripts");
    fs::create_dir(&scripts).unwrap();
    let queue = "import boto3\nprint(boto3.client('sqs').create_queue(QueueName='seeded')['QueueUrl'])\n";
    fs::write(scripts.join("10-queue.py"), queue).unwrap();
    fs::write(scripts.join("20-shell.sh"), "echo \"the shell sees $AWS_ENDPOINT_URL and $AWS_REGION\"\n").unwrap();
    let stack = "Resources:\n  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: from-stack}}\n";
    fs::write(scripts.join("30-stack.yaml"), stack).unwrap();
    let scripts = scripts.to_str().unwrap();

    let up = user.up("team1", &["--init", scripts, "--services", "sqs,cloudformation"]);
    let names = || {
        user.boto3(
            "team1",
            "import boto3; print([u.split('/')[-1] for u in boto3.client('sqs').list_queues().get('QueueUrls', [])])",
        )
    };
    assert_eq!(names().trim(), "['seeded', 'from-stack']");
    let log = || user.succeeds(&["logs", "--env", "team1", "--init"]);
    let said =
        ["running 10-queue.py", "/seeded", "the shell sees http://127.0.0.1:", "and us-east-1", "all scripts are done"];
    let first = log();
    let places: Vec<Option<usize>> = said.iter().map(|words| first.find(words)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{first}");

    let again = user.up("team1", &[]);
    assert_eq!(again["objects"][0]["action"], "unchanged");
    assert_eq!(first, log());

    // Before it is filled again nobody is led to it.
    signal(&up["local"]["emulator_pid"], rustix::process::Signal::KILL);
    let url = format!("http://localhost:{}/moto-api/", port(&up));
    until("its end is seen", || curl(&["--include", &url]).stdout.starts_with("HTTP/1.1 503"));
    until("it is led to again", || curl(&["--include", &url]).stdout.starts_with("HTTP/1.1 200"));
    assert_eq!(names().trim(), "['seeded', 'from-stack']");

    assert_eq!(user.up("team1", &["--init", "none"])["objects"][0]["action"], "update");
    assert_eq!(names().trim(), "[]");
}

#[test]
fn a_script_that_fails_is_named_with_its_output() {
    let user = User::new();
    let scripts = user.home.path().join("scripts");
    fs::create_dir(&scripts).unwrap();
    fs::write(scripts.join("10-fails.sh"), "echo before the end\nexit 3\n").unwrap();
    fs::write(scripts.join("20-never.sh"), "echo never\n").unwrap();
    let scripts = scripts.to_str().unwrap();
    let number = free_port().to_string();
    let ran = user.run(&["up", "--env", "team1", "--port", &number, "--init", scripts, "--services", "sqs"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    for words in
        ["10-fails.sh failed with exit status 3 (init-failed)", "  | before the end", "lsdeploy logs --env team1"]
    {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("never"), "{}", ran.stderr);
    assert_eq!(user.json(&["list"])["envs"][0]["state"], "init-failed");
    // What was chosen stays, and a mended script is a change.
    fs::write(user.home.path().join("scripts/10-fails.sh"), "true\n").unwrap();
    user.up("team1", &["--init", scripts]);
    let ours = user.is_refused(&["up", "--env", "team1", "--emulator-url", "http://127.0.0.1:1"]);
    assert!(ours.contains("--emulator-url"), "{ours}");
}
