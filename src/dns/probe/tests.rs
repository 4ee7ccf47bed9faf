//! The probe against servers of the tests' own, which do as they are told.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::ask::blank;
use super::*;
use crate::dns::observation::Trouble;
use crate::dns::plan::{Question, Source};

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

/// Whole messages.
pub(in crate::dns) fn messages() -> Vec<Vec<u8>> {
    let question = |kind: &str| {
        let question =
            Question { dnssec: true, ..Question::new("hop", closed(), "kubernetes.default.svc.cluster.local", kind) };
        reply(&message::encode(&question, 4660).unwrap(), 0)
    };
    let with = |kind: &str, section: usize, record: &[u8]| {
        let asked = question(kind);
        // The records come before the OPT record, which has 11 bytes.
        let (before, opt) = asked.split_at(asked.len() - 11);
        let mut whole = [before, record, opt].concat();
        whole[5 + 2 * section] = 1;
        whole
    };
    let ede = |kind: &str| {
        let mut whole = question(kind);
        let end = whole.len();
        whole[end - 1] = 8;
        [whole.as_slice(), &[0, 15, 0, 4, 0, 15, b'n', b'o']].concat()
    };
    let soa = b"\xc0\x0c\0\x06\0\x01\0\0\0\x3c\0\x20\x02ns\xc0\x1f\x04host\xc0\x1f\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";
    vec![
        question("A"),
        ede("AAAA"),
        with("A", 1, b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\0\x01"),
        with("TXT", 1, b"\xc0\x0c\0\x10\0\x03\0\0\0\0\0\x05\x04abcd"),
        with("CNAME", 1, b"\xc0\x0c\0\x05\0\x01\0\0\0\x05\0\x04\x01x\xc0\x0c"),
        with("SRV", 1, b"\xc0\x0c\0\x21\0\x01\0\0\0\x05\0\x08\0\x01\0\x02\0\x35\xc0\x0c"),
        with("RRSIG", 1, b"\xc0\x0c\0\x2e\0\x01\0\0\0\x05\0\x03abc"),
        with("AAAA", 2, &soa[..]),
    ]
}

pub(in crate::dns) fn reads_message(bytes: &[u8]) -> bool {
    let question = Question::new("hop", "127.0.0.1:53".parse().unwrap(), "kubernetes.default.svc.cluster.local", "A");
    let Ok(reply) = message::decode(bytes) else { return false };
    let (mut observation, _) = (blank(&plan(Vec::new()), &question), (reply.fits(&question), reply.topic()));
    reply.tell(bytes.len(), &mut observation);
    // What was read can be saved, and read again.
    let saved = serde_json::to_vec(&observation).unwrap();
    assert_eq!(serde_json::from_slice::<Line>(&saved).ok(), Some(Line::Seen(Box::new(observation))));
    true
}

pub(in crate::dns) fn plans() -> Vec<Vec<u8>> {
    let ask = |name: &str, kind: &str| Question::new("hop", "127.0.0.1:53".parse().unwrap(), name, kind);
    let port = ask("xn--bcher-kva.test", "PTR").by_tcp().from(Source::Port(900)).after(3);
    let questions = vec![ask("a.test.", "A"), port, ask(".", "TYPE65").from(Source::Group(1)).without_edns()];
    let mut whole = plan(questions);
    whole.files = vec!["/etc/resolv.conf".to_owned()];
    whole.lookups = vec!["localhost".to_owned()];
    vec![serde_json::to_vec(&whole).unwrap(), serde_json::to_vec(&plan(Vec::new())).unwrap()]
}

pub(in crate::dns) fn reads_plan(bytes: &[u8]) -> bool {
    let Ok(plan) = serde_json::from_slice::<ProbePlan>(bytes) else { return false };
    for question in &plan.questions {
        let _ = blank(&plan, question);
        if let Ok(packet) = message::encode(question, 7) {
            assert!(message::decode(&packet).unwrap().fits(question));
        }
    }
    true
}

pub(in crate::dns) fn lines() -> Vec<Vec<u8>> {
    let observation = blank(&plan(Vec::new()), &Question::new("hop", closed(), "a.test", "A"));
    let seen = Line::Seen(Box::new(observation));
    let lines = [seen, Line::Done { done: 3 }, Line::Refused { refused: "no".to_owned() }];
    lines.iter().map(|line| serde_json::to_vec(line).unwrap()).collect()
}

pub(in crate::dns) fn reads_line(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Line>(bytes).is_ok()
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
