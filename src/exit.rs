//! Exit statuses, the same for every command.

use std::process::ExitCode;

/// How a run ended. Ordered from best to worst: with several environments the worst one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitStatus {
    /// 0: all well.
    Success,
    /// 1: the tool did its job and the answer is bad: still waiting, a check failed, changes found.
    Failure,
    /// 2: the tool could not do its job: bad input, missing rights, cluster not reachable.
    Error,
    /// 130: ended by SIGINT.
    Interrupted,
    /// 143: ended by SIGTERM.
    Terminated,
}

impl ExitStatus {
    /// The number the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Error => 2,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
