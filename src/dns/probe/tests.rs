//! The probe against servers of the tests' own, which do as they are told.

use std::net::UdpSocket;
use std::thread;
use std::time::Instant;

use super::*;

/// A UDP server that answers each message with what `answer` makes of it.
fn server(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut room = [0; 4096];
        while let Ok((size, from)) = socket.recv_from(&mut room) {
            let _ = socket.send_to(&answer(&room[..size]), from);
        }
    });
    address
}

/// The question, with the bits of a reply and a response code.
fn reply(question: &[u8], rcode: u8) -> Vec<u8> {
    let mut reply = question.to_vec();
    reply[2] |= 0x80;
    reply[3] = 0x80 | rcode;
    reply
}

fn observe(plan: &ProbePlan) -> Vec<Observation> {
    let mut all = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(plan, |observation| all.push(observation)));
    all
}

fn plan(questions: Vec<Question>) -> ProbePlan {
    ProbePlan { vantage: "here".to_owned(), round: 1, timeout_ms: 400, questions, ..ProbePlan::default() }
}

fn closed() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_refusal_is_told_from_silence_and_from_an_answer() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let ask = |hop: &str, server| Question::new(hop, server, "a.test.", "A");
    let all = observe(&plan(vec![
        ask("good", server(|question| reply(question, 3))),
        ask("closed", closed()),
        ask("closed tcp", closed()).by_tcp(),
        ask("silent", silent.local_addr().unwrap()),
    ]));
    let of = |hop: &str| all.iter().find(|at| at.hop == hop).unwrap();
    assert!(of("good").said("NXDOMAIN") && of("good").error.is_none());
    assert_eq!((of("good").name.as_str(), of("good").flag(|flags| flags.ra)), ("a.test", true));
    assert!(of("closed").met(Trouble::Refused), "{:?}", of("closed"));
    assert!(of("closed tcp").met(Trouble::Refused));
    assert!(of("silent").silent() && of("silent").ms >= 400.0);
}

#[test]
fn one_socket_serves_a_group_in_its_order() {
    let server = server(|question| reply(question, 0));
    let ask = |name: &str, kind: &str| Question::new("good", server, name, kind).from(Source::Group(3));
    let all = observe(&plan(vec![ask("a.test", "A"), ask("a.test", "AAAA"), ask("b.test", "A").after(50)]));
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|at| at.no_data() && at.group == Some(3)));
    assert!(all[0].source_port.is_some() && all.iter().all(|at| at.source_port == all[0].source_port));
    assert!(all[2].at >= 50.0 && all[2].name == "b.test");
}

#[test]
fn a_plan_with_a_port_sends_from_it() {
    let server = server(|question| reply(question, 0));
    let port = closed().port();
    let ask = |kind: &str| Question::new("good", server, "a.test", kind).from(Source::Port(port));
    let all = observe(&plan(vec![ask("A"), ask("AAAA")]));
    assert!(all.iter().all(|at| at.source_port == Some(port) && at.replied()), "{all:?}");
}

#[test]
fn three_hundred_silent_questions_end_together() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let started = Instant::now();
    let all = observe(&plan((0..300).map(|n| Question::new("dead", address, &format!("{n}.test"), "A")).collect()));
    assert!(all.len() == 300 && all.iter().all(Observation::silent));
    assert!(started.elapsed() < Duration::from_millis(1500), "{:?}", started.elapsed());
}

#[test]
fn names_that_cannot_be_asked_are_observations() {
    let long = format!("{}.test", "a".repeat(64));
    let ask = |name: &str, kind: &str| Question::new("any", closed(), name, kind);
    let too_long = ["abcdefghi"; 30].join(".");
    let all = observe(&plan(vec![ask(&long, "A"), ask("a..b", "A"), ask("a.test", "NOPE"), ask(&too_long, "A")]));
    assert!(all.len() == 4 && all.iter().all(|at| at.met(Trouble::Other)), "{all:?}");
}

#[test]
fn the_place_is_read() {
    let mut plan = plan(Vec::new());
    plan.files = vec!["/proc/self/status".to_owned(), "/nowhere/at/all".to_owned(), "/nowhere/".to_owned()];
    plan.files.push("/proc".to_owned());
    plan.processes = vec!["no-such-program".to_owned()];
    plan.lookups = vec!["localhost".to_owned(), "-x".to_owned()];
    let all = observe(&plan);
    let of = |name: &str| all.iter().find(|at| at.name == name).unwrap();
    assert!(of("/proc/self/status").text.as_deref().unwrap().starts_with("Name:"));
    assert!(of("/nowhere/at/all").met(Trouble::Absent) && of("/nowhere/").met(Trouble::Absent));
    assert!(of("/proc").met(Trouble::Unreadable));
    assert!(of("no-such-program").met(Trouble::Absent));
    assert!(of("-x").met(Trouble::Other));
    assert!(!of("localhost").addresses().is_empty() || of("localhost").error.is_some());
}
