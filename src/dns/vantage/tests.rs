//! Sessions with the program of this build, behind real commands.

use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::dns::chain::PlaceKind;
use crate::dns::plan::Question;

fn place() -> Place {
    let kind = PlaceKind::Other;
    Place { name: "there".to_owned(), kind, how: "a test".to_owned(), pod: None, node: None }
}

/// The probe that was built with these tests.
fn program() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.with_file_name("lsdeploy-dns-probe")
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn begin(prefix: &str, within: u64) -> Result<Session, VantageError> {
    Session::behind(place(), prefix, &program(), Duration::from_millis(within)).await
}

fn plan() -> ProbePlan {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let questions = vec![Question::new("closed", closed, "a.test", "A")];
    let files = vec!["/proc/self/cmdline".to_owned()];
    ProbePlan { vantage: "there".to_owned(), timeout_ms: 500, questions, files, ..ProbePlan::default() }
}

/// A directory of its own, which the session's shell is to use for the probe.
fn used(prefix: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let prefix = format!("env TMPDIR={} {prefix}", directory.path().display());
    (directory, prefix)
}

#[test]
fn plan_after_plan_is_answered_and_nothing_is_left() {
    let (directory, prefix) = used("");
    let listing = || std::fs::read_dir(directory.path()).unwrap().count();
    block(async {
        let mut session = begin(&prefix, 20_000).await.unwrap();
        assert_eq!(listing(), 1);
        for _ in 0..2 {
            let seen = session.run(&plan()).await.unwrap();
            assert!(seen.len() == 2 && seen.iter().any(|at| at.hop == "closed" && at.error.is_some()), "{seen:?}");
            let runs = seen.iter().find_map(|at| at.text.as_deref()).unwrap();
            assert!(runs.starts_with(directory.path().to_str().unwrap()), "{runs}");
        }
        session.close().await;
    });
    assert_eq!(listing(), 0);
}

#[test]
fn a_session_that_is_forgotten_leaves_nothing() {
    let (directory, prefix) = used("");
    block(async {
        let session = begin(&prefix, 20_000).await.unwrap();
        drop(session);
    });
    let gone = || std::fs::read_dir(directory.path()).unwrap().count() == 0;
    assert!((0..200).any(|_| gone() || {
        std::thread::sleep(Duration::from_millis(10));
        false
    }));
}

#[track_caller]
fn fails(prefix: &str, within: u64, words: &[&str]) {
    let error = block(begin(prefix, within)).err().expect("it cannot work");
    let text = format!("{error} | {}", error.hint.clone().unwrap_or_default());
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
}

#[test]
fn prefixes_that_cannot_work_are_explained() {
    fails("", 5000, &["empty"]);
    fails("sh 'x", 5000, &["quote"]);
    fails("no-such-program-at-all", 5000, &["no-such-program-at-all", "not there"]);
    fails("echo hello", 5000, &["put ended", "standard input"]);
    fails("false", 5000, &["put ended", "status: 1", "by hand"]);
    fails("sh -c 'echo I am busy >&2; exit 3'", 5000, &["I am busy", "status: 3"]);
    fails("sh -c 'cat >/dev/null'", 300, &["took too long", "password"]);
    fails("sh -c cat", 300, &["took too long"]);
    fails("sh -c 'yes noise; true'", 5000, &["lines came"]);
    fails("sh -c 'printf password:; sleep 9'", 300, &["took too long", "password"]);
}

#[test]
fn noise_before_the_shell_is_skipped() {
    let session = block(begin("sh -c 'echo Welcome to node1; echo; exec \"$@\"' -", 20_000));
    assert!(session.is_ok(), "{}", session.err().unwrap());
}

#[test]
fn a_probe_that_dies_is_told_with_what_was_seen() {
    let (_directory, prefix) = used("sh -c 'exec \"$@\"' mark");
    let mut seen = plan();
    seen.timeout_ms = 60_000;
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    seen.questions.push(Question::new("silent", silent.local_addr().unwrap(), "a.test", "A"));
    let error = block(async {
        let mut session = begin(&prefix, 20_000).await.unwrap();
        let child = session.remote.as_ref().unwrap().child.as_ref().unwrap().id().unwrap();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            let children = format!("/proc/{child}/task/{child}/children");
            let probe = std::fs::read_to_string(children).unwrap();
            Command::new("kill").args(["-KILL", probe.trim()]).status().unwrap();
        });
        let error = session.run(&seen).await.unwrap_err();
        assert!(session.run(&seen).await.unwrap_err().message.contains("lost before"));
        error
    });
    assert_eq!(error.seen.len(), 2, "{error:?}");
    assert!(error.message.contains("its output ended"), "{error}");
}

/// What `dig` prints, old and new.
pub(in crate::dns) fn digs() -> Vec<Vec<u8>> {
    let whole = ";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 33257\n\
                 ;; flags: qr aa rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 1, ADDITIONAL: 1\n\n;; OPT PSEUDOSECTION:\n\
                 ; EDNS: version: 0, flags:; udp: 1232\n; EDE: 15 (Blocked): (by a list)\n; OPT=15: 00 0f 6e 6f (\"no\")\n\
                 ;; QUESTION SECTION:\n;a.test.\t\t\tIN\tA\n\n;; ANSWER SECTION:\na.test.\t\t0\tIN\tA\t192.0.2.1\n\
                 t.test. 0 IN TXT \"hello \\\"w\\\" \\226\" \"second;part\"\n\n;; AUTHORITY SECTION:\n\
                 . 60 IN SOA ns.dns.test. host.test. 1 2 3 4 5\n\n;; Query time: 4 msec\n;; MSG SIZE  rcvd: 51\n\n";
    let short = ";; communications error to 127.0.0.1#53: timed out\n;; no servers could be reached\n";
    let source = ";; reply from unexpected source: 10.0.0.1#53, expected 10.0.0.2#53\n";
    [whole, short, source].map(|text| text.as_bytes().to_vec()).to_vec()
}

/// What is read is an observation with a reply or with a trouble.
pub(in crate::dns) fn reads_dig(bytes: &[u8]) -> bool {
    let server = "10.0.0.2:53".parse().unwrap();
    let observation = super::dig::read(&Question::new("hop", server, "a.test", "A"), &String::from_utf8_lossy(bytes));
    assert_ne!(observation.replied(), observation.error.is_some());
    true
}
