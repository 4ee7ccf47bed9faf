//! Where no probe can run, `dig`, `getent` and the shell of the place see the same.

use std::net::UdpSocket;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use lsdeploy::dns::chain::{Place, PlaceKind};
use lsdeploy::dns::observation::{Observation, Trouble};
use lsdeploy::dns::plan::{ProbePlan, Question};
use lsdeploy::dns::probe;
use lsdeploy::dns::vantage::{Session, Stage};

use super::Reply;

/// A place with these programs and no others. Without `rm` no probe can run there.
fn place_with(programs: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for program in ["sh", "readlink", "tr", "sleep", "uname"].iter().chain(programs) {
        let found = std::env::split_paths(&path).map(|path| path.join(program));
        let found = found.chain([PathBuf::from("/bin").join(program)]).find(|path| path.exists());
        symlink(found.unwrap_or_else(|| panic!("there is no {program} on PATH")), directory.path().join(program))
            .unwrap();
    }
    directory
}

fn observe(programs: &[&str], plan: &ProbePlan) -> (Stage, Vec<Observation>) {
    let directory = place_with(programs);
    let place = Place { name: "bare".into(), kind: PlaceKind::Other, how: "a test".into(), pod: None, node: None };
    let prefix = format!("env PATH={}", directory.path().display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let probe = Path::new(env!("CARGO_BIN_EXE_lsdeploy-dns-probe"));
        let mut session = Session::behind(place, &prefix, probe, Duration::from_secs(30)).await.unwrap();
        let seen = session.run(plan).await.unwrap();
        // The shell takes plan after plan.
        assert_eq!(session.run(plan).await.unwrap().len(), seen.len());
        let stage = session.stage();
        session.close().await;
        (stage, seen)
    })
}

fn directly(plan: &ProbePlan) -> Vec<Observation> {
    let mut all = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(probe::run(plan, |observation| all.push(observation)));
    all
}

fn plan(questions: Vec<Question>) -> ProbePlan {
    ProbePlan { vantage: "bare".to_owned(), round: 1, timeout_ms: 1000, questions, ..ProbePlan::default() }
}

/// A server that says something different to each type of question.
fn server() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let serving = socket.try_clone().unwrap();
    thread::spawn(move || {
        let mut room = [0; 4096];
        let soa = [&[2, b'n', b's', 0, 4, b'h', b'o', b's', b't', 0][..], &[0, 0, 0, 9].repeat(5)].concat();
        let ede: &[u8] = &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 8, 0, 15, 0, 4, 0, 15, b'n', b'o'];
        while let Ok((size, from)) = serving.recv_from(&mut room) {
            let question = &room[..size];
            let reply = Reply::to(question);
            let kind = reply.0[reply.0.len() - 3];
            let mut answer = match kind {
                1 => {
                    reply.count(1, 2).record(&[0xc0, 12], 5, &[1, b'x', 0]).record(&[1, b'x', 0], 1, &[192, 0, 2, 1]).0
                }
                16 => reply.count(1, 1).record(&[0xc0, 12], 16, b"\x05a \"b\\\x04;c d").0,
                28 => [&reply.count(2, 1).count(3, 1).record(&[0], 6, &soa).0, ede].concat(),
                15 => reply.truncated().0,
                _ => continue,
            };
            if kind == 28 {
                answer[2] |= 4;
                answer[3] |= 3;
            }
            serving.send_to(&answer, from).unwrap();
        }
    });
    socket
}

#[test]
fn dig_sees_what_the_probe_sees() {
    let socket = server();
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ask = |kind: &str| Question::new("hop", socket.local_addr().unwrap(), "a.test", kind);
    let questions = ["A", "TXT", "AAAA", "MX", "PTR"].map(ask).to_vec();
    let closed =
        [Question::new("closed", closed, "a.test", "A"), Question::new("closed", closed, "a.test", "A").by_tcp()];
    let plan = plan([questions, closed.to_vec()].concat());
    let (stage, seen) = observe(&["dig"], &plan);
    let Stage::Commands { why, have } = &stage else { panic!("{stage:?}") };
    assert!(why.contains("no program rm") && have.len() == 1, "{stage:?}");
    assert!(stage.unseen("bare").iter().any(|sentence| sentence.contains("the C library was not asked")));
    assert_eq!(seen.len(), plan.questions.len());
    for expected in directly(&plan) {
        let same = |at: &&Observation| {
            (&at.hop, &at.kind, at.transport) == (&expected.hop, &expected.kind, expected.transport)
        };
        let at = seen.iter().find(same).unwrap();
        assert_eq!((&at.rcode, &at.flags, &at.size), (&expected.rcode, &expected.flags, &expected.size), "{at:?}");
        assert_eq!((&at.answers, &at.authority), (&expected.answers, &expected.authority));
        assert_eq!((&at.ede, at.reply_edns), (&expected.ede, expected.reply_edns));
        assert_eq!((&at.name, at.server, at.edns), (&expected.name, expected.server, expected.edns));
        assert_eq!(at.error.as_ref().map(|error| error.kind), expected.error.as_ref().map(|error| error.kind));
    }
    assert_eq!(seen.iter().filter(|at| at.met(Trouble::Refused)).count(), 2);
    assert_eq!(seen.iter().filter(|at| at.silent()).count(), 1);
}

#[test]
fn a_shell_reads_files_and_processes_as_the_probe_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(path("conf")).unwrap();
    std::fs::write(path("b.conf"), "server=10.0.0.1\n\ttab \\n = $HOME `x`\n\n# end\n").unwrap();
    std::fs::write(path("conf/a'.conf"), "quoted\n").unwrap();
    std::fs::write(path("conf/b c"), "second\n").unwrap();
    // A name of its own, longer than the kernel keeps.
    let sleep = std::fs::canonicalize("/bin/sleep").unwrap();
    std::fs::copy(sleep, path("lsdeploy-sleeper")).unwrap();
    let mut sleeper = std::process::Command::new(path("lsdeploy-sleeper")).arg("30").spawn().unwrap();
    let mut plan = plan(Vec::new());
    plan.files = vec![path("b.conf"), path("none"), path("conf/"), "/nowhere/".to_owned(), "/proc".to_owned()];
    plan.processes = vec!["lsdeploy-sleeper".to_owned(), "no-such-program".to_owned()];
    plan.lookups = vec!["localhost".to_owned(), "no-such-name.invalid".to_owned()];
    let (_, mut seen) = observe(&["getent"], &plan);
    let mut expected = directly(&plan);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    let key = |at: &Observation| (at.kind.clone(), at.name.clone(), at.text.clone());
    seen.sort_by_key(key);
    expected.sort_by_key(key);
    assert_eq!(seen.len(), expected.len(), "{seen:#?}\n{expected:#?}");
    for (at, expected) in seen.iter().zip(&expected) {
        assert_eq!(key(at), key(expected));
        assert_eq!((&at.answers, at.round), (&expected.answers, 1));
        assert_eq!(
            at.error.as_ref().map(|error| error.kind),
            expected.error.as_ref().map(|error| error.kind),
            "{at:?}"
        );
    }
}
