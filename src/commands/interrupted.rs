//! What a signal that ends a run leaves behind: smoke tests take back what they made, and the rest is said.

use std::time::Duration;

use super::{Outcome, ended_by_signal};
use crate::cli::{Command, TargetName};
use crate::error::{CommandError, Result};
use crate::exit::ExitStatus;
use crate::smoke::Stop;

/// How long smoke tests may take to tidy up after a signal.
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
pub(super) enum Tidied {
    /// There were none.
    Nothing,
    /// They took back what they had made, but for these.
    But(Vec<String>),
    /// They were not done in time, or a second signal came.
    Cut,
}

/// Has smoke runs take back what they make; ends with them, with the next signal, or when it takes too long.
pub(super) async fn wind_down(stop: &Stop, work: impl Future<Output = Result<Outcome>>) -> Tidied {
    if !stop.is_running() {
        return Tidied::Nothing;
    }
    stop.ask();
    tokio::select! {
        ended = tokio::time::timeout(TIDY, work) => match ended {
            Ok(_) => Tidied::But(stop.left()),
            Err(_) => Tidied::Cut,
        },
        _ = ended_by_signal() => Tidied::Cut,
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
