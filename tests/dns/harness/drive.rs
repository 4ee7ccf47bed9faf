//! The walk itself: a session with a probe in each member, as `--vantage NAME=exec:PREFIX` opens it.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use lsdeploy::dns::chain::discover;
use lsdeploy::dns::classify::{Finding, classify};
use lsdeploy::dns::evidence::Evidence;
use lsdeploy::dns::plan::ProbePlan;
use lsdeploy::dns::rounds;
use lsdeploy::dns::vantage::Session;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::world::World;

/// How long a session may take to begin; this machine may be busy.
const WITHIN: Duration = Duration::from_secs(20);

/// Fills the evidence and judges it.
pub(super) fn drive(world: &World, evidence: &mut Evidence) -> Vec<Finding> {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(walk(world, evidence))
}

async fn walk(world: &World, evidence: &mut Evidence) -> Vec<Finding> {
    let mut opening = JoinSet::new();
    for (number, place) in evidence.places.clone().into_iter().enumerate() {
        let prefix = world.enter(&place.name).join(" ");
        opening.spawn(async move { (number, Session::behind(place, &prefix, &probe(), WITHIN).await.unwrap()) });
    }
    let mut sessions = opening.join_all().await;
    sessions.sort_by_key(|(number, _)| *number);
    let mut sessions = sessions.into_iter().map(|(_, session)| session).collect();
    let timeout = evidence.timeout_ms;
    let plans = evidence.places.iter().map(|place| rounds::survey(place, &evidence.targets, timeout)).collect();
    round(&mut sessions, plans, evidence).await;
    evidence.chain = discover::discover(evidence);
    discover::expect(evidence);
    round(&mut sessions, rounds::first(evidence), evidence).await;
    round(&mut sessions, rounds::second(evidence), evidence).await;
    for session in sessions {
        session.close().await;
    }
    classify(evidence)
}

async fn round(sessions: &mut Vec<Session>, plans: Vec<ProbePlan>, evidence: &mut Evidence) {
    let mut running = JoinSet::new();
    for (number, mut session) in std::mem::take(sessions).into_iter().enumerate() {
        let plan = plans.iter().find(|plan| plan.vantage == session.place().name).cloned().unwrap_or_default();
        running.spawn(async move {
            let seen = session.run(&plan).await.unwrap();
            (number, session, seen)
        });
    }
    let mut ended = running.join_all().await;
    ended.sort_by_key(|(number, ..)| *number);
    for (_, session, seen) in ended {
        evidence.observations.extend(seen);
        sessions.push(session);
    }
}

/// The probe that cargo built beside this, unless another is named: the static one.
fn probe() -> PathBuf {
    env::var_os("LSDEPLOY_TEST_PROBE").map_or_else(|| env!("CARGO_BIN_EXE_lsdeploy-dns-probe").into(), PathBuf::from)
}
