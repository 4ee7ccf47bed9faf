//! How a check ends: in time or not, asked to or not, and with everything taken back. Does network IO.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use tokio::time::timeout;

use super::Run;
use crate::finding::{Phase, code};
use crate::smoke::{cause::Cause, diagnose::Failure};

/// How long the cleaning up of a run that was asked to stop may take: somebody waits at a terminal.
const CLEANUP_AFTER_STOP: Duration = Duration::from_secs(3);

impl Run {
    /// Registers what takes back a step. It runs at the end, last registered first, whether the check passed or not;
    /// after a check that passed, it must succeed too. Register it before anything that can fail.
    pub(in crate::smoke) fn undo<T, C: Into<Cause>>(
        &mut self,
        name: &'static str,
        call: impl Future<Output = Result<T, C>> + Send + 'static,
    ) {
        self.undo.push((name, call.map(|outcome| outcome.map(drop).map_err(Into::into)).boxed()));
    }

    /// The step in progress ran out of the time of the whole run.
    pub(in crate::smoke) fn timed_out(&mut self) -> Failure {
        let (name, started) = self.current.take().unwrap_or(("start", self.started));
        self.record(name, started, false);
        let whole = self.shared.options.deadlines.whole;
        let phase = if self.shared.reached.any() { Phase::Api } else { Phase::Connect };
        Failure::new(
            phase,
            code::TIMED_OUT,
            format!("`{name}` was not done when the {whole:?} of the whole run were over"),
            "give it more time with `--timeout`, or fewer services with `--service`",
        )
    }

    /// The run was asked to stop: no step begins any more. A step in progress was let through, for what it makes must
    /// be known to be taken back.
    pub(in crate::smoke) fn go_on(&self, next: &str) -> Result<(), Failure> {
        if !self.options().stop.is_asked() {
            return Ok(());
        }
        let message = format!("stopped before `{next}`");
        Err(Failure::new(Phase::Api, code::INTERRUPTED, message, "run it again: nothing is known to be wrong"))
    }

    /// The step in progress did not end in time after the run was asked to stop.
    pub(in crate::smoke) fn cut(&mut self) -> Failure {
        let (name, started) = self.current.take().unwrap_or(("start", self.started));
        self.record(name, started, false);
        Failure::new(Phase::Api, code::INTERRUPTED, format!("stopped in `{name}`"), "run it again")
    }

    /// Runs the undo steps, all of them; the first failure counts.
    pub(in crate::smoke) async fn clean_up(&mut self) -> Result<(), Failure> {
        let stop = self.options().stop.clone();
        let limit = if stop.is_asked() { CLEANUP_AFTER_STOP } else { self.options().deadlines.cleanup };
        let ends = Instant::now() + limit;
        let mut result = Ok(());
        while let Some((name, call)) = self.undo.pop() {
            let started = self.begin(name);
            let left = ends.saturating_duration_since(started);
            let outcome = match timeout(left, call).await {
                Ok(outcome) => outcome.map_err(|cause| self.diagnose(name, &cause)),
                Err(_) => Err(left_behind(name, &self.name())),
            };
            self.record(name, started, outcome.is_ok());
            if outcome.is_err() && stop.is_asked() {
                stop.leave(&self.name());
            }
            result = result.and(outcome);
        }
        result
    }
}

fn left_behind(operation: &str, name: &str) -> Failure {
    Failure::new(
        Phase::Api,
        code::TIMED_OUT,
        format!("no time was left for `{operation}`: `{name}` is left behind in the emulator"),
        "`lsdeploy smoke --clean` removes it",
    )
}
