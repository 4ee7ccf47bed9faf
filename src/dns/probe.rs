//! Carries out a plan at the place where it runs: the only part of `dns` that opens sockets and files.
//!
//! ```text
//! ProbePlan (a line of JSON) -> all questions at once, one try each -> observations (a line each), {"done": N}
//! ```

mod asked;
mod message;
mod place;
mod records;
mod socket;
mod tcp;
mod udp;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};

use self::asked::Asked;
use super::observation::{Observation, ProbeError, Transport, Trouble};
use super::plan::{ProbePlan, Question, Source};

pub(crate) use self::asked::milliseconds;
pub(crate) use self::place::{addresses, open_files_limit};

/// The C library tries more than once, and more than one name: it may take as many time-outs.
pub(crate) const LOOKUP_TIMEOUTS: u64 = 3;
/// Open files that a program started for a lookup needs.
const FOR_LOOKUP: u32 = 4;

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
pub fn main() -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let ended = io::stdin().lines().map_while(Result::ok).try_for_each(|line| round(&runtime, &line));
    // A file that cannot be read in time may hold a thread for ever.
    runtime.shutdown_background();
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One plan. The error: nobody reads any more.
fn round(runtime: &tokio::runtime::Runtime, line: &str) -> io::Result<()> {
    let plan: ProbePlan = match serde_json::from_str(line) {
        Ok(plan) => plan,
        Err(error) => return say(&Line::Refused { refused: error.to_string() }),
    };
    let (mut count, mut heard) = (0, Ok(()));
    runtime.block_on(run(&plan, |observation| {
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
pub async fn run(plan: &ProbePlan, mut each: impl FnMut(Observation)) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let turns = Arc::new(Semaphore::new(room()));
    // Dropped with this future, which ends them all.
    let mut tasks = JoinSet::new();
    survey(plan, &turns, &tell, &mut tasks);
    ask(plan, &turns, &tell, &mut tasks);
    drop(tell);
    let mut reports = Reports::default();
    while let Some(observation) = told.recv().await {
        each(reports.complete(observation));
    }
}

/// Starts what the place itself is asked.
fn survey(plan: &ProbePlan, turns: &Arc<Semaphore>, tell: &UnboundedSender<Observation>, tasks: &mut JoinSet<()>) {
    let wait = Duration::from_millis(plan.timeout_ms.saturating_mul(LOOKUP_TIMEOUTS));
    let send = |plan: &ProbePlan, tell: &UnboundedSender<Observation>, mut observation: Observation| {
        observation.round = plan.round;
        // Nobody listens any more when the round was given up.
        let _ = tell.send(observation);
    };
    let brief = ProbePlan { questions: Vec::new(), ..plan.clone() };
    for name in plan.lookups.clone() {
        let (brief, turns, tell) = (brief.clone(), turns.clone(), tell.clone());
        tasks.spawn(async move {
            let Ok(_turn) = turns.acquire_many(FOR_LOOKUP).await else { return };
            let observation = place::lookup(&brief.vantage, &name, wait).await;
            send(&brief, &tell, observation);
        });
    }
    if plan.files.is_empty() && plan.processes.is_empty() {
        return;
    }
    let (turns, tell) = (turns.clone(), tell.clone());
    tasks.spawn(async move {
        let Ok(_turn) = turns.acquire_many(2).await else { return };
        let read = brief.clone();
        let all = match timeout(wait, spawn_blocking(move || facts(&read))).await {
            Ok(Ok(all)) => all,
            _ => unread(&brief),
        };
        all.into_iter().for_each(|observation| send(&brief, &tell, observation));
    });
}

/// Files and processes.
fn facts(plan: &ProbePlan) -> Vec<Observation> {
    let files = plan.files.iter().flat_map(|path| place::file(&plan.vantage, path));
    files.chain(plan.processes.iter().flat_map(|program| place::processes(&plan.vantage, program))).collect()
}

/// The same where the place does not give them in time.
fn unread(plan: &ProbePlan) -> Vec<Observation> {
    let files = plan.files.iter().map(|path| (path, "FILE", Transport::File));
    let processes = plan.processes.iter().map(|program| (program, "PROCESS", Transport::Process));
    let silent = |(name, kind, transport): (&String, &str, Transport)| {
        let mut observation = Observation::blank(&plan.vantage, name, kind, transport);
        let detail = "it could not be read in time".to_owned();
        observation.error = Some(ProbeError { kind: Trouble::Timeout, detail });
        observation
    };
    files.chain(processes).map(silent).collect()
}

/// Starts the questions: those that share a socket in one task, each other one in its own.
fn ask(plan: &ProbePlan, turns: &Arc<Semaphore>, tell: &UnboundedSender<Observation>, tasks: &mut JoinSet<()>) {
    let round = Instant::now();
    let mut shared: BTreeMap<(Source, bool), Vec<Asked>> = BTreeMap::new();
    for (index, question) in plan.questions.iter().enumerate() {
        let Some(asked) = prepared(plan, question, index, round, tell) else { continue };
        match (question.transport, question.source) {
            (Transport::Tcp, source) => {
                let turns = turns.clone();
                let port = if let Source::Port(port) = source { Some(port) } else { None };
                tasks.spawn(async move {
                    sleep_until(asked.due).await;
                    let Ok(_turn) = turns.acquire().await else { return };
                    tcp::ask(asked, port).await;
                });
            }
            (_, Source::Any) => start(vec![asked], None, false, turns, tasks),
            (_, source) => shared.entry((source, question.server.is_ipv6())).or_default().push(asked),
        }
    }
    for ((source, _), mut questions) in shared {
        questions.sort_by_key(|asked| asked.due);
        let port = if let Source::Port(port) = source { Some(port) } else { None };
        start(questions, port, true, turns, tasks);
    }
}

fn start(questions: Vec<Asked>, port: Option<u16>, shared: bool, turns: &Arc<Semaphore>, tasks: &mut JoinSet<()>) {
    let turns = turns.clone();
    let due = questions.first().map(|asked| asked.due);
    tasks.spawn(async move {
        if let Some(due) = due {
            sleep_until(due).await;
        }
        let Ok(_turn) = turns.acquire().await else { return };
        udp::ask(questions, port, shared).await;
    });
}

/// A question with its message. One that cannot be asked is told at once.
fn prepared(
    plan: &ProbePlan,
    question: &Question,
    index: usize,
    round: Instant,
    tell: &UnboundedSender<Observation>,
) -> Option<Asked> {
    let mut observation = blank(plan, question);
    let id = id(index);
    let packet = match question.transport {
        Transport::Udp | Transport::Tcp => message::encode(question, id),
        _ => Err("a question goes by `udp` or `tcp`".to_owned()),
    };
    match packet {
        Ok(packet) => Some(Asked {
            question: question.clone(),
            packet,
            id,
            due: round + Duration::from_millis(question.after_ms),
            observation,
            wait: Duration::from_millis(question.timeout_ms.unwrap_or(plan.timeout_ms)),
            round,
            sent: round,
            suspicion: None,
            tell: tell.clone(),
        }),
        Err(detail) => {
            observation.error = Some(ProbeError { kind: Trouble::Other, detail });
            let _ = tell.send(observation);
            None
        }
    }
}

/// The observation of a question before anything came.
fn blank(plan: &ProbePlan, question: &Question) -> Observation {
    let name = match question.name.strip_suffix('.') {
        Some(inner) if !inner.is_empty() => inner,
        _ => &question.name,
    };
    let mut observation = Observation::blank(&plan.vantage, name, &question.kind, question.transport);
    observation.hop.clone_from(&question.hop);
    observation.server = Some(question.server);
    observation.chaos = question.chaos;
    observation.edns = message::offered(question);
    observation.dnssec = question.dnssec;
    observation.checking_disabled = question.checking_disabled;
    observation.group = if let Source::Group(group) = question.source { Some(group) } else { None };
    observation.round = plan.round;
    observation
}

/// An id that cannot be guessed, another one for each question of a plan.
fn id(index: usize) -> u16 {
    thread_local! {
        static START: u64 = RandomState::new().build_hasher().finish();
    }
    let start = START.with(|start| *start);
    u16::try_from((start.wrapping_add(index as u64)) & 0xffff).unwrap_or_default()
}

/// How many sockets may be open at once.
fn room() -> usize {
    let limit = fs::read_to_string("/proc/self/limits").ok().and_then(|limits| open_files_limit(&limits));
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1024);
    let open = fs::read_dir("/proc/self/fd").map_or(16, Iterator::count);
    // A quarter is left to the rest of the program.
    (limit.saturating_sub(open) / 4 * 3).clamp(8, 512)
}

/// What is known of servers in this round, to understand silence.
///
/// A kernel sends only about six ICMP errors at once to one asker, and one a second from then on: of many questions to a
/// port where nothing listens, the first few are refused, and the rest hears nothing.
#[derive(Default)]
struct Reports {
    /// The ICMP error that stands for a server; `None` once it has replied to anything.
    by_server: BTreeMap<SocketAddr, Option<ProbeError>>,
}

impl Reports {
    fn complete(&mut self, mut observation: Observation) -> Observation {
        let (Some(server), Transport::Udp) = (observation.server, observation.transport) else { return observation };
        let own_port = observation.source_port.is_some();
        match &observation.error {
            None => {
                self.by_server.insert(server, None);
            }
            Some(error) if error.kind == Trouble::Timeout => {
                if let Some(Some(known)) = self.by_server.get(&server).filter(|_| !own_port) {
                    let detail = format!("nothing came, as others were answered with: {}", known.detail);
                    observation.error = Some(ProbeError { kind: known.kind, detail });
                }
            }
            Some(error) if error.detail.starts_with("ICMP") && !own_port => {
                self.by_server.entry(server).or_insert_with(|| Some(error.clone()));
            }
            Some(_) => {}
        }
        observation
    }
}

#[cfg(test)]
pub(super) mod tests;
