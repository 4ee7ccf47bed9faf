//! Results and events in, text out. The only place that writes to standard output and standard error.

mod colour;
pub mod diff;
pub mod dns;
pub mod files;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod life;
mod markup;
pub mod orphans;
mod page;
pub mod preflight;
mod progress;
mod run;
pub mod scc;
mod table;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::endpoints::Endpoint;
use crate::environment::Environment;
use crate::error::{CommandError, Result};
use crate::events::{Event, Phases, What};
use crate::exit::ExitStatus;
use crate::finding::Finding;
use crate::manifest::ObjectId;
use crate::rights::Preflight;
use crate::smoke::{ServiceResult, Target};
pub use run::Run;

/// How much is said while a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Results and errors only.
    Quiet,
    /// Phases and what is in the way.
    Normal,
    /// Every object and every check.
    Verbose,
}

/// How a run is shown.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// How much is said.
    pub level: Level,
    /// Several environments: lines begin with the environment's name.
    pub many: bool,
}

/// What a run of `dns-debug` came to: the source of its text, its JSON and its page.
#[derive(Debug, Clone)]
pub struct DnsRun {
    /// Everything that was asked.
    pub evidence: crate::dns::evidence::Evidence,
    /// What it means.
    pub findings: Vec<crate::dns::classify::Finding>,
    /// It was saved, who knows when.
    pub is_saved: bool,
}

/// What became of one environment: the source of the table and of the JSON.
#[derive(Debug, Clone)]
pub struct EnvReport {
    /// The environment.
    pub env: String,
    /// Its namespace, on a cluster.
    pub namespace: Option<String>,
    /// What it is on this machine, without a cluster.
    pub machine: Option<Machine>,
    /// Its emulator.
    pub emulator: String,
    /// The image as asked for, on a cluster.
    pub image: Option<String>,
    /// The digest that runs.
    pub digest: Option<String>,
    /// The SCC that the pod got.
    pub scc: Option<String>,
    /// Who may change what is in its namespace, besides those who may anyway.
    pub owner: Option<String>,
    /// Who reaches it, on a cluster.
    pub access: Option<Access>,
    /// Its endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Its objects and what was done with them.
    pub objects: Vec<(ObjectId, &'static str)>,
    /// How long each phase took.
    pub phases: Phases,
    /// The checks, where they ran.
    pub smoke: Option<Vec<ServiceResult>>,
    /// What keeps it from serving, with the cluster's own words.
    pub stuck: Option<(Finding, Vec<String>)>,
    /// Why it could not be applied.
    pub error: Option<CommandError>,
    /// What the caller may do, as far as it was asked.
    pub preflight: Option<Preflight>,
    /// Worth knowing, wrong or not.
    pub notes: Vec<String>,
    /// How it ended.
    pub status: ExitStatus,
    /// The run, as the user agent in the cluster's audit log names it.
    pub run_id: String,
}

/// Who reaches the Routes of an environment.
#[derive(Debug, Clone)]
pub struct Access {
    /// The address ranges that the router lets in; none is everybody.
    pub allow_from: Vec<String>,
    /// Labels by which a router chooses its Routes.
    pub route_labels: BTreeMap<String, String>,
    /// Where the router is: its address, or the domain that it serves.
    pub router: String,
}

/// What an environment of this machine has in place of a cluster's objects.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The emulator with its release, or the URL of one that is not ours.
    pub emulator: String,
    /// What was done with its processes: `create`, `update` or `unchanged`.
    pub action: &'static str,
    /// Where the router listens.
    pub port: u16,
    /// The supervisor, which is the router too.
    pub supervisor: Option<u32>,
    /// The emulator's process, where it is ours.
    pub process: Option<u32>,
    /// How often it was started again after it had ended.
    pub restarts: u32,
    /// The emulator's log, where it is ours.
    pub log: Option<PathBuf>,
}

impl EnvReport {
    /// A report of an environment about which nothing is known yet.
    pub fn of(environment: &Environment, run_id: &str) -> Self {
        Self {
            namespace: Some(environment.namespace.to_string()),
            emulator: environment.profile.name.clone(),
            image: Some(environment.image.as_str().to_owned()),
            owner: environment.owner.as_ref().map(ToString::to_string),
            access: Some(Access {
                allow_from: environment.allow_from.clone(),
                route_labels: environment.route_labels.clone(),
                router: format!("*.{}", environment.apps_domain),
            }),
            ..Self::blank(environment.name.as_str(), run_id)
        }
    }

    /// A report of an emulator that is known by its URL alone.
    pub fn of_url(url: &str, targets: &[Target], run_id: &str) -> Self {
        let endpoint = |target: &Target| Endpoint { service: target.service.clone(), url: target.url.clone() };
        Self { endpoints: targets.iter().map(endpoint).collect(), ..Self::blank(url, run_id) }
    }

    fn blank(env: &str, run_id: &str) -> Self {
        Self {
            env: env.to_owned(),
            namespace: None,
            machine: None,
            emulator: String::new(),
            image: None,
            digest: None,
            scc: None,
            owner: None,
            access: None,
            endpoints: Vec::new(),
            objects: Vec::new(),
            phases: Phases::default(),
            smoke: None,
            stuck: None,
            error: None,
            preflight: None,
            notes: Vec::new(),
            status: ExitStatus::Success,
            run_id: run_id.to_owned(),
        }
    }

    /// The router's address is known.
    pub fn reached_by(&mut self, router: Option<&str>) {
        if let (Some(access), Some(router)) = (&mut self.access, router) {
            router.clone_into(&mut access.router);
        }
    }

    /// It was applied, and nothing is known of it since.
    pub fn lose_sight(&mut self, error: CommandError) {
        self.error = Some(error);
        self.status = self.status.max(ExitStatus::Failure);
    }

    /// It could not be applied.
    pub fn fail(&mut self, error: CommandError) {
        self.error = Some(error);
        self.status = ExitStatus::Error;
    }
}

/// How a run ended, in a few words, for the record.
pub fn result(report: &EnvReport) -> &'static str {
    run::state(report)
}

/// Writes events to standard error as they come.
pub struct Reporter {
    task: JoinHandle<Told>,
}

/// What a run told on its way.
#[derive(Debug, Default)]
pub struct Told {
    /// How many objects were written or deleted, or were about to be.
    pub writes: usize,
    /// What is worth knowing once the results stand there, by environment; nothing where only results are wanted.
    advice: BTreeMap<String, Vec<String>>,
}

impl Reporter {
    /// Starts to read events; ends when every sender is gone.
    pub fn start(mut receiver: mpsc::UnboundedReceiver<Event>, style: Style) -> Self {
        let mut display = progress::Display::new(style, io::stderr().is_terminal());
        let task = tokio::spawn(async move {
            let mut told = Told::default();
            while let Some(event) = receiver.recv().await {
                told.writes += usize::from(matches!(event.what, What::Object(..) | What::Process(_) | What::Begun));
                match &event.what {
                    What::Advice(lines) if style.level != Level::Quiet => {
                        told.advice.entry(event.env.clone()).or_default().push(lines.clone());
                    }
                    _ => display.show(&event),
                }
            }
            display.finish();
            told
        });
        Self { task }
    }

    /// Waits until everything is written.
    pub async fn finish(self) -> Told {
        self.task.await.unwrap_or_default()
    }
}

impl Told {
    /// Writes the advice to standard error, after everything else, in the order of the environments' names. Several of them may
    /// have a line in common.
    pub fn print_advice(&self) {
        let mut told = BTreeSet::new();
        for line in self.advice.values().flatten().flat_map(|lines| lines.lines()).filter(|line| told.insert(*line)) {
            print_problems(&format!("{line}\n"));
        }
    }
}

/// An environment of this machine, in a list.
#[derive(Debug, Clone)]
pub struct ListedLocal {
    /// Its name.
    pub env: String,
    /// Its emulator.
    pub emulator: String,
    /// Its gateway.
    pub url: String,
    /// `ready`, `starting`, `init-failed`, `crash-loop` or `stopped`; `damaged` where its record cannot be read.
    pub state: &'static str,
    /// When it was made (RFC 3339).
    pub created: String,
}

/// An environment that is gone, but for what is left.
#[derive(Debug, Clone, Default)]
pub struct Removed {
    /// Its name.
    pub env: String,
    /// Where it was, or was looked for; none on this machine.
    pub namespace: Option<String>,
    /// How many objects were deleted; those that went with a namespace do not count.
    pub deleted: usize,
    /// Its namespace is none of the caller's projects.
    pub out_of_sight: bool,
    /// What the caller may not delete.
    pub left: Vec<ObjectId>,
    /// What may be left: the caller may not see it.
    pub unseen: Vec<ObjectId>,
}

/// What `down` says of environments that are gone.
pub fn removed(removed: &[Removed], format: crate::cli::OutputFormat) -> String {
    match format {
        crate::cli::OutputFormat::Json => json::removed(removed),
        crate::cli::OutputFormat::Text => removed.iter().map(text::removed).collect(),
    }
}

/// Who reads standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Somebody.
    There,
    /// Nobody any more (`| head`): that is no failure, and there is no use in writing more.
    Gone,
}

/// Writes results to standard output.
pub fn print(text: &str) -> Result<Reader> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// What became of text for standard output.
pub fn written(outcome: io::Result<()>) -> Result<Reader> {
    match outcome {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(CommandError::new(format!("cannot write the results to standard output: {error}"))
            .hint("free some space there, or send them somewhere else; what was done stays done")),
    }
}

/// Writes an error and its hints to standard error.
pub fn print_error(error: &CommandError, colour: bool) {
    let mut out = io::stderr().lock();
    let _ = out.write_all(text::error(error, colour).as_bytes());
}

/// Writes what is wrong, already formatted, to standard error.
pub fn print_problems(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
