//! Starts the questions of a plan.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::asked::Asked;
use super::{message, tcp, udp};
use crate::dns::observation::{Observation, ProbeError, Transport, Trouble};
use crate::dns::plan::{ProbePlan, Question, Source};

/// Starts the questions: those that share a socket in one task, each other one in its own.
pub(super) fn start(
    plan: &ProbePlan,
    turns: &Arc<Semaphore>,
    tell: &UnboundedSender<Observation>,
    tasks: &mut JoinSet<()>,
) {
    let round = Instant::now();
    let mut shared: BTreeMap<(Source, bool), Vec<Asked>> = BTreeMap::new();
    for (index, question) in plan.questions.iter().enumerate() {
        let Some(asked) = prepared(plan, question, index, round, tell) else { continue };
        match (question.transport, question.source) {
            (Transport::Tcp, source) => {
                let turns = turns.clone();
                let port = if let Source::Port(port) = source { Some(port) } else { None };
                tasks.spawn(async move {
                    sleep_until(asked.due).await;
                    let Ok(_turn) = turns.acquire().await else { return };
                    tcp::ask(asked, port).await;
                });
            }
            (_, Source::Any) => together(vec![asked], None, false, turns, tasks),
            (_, source) => shared.entry((source, question.server.is_ipv6())).or_default().push(asked),
        }
    }
    for ((source, _), mut questions) in shared {
        questions.sort_by_key(|asked| asked.due);
        let port = if let Source::Port(port) = source { Some(port) } else { None };
        together(questions, port, true, turns, tasks);
    }
}

fn together(questions: Vec<Asked>, port: Option<u16>, shared: bool, turns: &Arc<Semaphore>, tasks: &mut JoinSet<()>) {
    let turns = turns.clone();
    let due = questions.first().map(|asked| asked.due);
    tasks.spawn(async move {
        if let Some(due) = due {
            sleep_until(due).await;
        }
        let Ok(_turn) = turns.acquire().await else { return };
        udp::ask(questions, port, shared).await;
    });
}

/// A question with its message. One that cannot be asked is told at once.
fn prepared(
    plan: &ProbePlan,
    question: &Question,
    index: usize,
    round: Instant,
    tell: &UnboundedSender<Observation>,
) -> Option<Asked> {
    let mut observation = blank(plan, question);
    let id = id(index);
    let packet = match question.transport {
        Transport::Udp | Transport::Tcp => message::encode(question, id),
        _ => Err("a question goes by `udp` or `tcp`".to_owned()),
    };
    match packet {
        Ok(packet) => Some(Asked {
            question: question.clone(),
            packet,
            id,
            due: round + Duration::from_millis(question.after_ms),
            observation,
            wait: Duration::from_millis(question.timeout_ms.unwrap_or(plan.timeout_ms)),
            round,
            sent: round,
            suspicion: None,
            tell: tell.clone(),
        }),
        Err(detail) => {
            observation.error = Some(ProbeError { kind: Trouble::Other, detail });
            let _ = tell.send(observation);
            None
        }
    }
}

/// The observation of a question before anything came.
pub(super) fn blank(plan: &ProbePlan, question: &Question) -> Observation {
    let name = match question.name.strip_suffix('.') {
        Some(inner) if !inner.is_empty() => inner,
        _ => &question.name,
    };
    let mut observation = Observation::blank(&plan.vantage, name, &question.kind, question.transport);
    observation.hop.clone_from(&question.hop);
    observation.server = Some(question.server);
    observation.chaos = question.chaos;
    observation.edns = message::offered(question);
    observation.dnssec = question.dnssec;
    observation.checking_disabled = question.checking_disabled;
    observation.group = if let Source::Group(group) = question.source { Some(group) } else { None };
    observation.round = plan.round;
    observation
}

/// An id that cannot be guessed, another one for each question of a plan.
fn id(index: usize) -> u16 {
    thread_local! {
        static START: u64 = RandomState::new().build_hasher().finish();
    }
    let start = START.with(|start| *start);
    u16::try_from((start.wrapping_add(index as u64)) & 0xffff).unwrap_or_default()
}
