//! What a supervisor says while it runs: a record, no IO.

use serde::{Deserialize, Serialize};

use super::processes::Process;

/// What the supervisor says of itself and of the emulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// The supervisor, which is the router too.
    pub supervisor: Process,
    /// The emulator, where it is ours and runs.
    pub emulator: Option<Process>,
    /// Where the emulator listens: `host:port`.
    pub address: Option<String>,
    /// How far it is.
    pub stage: Stage,
    /// How often the emulator was started again after it had ended.
    pub restarts: u32,
    /// How it ended the last time.
    pub last_end: Option<String>,
}

/// How far an environment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "stage", content = "why")]
pub enum Stage {
    /// The emulator does not answer yet.
    Starting,
    /// It answers, and the scripts of `--init` run.
    Filling,
    /// It answers, and one of the scripts failed: what was said of it.
    InitFailed(String),
    /// It serves.
    Ready,
    /// It ends again and again; it is still started, at longer and longer intervals.
    CrashLoop,
    /// The supervisor gave up: why.
    Failed(String),
}
