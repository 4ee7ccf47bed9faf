//! What is left of runs that were killed or interrupted, and what `smoke --clean` takes away and leaves alone.

use std::{
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use lsdeploy::smoke::{self, Cleaned};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{options, parts, target};

#[test]
fn what_a_killed_run_left_is_removed_and_nothing_else() {
    let Some((_moto, moto)) = parts::moto([127, 0, 0, 1].into(), &[]) else { return };
    let foreign = foreign_queue(moto);
    let mut run = smoke_run(moto, Stdio::null());
    wait_for_a_trace(moto, &mut run);
    run.kill().unwrap();
    run.wait().unwrap();

    let first = clean(moto);
    let removed = first["removed"].as_array().unwrap();
    println!("{first:#}");
    assert!(!removed.is_empty() && removed.iter().all(|one| is_ours(one["name"].as_str().unwrap())), "{first:#}");
    assert_eq!(first["failed"], serde_json::json!([]));
    let second = clean(moto);
    assert_eq!(second["removed"], serde_json::json!([]), "{second:#}");
    assert_eq!(queues(moto), [foreign], "what is not named so stays");
}

#[test]
fn a_run_that_is_interrupted_takes_back_what_it_made() {
    for (signal, code, word) in [(Signal::INT, 130, "SIGINT"), (Signal::TERM, 143, "SIGTERM")] {
        let Some((_moto, moto)) = parts::moto([127, 0, 0, 1].into(), &[]) else { return };
        let mut run = smoke_run(moto, Stdio::piped());
        wait_for_a_trace(moto, &mut run);
        let asked = Instant::now();
        kill_process(Pid::from_child(&run), signal).unwrap();
        let Output { status, stderr, .. } = run.wait_with_output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        println!("{stderr}");
        assert_eq!(status.code(), Some(code), "{stderr}");
        let said = format!("ended by {word}; the smoke tests took back what they had made");
        assert!(stderr.contains(&said), "{stderr}");
        assert!(asked.elapsed() < Duration::from_secs(6));
        assert_eq!(clean(moto)["removed"], serde_json::json!([]));
    }
}

#[tokio::test]
async fn a_service_that_cannot_be_searched_is_said_and_fails_the_cleaning() {
    let free = parts::free_port([127, 0, 0, 1].into());
    let url = format!("http://127.0.0.1:{free}");
    let Cleaned { removed, failed, unsearched } =
        smoke::clean(&[target("sqs", &url), target("web", &url)], &options("clean")).await.unwrap();
    assert_eq!((removed.len(), failed.len(), unsearched.len()), (0, 1, 1));
    assert_eq!((failed[0].service.as_str(), failed[0].finding.code), ("sqs", "connect-refused"));
    let ran = lsdeploy(&["smoke", "--clean", "--service", "sqs", "--endpoint", &url]).output().unwrap();
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("cannot clean sqs: `list`: "), "{stderr}");
}

fn is_ours(name: &str) -> bool {
    name.starts_with("lsdeploy-1")
}

fn lsdeploy(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lsdeploy"));
    command.args(arguments);
    command
}

fn smoke_run(moto: SocketAddr, stderr: Stdio) -> Child {
    let mut command = lsdeploy(&["smoke", "--endpoint", &format!("http://{moto}")]);
    command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap()
}

/// Waits until the run has made something.
fn wait_for_a_trace(moto: SocketAddr, run: &mut Child) {
    let started = Instant::now();
    while !queues(moto).iter().any(|queue| is_ours(queue)) {
        assert!(started.elapsed() < Duration::from_secs(30), "the run makes no queue");
        assert!(run.try_wait().unwrap().is_none(), "the run is over before a queue of it was seen");
        thread::sleep(Duration::from_millis(2));
    }
}

fn clean(moto: SocketAddr) -> Value {
    let ran = lsdeploy(&["smoke", "--clean", "--endpoint", &format!("http://{moto}"), "--output", "json"]).output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// A queue whose name looks like one of a run to a careless eye.
fn foreign_queue(moto: SocketAddr) -> String {
    let name = "lsdeploy-production-sqs";
    ask(moto, &format!("Action=CreateQueue&QueueName={name}"));
    name.to_owned()
}

fn queues(moto: SocketAddr) -> Vec<String> {
    let answer = ask(moto, "Action=ListQueues");
    let urls = answer.split("<QueueUrl>").skip(1).filter_map(|rest| rest.split("</QueueUrl>").next());
    urls.filter_map(|url| url.rsplit('/').next()).map(str::to_owned).collect()
}

/// The query protocol, by hand: another client than the one under test.
fn ask(moto: SocketAddr, body: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(moto).unwrap();
    let scope = "Credential=test/20260101/us-east-1/sqs/aws4_request";
    write!(
        stream,
        "POST / HTTP/1.0\r\nHost: {moto}\r\nAuthorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
