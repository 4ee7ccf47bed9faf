//! Starts what the place itself is asked: files, processes, names. Does input and output.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use super::{LOOKUP_TIMEOUTS, place};
use crate::dns::observation::{Observation, ProbeError, Transport, Trouble};
use crate::dns::plan::ProbePlan;

/// Open files that a program started for a lookup needs.
const FOR_LOOKUP: u32 = 4;

/// Starts what the place itself is asked.
pub(super) fn start(
    plan: &ProbePlan,
    turns: &Arc<Semaphore>,
    tell: &UnboundedSender<Observation>,
    tasks: &mut JoinSet<()>,
) {
    let wait = Duration::from_millis(plan.timeout_ms.saturating_mul(LOOKUP_TIMEOUTS));
    let send = |plan: &ProbePlan, tell: &UnboundedSender<Observation>, mut observation: Observation| {
        observation.round = plan.round;
        // Nobody listens any more when the round was given up.
        let _ = tell.send(observation);
    };
    let brief = ProbePlan { questions: Vec::new(), ..plan.clone() };
    for name in plan.lookups.clone() {
        let (brief, turns, tell) = (brief.clone(), turns.clone(), tell.clone());
        tasks.spawn(async move {
            let Ok(_turn) = turns.acquire_many(FOR_LOOKUP).await else { return };
            let observation = place::lookup(&brief.vantage, &name, wait).await;
            send(&brief, &tell, observation);
        });
    }
    if plan.files.is_empty() && plan.processes.is_empty() {
        return;
    }
    let (turns, tell) = (turns.clone(), tell.clone());
    tasks.spawn(async move {
        let Ok(_turn) = turns.acquire_many(2).await else { return };
        let read = brief.clone();
        let all = match timeout(wait, spawn_blocking(move || facts(&read))).await {
            Ok(Ok(all)) => all,
            _ => unread(&brief),
        };
        for observation in all {
            send(&brief, &tell, observation);
        }
    });
}

/// Files and processes.
fn facts(plan: &ProbePlan) -> Vec<Observation> {
    let files = plan.files.iter().flat_map(|path| place::file(&plan.vantage, path));
    files.chain(plan.processes.iter().flat_map(|program| place::processes(&plan.vantage, program))).collect()
}

/// The same where the place does not give them in time.
fn unread(plan: &ProbePlan) -> Vec<Observation> {
    let files = plan.files.iter().map(|path| (path, "FILE", Transport::File));
    let processes = plan.processes.iter().map(|program| (program, "PROCESS", Transport::Process));
    let silent = |(name, kind, transport): (&String, &str, Transport)| {
        let mut observation = Observation::blank(&plan.vantage, name, kind, transport);
        let detail = "it could not be read in time".to_owned();
        observation.error = Some(ProbeError { kind: Trouble::Timeout, detail });
        observation
    };
    files.chain(processes).map(silent).collect()
}
