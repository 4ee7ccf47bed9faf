//! What happens during a run. Workers send events and never print; a reporter (`report`) turns them into text.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::finding::code;
use crate::manifest::ObjectId;
use crate::smoke::{ServiceResult, Tally};

/// One thing that happened to one environment.
#[derive(Debug, Clone)]
pub struct Event {
    /// The environment.
    pub env: String,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// A phase began.
    PhaseBegan(&'static str),
    /// A phase ended after so long.
    PhaseEnded(&'static str, Duration),
    /// An object was written or deleted; for an update, the paths that differed.
    Object(ObjectId, &'static str, Vec<String>),
    /// A process of this machine was started or ended, in words.
    Process(String),
    /// Something of this machine is about to be written, started or ended: who is interrupted from here on leaves it.
    Begun,
    /// Worth knowing once the results stand there: lines of standard error.
    Advice(String),
    /// What is waited for now; replaces the line before.
    Waiting(String),
    /// Something worth a line of its own.
    Note(String),
    /// Something unsafe: said even where only results and errors are.
    Warning(String),
    /// For who wants to see everything.
    Detail(String),
    /// Something is in the way, and may pass.
    Obstacle(crate::finding::Finding),
    /// A service was checked; so many are by now.
    Checked(Box<ServiceResult>, Tally),
}

/// The sending side, one per environment.
#[derive(Debug, Clone)]
pub struct Events {
    env: String,
    sender: mpsc::UnboundedSender<Event>,
}

impl Events {
    /// Events of `env`, sent to `sender`.
    pub fn new(env: impl Into<String>, sender: mpsc::UnboundedSender<Event>) -> Self {
        Self { env: env.into(), sender }
    }

    /// Tells of a checked service; of one that was stopped nothing is known.
    pub fn checked(&self, result: &ServiceResult, tally: Tally) {
        if result.finding.as_ref().is_some_and(|finding| finding.code == code::INTERRUPTED) {
            return;
        }
        self.send(What::Checked(Box::new(result.clone()), tally));
    }

    /// Sends one event. A reporter that is gone does not stop the work.
    pub fn send(&self, what: What) {
        let _ = self.sender.send(Event { env: self.env.clone(), what });
    }
}

/// How long each phase of a run took, in order.
#[derive(Debug, Clone, Default)]
pub struct Phases {
    /// Name and duration.
    pub done: Vec<(&'static str, Duration)>,
}

impl Phases {
    /// Runs one phase, tells when it begins and ends, and keeps its duration.
    pub async fn run<T>(&mut self, events: &Events, name: &'static str, work: impl Future<Output = T>) -> T {
        events.send(What::PhaseBegan(name));
        let begin = Instant::now();
        let result = work.await;
        let took = begin.elapsed();
        events.send(What::PhaseEnded(name, took));
        self.done.push((name, took));
        result
    }
}
