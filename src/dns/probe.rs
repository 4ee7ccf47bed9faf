//! Carries out a plan at the place where it runs: the only part of `dns` that opens sockets and files.
//!
//! ```text
//! ProbePlan (a line of JSON) -> all questions at once, one try each -> observations (a line each), {"done": N}
//! ```

mod ask;
mod asked;
mod message;
mod place;
mod records;
mod reports;
mod socket;
mod survey;
mod tcp;
mod udp;

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::observation::Observation;
use super::plan::ProbePlan;

pub(crate) use self::asked::milliseconds;
pub(crate) use self::place::{addresses, open_files_limit};
pub(crate) use self::reports::Reports;

/// The C library tries more than once, and more than one name: it may take as many time-outs.
pub(crate) const LOOKUP_TIMEOUTS: u64 = 3;

/// A line of the probe's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Line {
    /// The round has ended, after so many observations.
    Done { done: usize },
    /// The plan could not be read.
    Refused { refused: String },
    /// Something was observed.
    Seen(Box<Observation>),
}

/// The program `lsdeploy-dns-probe`: plans on standard input, a line each; observations on standard output.
///
/// With `--delete` its file is deleted once it runs: where there is no shell, nobody else would do it.
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "--delete") {
        // The program goes on without its file; where that cannot be, the file stays.
        let _ = std::env::current_exe().and_then(fs::remove_file);
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let mut reports = Reports::default();
    let ended = io::stdin().lines().map_while(Result::ok).try_for_each(|line| round(&runtime, &mut reports, &line));
    // A file that cannot be read in time may hold a thread for ever.
    runtime.shutdown_background();
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One plan. The error: nobody reads any more.
fn round(runtime: &tokio::runtime::Runtime, reports: &mut Reports, line: &str) -> io::Result<()> {
    let plan: ProbePlan = match serde_json::from_str(line) {
        Ok(plan) => plan,
        Err(error) => return say(&Line::Refused { refused: error.to_string() }),
    };
    let (mut count, mut heard) = (0, Ok(()));
    runtime.block_on(run_after(reports, &plan, |observation| {
        count += 1;
        if heard.is_ok() {
            heard = say(&Line::Seen(Box::new(observation)));
        }
    }));
    heard.and_then(|()| say(&Line::Done { done: count }))
}

fn say(line: &Line) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Asks everything at once and hands over each observation as it comes. Ends when all is answered or its time is over.
///
/// Where few files may be open, questions wait for their turn; their time begins when they are sent.
pub async fn run(plan: &ProbePlan, each: impl FnMut(Observation)) {
    run_after(&mut Reports::default(), plan, each).await;
}

/// The same after earlier rounds, of which `reports` tells.
pub(crate) async fn run_after(reports: &mut Reports, plan: &ProbePlan, mut each: impl FnMut(Observation)) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let turns = Arc::new(Semaphore::new(room()));
    // Dropped with this future, which ends them all.
    let mut tasks = JoinSet::new();
    survey::start(plan, &turns, &tell, &mut tasks);
    ask::start(plan, &turns, &tell, &mut tasks);
    drop(tell);
    while let Some(observation) = told.recv().await {
        each(reports.complete(observation));
    }
}

/// How many sockets may be open at once.
fn room() -> usize {
    let limit = fs::read_to_string("/proc/self/limits").ok().and_then(|limits| open_files_limit(&limits));
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1024);
    let open = fs::read_dir("/proc/self/fd").map_or(16, Iterator::count);
    // A quarter is left to the rest of the program.
    (limit.saturating_sub(open) / 4 * 3).clamp(8, 512)
}

#[cfg(test)]
pub(super) mod tests;
