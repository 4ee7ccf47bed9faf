//! By UDP.

use std::net::UdpSocket;
use std::thread;

use lsdeploy::dns::observation::{Observation, Trouble};
use lsdeploy::dns::plan::Question;

use super::{Reply, WAIT, ask, assert_met, other_id, other_question};

/// A server that answers a question with these messages.
#[track_caller]
fn answered(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Observation {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let question = Question::new("hop", socket.local_addr().unwrap(), "a.test", "A");
    socket.set_read_timeout(Some(WAIT * 4)).unwrap();
    let server = thread::spawn(move || {
        let mut room = [0; 4096];
        let (size, from) = socket.recv_from(&mut room).unwrap();
        for message in answer(&room[..size]) {
            socket.send_to(&message, from).unwrap();
        }
        // The port stays open until the question's time is over.
        let _ = socket.recv_from(&mut room);
    });
    let observation = ask(question);
    drop(server);
    observation
}

#[track_caller]
fn wrong(trouble: Trouble, words: &str, answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) {
    assert_met(&answered(move |question| vec![answer(question)]), trouble, words);
}

#[test]
fn what_is_no_message_is_garbage() {
    wrong(Trouble::Garbage, "7 bytes are no DNS message", |_| b"garbage".to_vec());
    wrong(Trouble::Garbage, "0 bytes", |_| Vec::new());
    wrong(Trouble::Garbage, "11 bytes", |question| question[..11].to_vec());
    wrong(Trouble::Garbage, "is broken", |question| [&question[..2], &[0xff; 300]].concat());
    wrong(Trouble::Garbage, "the question itself", <[u8]>::to_vec);
}

#[test]
fn a_message_that_is_cut_is_garbage_unless_it_says_so() {
    let cut = |question: &[u8]| {
        let mut message = Reply::right(question);
        message.truncate(message.len() - 2);
        message
    };
    wrong(Trouble::Garbage, "cut short", cut);
    wrong(Trouble::Garbage, "is broken", |question| Reply::to(question).count(1, u16::MAX).0);
    let observation = answered(|question| {
        let whole = Reply::to(question).truncated().count(1, 2).record(&[0xc0, 12], 1, &[192, 0, 2, 1]);
        vec![[whole.0, vec![0xc0]].concat()]
    });
    assert!(observation.said("NOERROR") && observation.flag(|flags| flags.tc), "{observation:?}");
    assert_eq!(observation.addresses().len(), 1);
}

#[test]
fn names_that_point_in_circles_end() {
    let at = |question: &[u8]| u8::try_from(Reply::to(question).0.len()).unwrap();
    wrong(Trouble::Garbage, "is broken", move |question| {
        Reply::to(question).count(1, 1).record(&[0xc0, at(question)], 1, &[192, 0, 2, 1]).0
    });
    wrong(Trouble::Garbage, "is broken", move |question| {
        Reply::to(question).count(1, 1).record(&[1, b'x', 0xc0, at(question)], 1, &[192, 0, 2, 1]).0
    });
    // Forward, and two that point at each other.
    wrong(Trouble::Garbage, "is broken", |question| {
        Reply::to(question).count(1, 1).record(&[0xc0, 0xff], 1, &[1; 4]).0
    });
    wrong(Trouble::Garbage, "is broken", move |question| {
        Reply::to(question).count(1, 1).record(&[0xc0, at(question) + 2, 0xc0, at(question)], 1, &[1; 4]).0
    });
    wrong(Trouble::Garbage, "is broken", |question| Reply::to(question).count(1, 1).record(&[0x80, 1], 1, &[1; 4]).0);
}

#[test]
fn records_whose_data_cannot_be_are_garbage() {
    let answer = |kind: u16, data: &'static [u8]| {
        move |question: &[u8]| Reply::to(question).count(1, 1).record(&[0xc0, 12], kind, data).0
    };
    wrong(Trouble::Garbage, "type A", answer(1, &[192, 0, 2]));
    wrong(Trouble::Garbage, "type AAAA", answer(28, &[1; 15]));
    wrong(Trouble::Garbage, "type SOA", answer(6, &[0, 0, 1]));
    wrong(Trouble::Garbage, "type TXT", answer(16, &[200, b'x']));
    wrong(Trouble::Garbage, "type CNAME", answer(5, &[63, b'x']));
}

#[test]
fn odd_but_whole_messages_are_read() {
    let unknown = answered(|question| vec![Reply::to(question).count(1, 1).record(&[0xc0, 12], 65280, &[0xab]).0]);
    assert_eq!((unknown.answers[0].kind.as_str(), unknown.answers[0].data.as_str()), ("TYPE65280", "\\# 1 ab"));
    let rcode = answered(|question| {
        let mut message = Reply::to(question).0;
        message[3] |= 0b1110;
        vec![message]
    });
    assert!(rcode.said("RCODE14"), "{rcode:?}");
    // An OPT record of 300 bytes of room, with an option that is longer than the record says, and a second OPT record.
    let opt = answered(|question| {
        let opt: &[u8] = &[0, 0, 41, 1, 44, 0, 0, 0, 0, 0, 6, 0, 15, 0, 99, 0, 15];
        vec![[&Reply::to(question).count(3, 2).0, opt, opt].concat()]
    });
    assert!(opt.said("NOERROR") && opt.reply_edns == Some(300), "{opt:?}");
    let nothing_asked = answered(|question| {
        let mut message = Reply::to(question).count(0, 0).0;
        message.truncate(12);
        message[3] |= 1;
        vec![message]
    });
    assert!(nothing_asked.said("FORMERR"), "{nothing_asked:?}");
}

#[test]
fn a_message_far_beyond_what_was_offered_is_read_with_its_size() {
    let observation = answered(|question| {
        let text = [&[200][..], &[b'x'; 200]].concat();
        let whole = (0..20).fold(Reply::to(question).count(1, 20), |reply, _| reply.record(&[0xc0, 12], 16, &text));
        vec![whole.0]
    });
    assert!(observation.answers.len() == 20 && observation.size > Some(4000), "{observation:?}");
    assert_eq!(observation.reply_edns, None);
}

#[test]
fn answers_to_others_are_not_taken() {
    wrong(Trouble::Mismatch, "the reply has the id", |question| other_id(Reply::right(question)));
    wrong(Trouble::Mismatch, "the reply is about z.test A", |question| other_question(Reply::right(question)));
    let flood = answered(|question| vec![other_id(Reply::right(question)); 500]);
    assert_met(&flood, Trouble::Mismatch, "the reply has the id");
    let late = answered(|question| {
        let right = Reply::right(question);
        vec![b"noise".to_vec(), other_id(right.clone()), other_question(right.clone()), right]
    });
    assert!(late.has_answer() && late.error.is_none(), "{late:?}");
}

#[test]
fn a_reply_from_another_address_is_told_with_it() {
    let elsewhere = UdpSocket::bind("127.0.0.2:0").unwrap();
    let from = elsewhere.local_addr().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut room = [0; 4096];
        let (size, asker) = socket.recv_from(&mut room).unwrap();
        elsewhere.send_to(&Reply::right(&room[..size]), asker).unwrap();
        let _ = socket.recv_from(&mut room);
    });
    let observation = ask(Question::new("hop", server, "a.test", "A"));
    assert_met(&observation, Trouble::WrongSource, &from.to_string());
    assert_eq!(observation.source, Some(from));
}
