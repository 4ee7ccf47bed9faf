//! Sessions with probes: here, behind a command's prefix, or over any pair of streams. A plan goes in, observations come out.
//!
//! ```text
//! PREFIX sh <- script -> "ready" <- the probe -> "placed" <- plan -> observations, plan -> observations, ... end of input
//! ```
//!
//! Where no probe can run, the place's own programs do what they can: [`Stage`] says what was used.
//!
//! Whoever ends the session, and however, ends the probe's input; with that the probe ends, and its file is deleted.

mod command;
mod commands;
mod dig;
mod handshake;
mod lines;
mod script;
mod stage;

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::time::{Instant, timeout, timeout_at};

use self::commands::Commands;
use self::lines::{Lines, Tail};
pub use self::stage::Stage;
use super::chain::Place;
use super::observation::Observation;
use super::plan::ProbePlan;
use super::probe::{self, LOOKUP_TIMEOUTS, Line, Reports};

/// A probe must say something for this long after its slowest question is over.
const GRACE: Duration = Duration::from_secs(5);
/// Where few files may be open, so many questions are asked at a time.
const FEWEST_AT_ONCE: u64 = 8;
/// How long a probe may take to end.
const ENDING: Duration = Duration::from_secs(2);

/// A vantage could not be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("vantage `{place}`: {message}")]
pub struct VantageError {
    /// The vantage's name.
    pub place: String,
    /// What was attempted and why it failed.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// What was observed before it failed.
    pub seen: Vec<Observation>,
}

impl VantageError {
    fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.name.clone(), message: message.into(), hint: None, seen: Vec::new() }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The two or three streams of a shell that reads commands from its standard input (`sh` without arguments).
pub struct Streams {
    /// Its standard input.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// Its standard output.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// Its standard error, where that is to be had.
    pub errors: Option<Box<dyn AsyncRead + Send + Unpin>>,
}

/// A probe at a vantage.
pub struct Session {
    place: Place,
    /// `None`: in this process.
    remote: Option<Remote>,
    /// What this process knows of servers, when it asks itself.
    reports: Reports,
}

/// The other end.
struct Remote {
    input: Box<dyn AsyncWrite + Send + Unpin>,
    lines: Lines,
    errors: Tail,
    /// What is done there in place of the probe, where that cannot run.
    commands: Option<Commands>,
    /// How it is reached, for people.
    how: String,
    /// The local end of it, where that is a program.
    child: Option<Child>,
    /// After a failure, what comes does not belong to what was asked.
    broken: bool,
}

impl Session {
    /// A session in this process.
    pub fn here(place: Place) -> Self {
        Self { place, remote: None, reports: Reports::default() }
    }

    /// A session with the probe behind a command's prefix: `ip netns exec pod`, `ssh core@node1`.
    ///
    /// The prefix is split as a shell would, and must run what follows it, with its standard input: here, `sh`. The program
    /// `probe` is sent there. All of this ends `within` that time.
    pub async fn behind(place: Place, prefix: &str, probe: &Path, within: Duration) -> Result<Self, VantageError> {
        let deadline = Instant::now() + within;
        let program = command::read_probe(&place, probe).await?;
        let (streams, child) = command::start(&place, prefix)?;
        Self::begin(place, streams, program, prefix.to_owned(), Some(child), deadline).await
    }

    /// The same over the streams of a shell that was started by other means, as by the exec API of a cluster.
    pub async fn over(place: Place, streams: Streams, probe: Vec<u8>, within: Duration) -> Result<Self, VantageError> {
        let (how, deadline) = (place.how.clone(), Instant::now() + within);
        Self::begin(place, streams, probe, how, None, deadline).await
    }

    /// The same over the streams of a probe that runs already. It must say `within` that time that it does.
    pub async fn with(place: Place, streams: Streams, within: Duration) -> Result<Self, VantageError> {
        let remote = Some(Remote::new(streams, place.how.clone(), None));
        let mut session = Self { place, remote, reports: Reports::default() };
        let plan = ProbePlan { vantage: session.place.name.clone(), ..ProbePlan::default() };
        match timeout(within, session.run(&plan)).await {
            Ok(Ok(_)) => Ok(session),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(VantageError::new(&session.place, "the probe says nothing")),
        }
    }

    async fn begin(
        place: Place,
        streams: Streams,
        program: Vec<u8>,
        how: String,
        child: Option<Child>,
        deadline: Instant,
    ) -> Result<Self, VantageError> {
        let mut remote = Remote::new(streams, how, child);
        match handshake::place(&place, &mut remote, &program, deadline).await {
            Ok(commands) => {
                remote.commands = commands;
                Ok(Self { place, remote: Some(remote), reports: Reports::default() })
            }
            Err(error) => {
                remote.end().await;
                Err(error)
            }
        }
    }

    /// The place.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What is used there, and what cannot be seen with it.
    pub fn stage(&self) -> Stage {
        match &self.remote {
            None => Stage::Here,
            Some(Remote { commands: Some(commands), .. }) => commands.stage(),
            Some(_) => Stage::Probe,
        }
    }

    /// Carries out a plan there. Ends at the latest some seconds after the plan's time-outs.
    pub async fn run(&mut self, plan: &ProbePlan) -> Result<Vec<Observation>, VantageError> {
        match &mut self.remote {
            None => here(&self.place, &mut self.reports, plan).await,
            Some(remote) => remote.run(&self.place, plan).await,
        }
    }

    /// Ends the probe; nothing is left there.
    pub async fn close(self) {
        if let Some(mut remote) = self.remote {
            remote.end().await;
        }
    }
}

async fn here(place: &Place, reports: &mut Reports, plan: &ProbePlan) -> Result<Vec<Observation>, VantageError> {
    let mut seen = Vec::new();
    let whole = timeout(longest(plan).1, probe::run_after(reports, plan, |observation| seen.push(observation))).await;
    match whole {
        Ok(()) => Ok(seen),
        Err(_) => Err(VantageError { seen, ..VantageError::new(place, "the probe did not end in time") }),
    }
}

impl Remote {
    fn new(streams: Streams, how: String, child: Option<Child>) -> Self {
        let errors = streams.errors.map_or_else(Tail::default, Tail::of);
        Self {
            input: streams.input,
            lines: Lines::new(streams.output),
            errors,
            commands: None,
            how,
            child,
            broken: false,
        }
    }

    async fn run(&mut self, place: &Place, plan: &ProbePlan) -> Result<Vec<Observation>, VantageError> {
        if self.broken {
            return Err(VantageError::new(place, format!("the probe behind `{}` was lost before", self.how)));
        }
        self.broken = true;
        let mut seen = Vec::new();
        let outcome = match &self.commands {
            None => self.exchange(plan, &mut seen).await,
            Some(commands) => {
                commands.clone().run(plan, &mut self.input, &mut self.lines, &mut seen).await.map(|()| None)
            }
        };
        let error = match outcome {
            Ok(None) => {
                self.broken = false;
                return Ok(seen);
            }
            Ok(Some(refused)) => VantageError::new(place, format!("the probe does not understand the plan: {refused}"))
                .hint("the probe and lsdeploy must be of one version: `--probe PATH` names the probe"),
            Err(why) => {
                let why = self.why(&why).await;
                VantageError::new(place, format!("the probe behind `{}` was lost: {why}", self.how))
            }
        };
        Err(VantageError { seen, ..error })
    }

    /// Sends a plan and takes what comes, until the round ends. `Some`: the probe refuses the plan.
    async fn exchange(&mut self, plan: &ProbePlan, seen: &mut Vec<Observation>) -> Result<Option<String>, String> {
        let (idle, total) = longest(plan);
        let end = Instant::now() + total;
        let mut line = serde_json::to_vec(plan).map_err(|error| error.to_string())?;
        line.push(b'\n');
        let sent = timeout_at(end, async {
            self.input.write_all(&line).await?;
            self.input.flush().await
        });
        sent.await.map_err(|_| "it takes no plan".to_owned())?.map_err(|error| error.to_string())?;
        loop {
            let until = end.min(Instant::now() + idle);
            let line = timeout_at(until, self.lines.next()).await.map_err(|_| "it fell silent".to_owned())??;
            // Other lines are words of the way there.
            match serde_json::from_slice(&line) {
                Ok(Line::Seen(observation)) => seen.push(*observation),
                Ok(Line::Done { .. }) => return Ok(None),
                Ok(Line::Refused { refused }) => return Ok(Some(refused)),
                Err(_) => {}
            }
        }
    }

    /// Why the other end is gone: what it printed as it went, and its status.
    async fn why(&mut self, seen: &str) -> String {
        let status = match &mut self.child {
            Some(child) => timeout(ENDING, child.wait()).await.ok().and_then(Result::ok),
            None => None,
        };
        self.errors.ended().await;
        let said = self.errors.text();
        let status = status.map(|status| format!("; it ended with {status}")).unwrap_or_default();
        let said = if said.is_empty() { said } else { format!("; it printed: {said}") };
        format!("{seen}{status}{said}")
    }

    /// Ends the input, and with that the probe.
    async fn end(&mut self) {
        let ended = timeout(ENDING, async {
            let _ = self.input.shutdown().await;
            self.input = Box::new(tokio::io::sink());
            while self.lines.next().await.is_ok() {}
            if let Some(child) = &mut self.child {
                let _ = child.wait().await;
            }
        });
        // What takes longer is asked to end by `drop`.
        let _ = ended.await;
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // Not killed: the shell is to delete the probe's file.
        if let Some(child) = &self.child {
            command::end(child);
        }
    }
}

/// How long a probe may say nothing during this plan, and how long it may take in all.
fn longest(plan: &ProbePlan) -> (Duration, Duration) {
    let survey = plan.timeout_ms.saturating_mul(LOOKUP_TIMEOUTS);
    let question = plan
        .questions
        .iter()
        .map(|question| question.after_ms.saturating_add(question.timeout_ms.unwrap_or(plan.timeout_ms)));
    let slowest = Duration::from_millis(question.chain([survey]).max().unwrap_or(survey));
    let count = u64::try_from(plan.questions.len() + plan.lookups.len()).unwrap_or(u64::MAX);
    let waves = u32::try_from(count.div_ceil(FEWEST_AT_ONCE) + 1).unwrap_or(u32::MAX);
    (slowest + GRACE, slowest.saturating_mul(waves) + GRACE)
}

#[cfg(test)]
pub(super) mod tests;
