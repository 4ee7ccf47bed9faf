//! The walk itself: a session with a probe in each member, as `--vantage NAME=exec:PREFIX` opens it.

use std::env;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lsdeploy::dns::classify::Finding;
use lsdeploy::dns::evidence::Evidence;
use lsdeploy::dns::vantage::Session;
use lsdeploy::dns::walk::{Depth, Progress, Walk};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::world::World;

/// How long a session may take to begin; this machine may be busy.
const WITHIN: Duration = Duration::from_secs(20);

/// How long the rounds took; the second is only asked where there are suspects.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) first: Duration,
    pub(crate) second: Option<Duration>,
}

/// Fills the evidence and judges it.
pub(super) fn drive(world: &World, evidence: &mut Evidence) -> (Vec<Finding>, Times) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut walk = Walk::new(sessions(world, evidence).await);
        walk.survey(evidence).await;
        Walk::discover(evidence, None);
        let (start, mut second) = (Instant::now(), None);
        let mut tell = |progress: Progress<'_>| {
            if matches!(progress, Progress::Second { .. }) {
                second = Some(start.elapsed());
            }
        };
        let findings = walk.ask(evidence, Depth::Full, &mut tell).await;
        let all = start.elapsed();
        walk.close().await;
        let first = second.unwrap_or(all);
        (findings, Times { first, second: second.map(|first| all.saturating_sub(first)) })
    })
}

async fn sessions(world: &World, evidence: &Evidence) -> Vec<Session> {
    let mut opening = JoinSet::new();
    for (number, place) in evidence.places.clone().into_iter().enumerate() {
        let prefix = world.enter(&place.name).join(" ");
        opening.spawn(async move { (number, Session::behind(place, &prefix, &probe(), WITHIN).await.unwrap()) });
    }
    let mut sessions = opening.join_all().await;
    sessions.sort_by_key(|(number, _)| *number);
    sessions.into_iter().map(|(_, session)| session).collect()
}

/// The probe that cargo built beside this, unless another is named: the static one.
pub(crate) fn probe() -> PathBuf {
    env::var_os("LSDEPLOY_TEST_PROBE").map_or_else(|| env!("CARGO_BIN_EXE_lsdeploy-dns-probe").into(), PathBuf::from)
}
