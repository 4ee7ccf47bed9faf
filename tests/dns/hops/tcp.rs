//! By TCP.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use lsdeploy::dns::observation::{Observation, Trouble};
use lsdeploy::dns::plan::Question;

use super::{Reply, WAIT, ask, assert_met, other_id};

/// A server that takes one question and does this with the connection.
#[track_caller]
fn answered(act: impl FnOnce(TcpStream, &[u8]) + Send + 'static) -> Observation {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let question = Question::new("hop", listener.local_addr().unwrap(), "a.test", "A").by_tcp();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut question).unwrap();
        act(stream, &question);
    });
    ask(question)
}

/// Sends a message under this length, and ends or holds the connection.
fn send(mut stream: TcpStream, length: usize, message: &[u8], hold: bool) {
    let length = u16::try_from(length).unwrap().to_be_bytes();
    stream.write_all(&[&length, message].concat()).unwrap();
    if hold {
        thread::sleep(WAIT * 3);
    }
}

#[test]
fn a_length_that_lies_is_told_with_what_came() {
    let closed = answered(|stream, question| send(stream, 300, &Reply::right(question), false));
    assert_met(&closed, Trouble::Closed, "40 of 300 bytes came");
    let held = answered(|stream, question| send(stream, 300, &Reply::right(question), true));
    assert_met(&held, Trouble::Timeout, "40 of 300 bytes came after 500 ms");
    let short = answered(|stream, question| send(stream, 38, &Reply::right(question), true));
    assert_met(&short, Trouble::Garbage, "cut short");
    assert_met(&answered(|stream, _| send(stream, 0, &[], true)), Trouble::Garbage, "0 bytes are no DNS message");
    assert_met(&answered(|stream, _| send(stream, 65535, &vec![7; 65535], true)), Trouble::Garbage, "is broken");
}

#[test]
fn a_connection_that_ends_early_is_told_from_silence() {
    assert_met(&answered(|stream, _| drop(stream)), Trouble::Closed, "0 of 2 bytes of the length came");
    let one = answered(|mut stream, _| stream.write_all(&[0]).unwrap());
    assert_met(&one, Trouble::Closed, "1 of 2 bytes of the length came");
    let silent = answered(|stream, _| {
        thread::sleep(WAIT * 3);
        drop(stream);
    });
    assert_met(&silent, Trouble::Timeout, "0 of 2 bytes of the length came");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Bytes that nobody read turn the end of a connection into a reset.
    let question = Question::new("hop", listener.local_addr().unwrap(), "a.test", "A").by_tcp();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.peek(&mut [0]).unwrap();
    });
    assert_met(&ask(question), Trouble::Closed, "reset");
}

#[test]
fn bytes_that_drip_are_put_together_as_long_as_there_is_time() {
    let drip = |pause: u64| {
        move |mut stream: TcpStream, question: &[u8]| {
            let message = Reply::right(question);
            let whole = [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat();
            for byte in whole {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(pause));
            }
            thread::sleep(WAIT);
        }
    };
    let quick = answered(drip(1));
    assert!(quick.has_answer(), "{quick:?}");
    assert_met(&answered(drip(20)), Trouble::Timeout, "of 40 bytes came");
}

#[test]
fn answers_to_others_are_not_taken() {
    let other = |question: &[u8]| other_id(Reply::right(question));
    let ended = answered(move |stream, question| send(stream, 40, &other(question), false));
    assert_met(&ended, Trouble::Mismatch, "the reply has the id");
    let right = answered(move |mut stream, question| {
        stream.write_all(&[&[0, 40], other(question).as_slice()].concat()).unwrap();
        send(stream, 40, &Reply::right(question), true);
    });
    assert!(right.has_answer() && right.error.is_none(), "{right:?}");
    let echo = answered(|stream, question| send(stream, question.len(), question, true));
    assert_met(&echo, Trouble::Garbage, "the question itself");
}
