//! Asks by UDP: the questions that share a socket, in their order, one try each. Does input and output.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tokio::time::{Instant, timeout_at};

use super::asked::Asked;
use super::message;
use super::socket::{Event, Socket, Undelivered};
use crate::dns::observation::Trouble;

/// Sends the questions through one socket and tells of each as soon as it is answered or its time is over.
///
/// `port` is where they are sent from, if that matters; `shared` says that the port is worth telling.
pub(super) async fn ask(questions: Vec<Asked>, port: Option<u16>, shared: bool) {
    let Some(first) = questions.first() else { return };
    let socket = match Socket::open(first.question.server.is_ipv6(), port) {
        Ok(socket) => socket,
        Err(error) => {
            let from = port.map_or_else(|| "no socket".to_owned(), |port| format!("not from port {port}"));
            return questions.into_iter().for_each(|asked| asked.failed(&error, &from));
        }
    };
    let told = (shared || port.is_some()).then(|| socket.port()).flatten();
    Exchange { socket, told, coming: questions.into(), waiting: Vec::new() }.run().await;
}

struct Exchange {
    socket: Socket,
    /// The port, for the observations.
    told: Option<u16>,
    /// Not sent yet.
    coming: VecDeque<Asked>,
    /// Sent.
    waiting: Vec<Asked>,
}

impl Exchange {
    async fn run(&mut self) {
        loop {
            self.send();
            let deadlines = self.waiting.iter().map(Asked::deadline);
            let Some(until) = deadlines.chain(self.coming.front().map(|asked| asked.due)).min() else { return };
            match timeout_at(until, self.socket.next()).await {
                Ok(Ok(Event::Message { from, bytes })) => self.came(from, &bytes),
                Ok(Ok(Event::Undelivered(report))) => self.undelivered(&report),
                Ok(Err(error)) => self.waiting.drain(..).for_each(|asked| asked.failed(&error, "")),
                Err(_) => self.expire(),
            }
        }
    }

    /// Sends what is due, back to back.
    fn send(&mut self) {
        while self.coming.front().is_some_and(|next| next.due <= Instant::now()) {
            let Some(mut asked) = self.coming.pop_front() else { return };
            asked.observation.source_port = self.told;
            asked.starts();
            // An error that was reported of an earlier question ends this call, not this question.
            let sent = self.socket.send(&asked.packet, asked.question.server).or_else(|_| {
                while let Some(report) = self.socket.undelivered() {
                    self.undelivered(&report);
                }
                self.socket.send(&asked.packet, asked.question.server)
            });
            match sent {
                Ok(()) => self.waiting.push(asked),
                Err(error) => asked.failed(&error, "not sent"),
            }
        }
    }

    fn came(&mut self, from: SocketAddr, bytes: &[u8]) {
        let id = bytes.first_chunk().map(|id| u16::from_be_bytes(*id));
        let meant = |asked: &Asked| Some(asked.id) == id;
        // Without an id that fits, it is held against every question that this server still owes an answer.
        let Some(at) = self.waiting.iter().position(|asked| meant(asked) && asked.is_from(from)) else {
            return self.waiting.iter_mut().for_each(|asked| strange(asked, from, bytes));
        };
        match message::decode(bytes) {
            Ok(reply) if reply.asks => {
                let asked = self.waiting.swap_remove(at);
                asked.ends(Trouble::Garbage, "the question itself came back");
            }
            Ok(reply) if reply.fits(&self.waiting[at].question) => {
                self.waiting.swap_remove(at).answered(reply, bytes.len());
            }
            Ok(_) => strange(&mut self.waiting[at], from, bytes),
            Err(words) => {
                let mut asked = self.waiting.swap_remove(at);
                asked.observation.size = Some(bytes.len());
                asked.ends(Trouble::Garbage, &words);
            }
        }
    }

    fn undelivered(&mut self, report: &Undelivered) {
        // A path with smaller packets is no failure: the kernel sends the next ones smaller.
        if report.words.is_empty() || report.error.raw_os_error() == Some(nix::libc::EMSGSIZE) {
            return;
        }
        let meant =
            |asked: &Asked| report.id.is_none_or(|id| id == asked.id) && report.to.is_none_or(|to| asked.is_from(to));
        while let Some(at) = self.waiting.iter().position(meant) {
            self.waiting.swap_remove(at).failed(&report.error, &report.words);
        }
    }

    fn expire(&mut self) {
        let now = Instant::now();
        while let Some(at) = self.waiting.iter().position(|asked| asked.deadline() <= now) {
            self.waiting.swap_remove(at).expired();
        }
    }
}

/// Remembers a message that does not fit, for the case that nothing else comes.
fn strange(asked: &mut Asked, from: SocketAddr, bytes: &[u8]) {
    let reply = message::decode(bytes);
    let fits = reply.as_ref().is_ok_and(|reply| reply.id == asked.id && reply.fits(&asked.question));
    match reply {
        Ok(_) if fits && !asked.is_from(from) => {
            asked.observation.source = Some(from);
            asked.suspect(Trouble::WrongSource, format!("a reply came from {from}"));
        }
        _ if !asked.is_from(from) => {}
        Ok(reply) if reply.id == asked.id => {
            asked.suspect(Trouble::Mismatch, format!("the reply is about {}", reply.topic()));
        }
        Ok(reply) => {
            asked.suspect(Trouble::Mismatch, format!("the reply has the id {} instead of {}", reply.id, asked.id));
        }
        Err(words) => asked.suspect(Trouble::Garbage, words),
    }
}
