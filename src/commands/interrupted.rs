//! What a signal that ends a run leaves behind: smoke tests take back what they made, and the rest is said.

use std::time::Duration;

use super::{Outcome, ended_by_signal};
use crate::cli::{Command, TargetName};
use crate::cluster::Gate;
use crate::cluster::lock::Locks;
use crate::error::{CommandError, Result};
use crate::exit::ExitStatus;
use crate::smoke::Stop;

/// How long smoke tests may take to tidy up after a signal, and writes to come to their end.
const TIDY: Duration = Duration::from_secs(5);

/// What a command was about to change when a signal came.
pub(super) struct Change {
    verb: &'static str,
    envs: String,
    target: TargetName,
}

impl Change {
    /// Nothing for commands that only look.
    pub(super) fn of(command: &Command, target: TargetName) -> Option<Self> {
        let (verb, envs) = match command {
            Command::Up(args) => ("up", args.envs.envs.join(", ")),
            Command::Down(args) => ("down", args.envs.join(", ")),
            Command::Gc => ("down", "environments".to_owned()),
            _ => return None,
        };
        Some(Self { verb, envs, target })
    }

    /// `writes`: how many objects were written, or processes about to be started or ended.
    fn done(&self, writes: usize) -> String {
        let envs = &self.envs;
        match (writes, self.target, self.verb) {
            (0, ..) => "nothing was written".to_owned(),
            (_, TargetName::Local, "up") => {
                format!("{envs} may be there already, and what was started goes on running")
            }
            (_, TargetName::Local, _) => format!("{envs} may be gone in part"),
            (1, TargetName::Cluster, _) => "1 object was written or deleted before".to_owned(),
            (many, TargetName::Cluster, _) => format!("{many} objects were written or deleted before"),
        }
    }
}

/// The error with which an interrupted run ends.
pub(super) fn interrupted(ended: ExitStatus, change: Option<&Change>, writes: usize) -> CommandError {
    let signal = if ended == ExitStatus::Interrupted { "SIGINT" } else { "SIGTERM" };
    let Some(change) = change else { return CommandError::new(format!("ended by {signal}")) };
    let error = CommandError::new(format!("ended by {signal}: {}", change.done(writes)));
    match (writes, change.verb) {
        (0, _) | (_, "down") => error.hint("run the same command again to go on"),
        _ => error.hint("run the same command again to go on, or `lsdeploy down` to remove what is there"),
    }
}

/// What became of the smoke runs that a signal ended.
#[derive(Debug)]
pub(super) enum Tidied {
    /// There were none.
    Nothing,
    /// They took back what they had made, but for these.
    But(Vec<String>),
    /// They were not done in time, or a second signal came.
    Cut,
}

/// What has to come to its end after a signal.
pub(super) struct Winding {
    /// Smoke runs, which take back what they made.
    pub(super) stop: Stop,
    /// Writes under way, whose answers say what was written.
    pub(super) gate: Gate,
    /// Locks, which the next run would have to wait for.
    pub(super) locks: Locks,
}

impl Winding {
    /// Lets everything come to its end; the next signal, or time, cuts it off.
    pub(super) async fn down(&self, work: impl Future<Output = Result<Outcome>> + Unpin) -> Tidied {
        let tidied = self.quiet(work, ended_by_signal()).await;
        self.gate.open();
        tokio::select! {
            () = self.locks.release() => {}
            _ = ended_by_signal() => {}
        }
        tidied
    }

    /// Smoke runs and writes under way end, and no other write begins: another environment may be in the midst of its own.
    async fn quiet(
        &self,
        work: impl Future<Output = Result<Outcome>> + Unpin,
        again: impl Future<Output = ExitStatus>,
    ) -> Tidied {
        let is_running = self.stop.is_running();
        self.stop.ask();
        let quiet = async {
            tokio::select! {
                _ = work => {}
                _ = async { tokio::join!(self.gate.close(), self.stop.ended()) } => {}
            }
        };
        let in_time = tokio::select! {
            ended = tokio::time::timeout(TIDY, quiet) => ended.is_ok(),
            _ = again => false,
        };
        match (is_running, in_time) {
            (false, _) => Tidied::Nothing,
            (true, true) => Tidied::But(self.stop.left()),
            (true, false) => Tidied::Cut,
        }
    }
}

impl Tidied {
    /// Adds what is left to the error of the run.
    pub(super) fn explain(self, mut error: CommandError) -> CommandError {
        let clean = "`lsdeploy smoke --clean` removes what smoke tests left";
        match self {
            Self::Nothing => error,
            Self::But(left) if left.is_empty() => {
                error.message.push_str("; the smoke tests took back what they had made");
                error
            }
            Self::But(left) => {
                error.message = format!("{}; smoke tests left {}", error.message, left.join(", "));
                error.hint(clean)
            }
            Self::Cut => {
                error.message.push_str("; the smoke tests were cut off");
                error.hint(clean)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::FutureExt as _;

    use super::*;

    fn winding() -> Winding {
        Winding { stop: Stop::default(), gate: Gate::default(), locks: Locks::default() }
    }

    #[tokio::test]
    async fn a_second_signal_cuts_off_only_smoke_tests_that_there_are() {
        let winding = winding();
        let writing = winding.gate.enter().await;
        let again = || ready(ExitStatus::Interrupted);
        assert!(matches!(winding.quiet(pending(), again()).await, Tidied::Nothing));
        let _smoking = winding.stop.begin();
        assert!(matches!(winding.quiet(pending(), again()).await, Tidied::Cut));
        drop(writing);
    }

    #[tokio::test]
    async fn while_smoke_tests_tidy_up_nothing_new_is_written() {
        let winding = winding();
        let smoking = winding.stop.begin();
        let mut quiet = Box::pin(winding.quiet(pending(), pending()));
        assert!(quiet.as_mut().now_or_never().is_none());
        assert!(winding.gate.enter().now_or_never().is_none(), "another environment goes on being made");
        drop(smoking);
        assert!(matches!(quiet.await, Tidied::But(left) if left.is_empty()));
    }
}
