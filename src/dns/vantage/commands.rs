//! What a place's own programs can do of a plan, where no probe can run: `dig`, `getent`, `nslookup`, and the shell itself, which
//! reads files. Talks to the shell of the place.

mod told;

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use super::dig;
use super::lines::Lines;
use super::stage::Stage;
use super::{GRACE, LOOKUP_TIMEOUTS};
use crate::dns::observation::{Observation, Transport};
use crate::dns::plan::{ProbePlan, Question};

/// So many programs run at once.
const AT_ONCE: usize = 16;

/// Defines what the commands of plans are made of, and says which programs there are. One line.
pub(super) const SETUP: &str = concat!(
    "run ",
    // Shells without `printf` have `print`.
    r#"command -v printf >/dev/null 2>&1 || printf() { print -r -- "$2"; }; "#,
    // Runs a command; its lines carry its number, the last one its status.
    r#"job() { number=$1; shift; { "$@" 2>&1 </dev/null; status=$?; echo; echo "=$status"; } | "#,
    r#"while IFS= read -r line; do printf '%s\n' "lsdeploy-$token $number $line"; done; }; "#,
    // The text of a file, the files of a directory: no program needed.
    r#"file() { [ -e "$1" ] || return 40; [ -f "$1" ] && [ -r "$1" ] || return 41; "#,
    r#"while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done <"$1"; return 0; }; "#,
    r#"directory() { [ -d "$1" ] || return 40; for name in "$1"*; do [ -f "$name" ] && printf '%s\n' "$name"; done; "#,
    "return 0; }; ",
    // Processes of a program that share the network with the shell.
    r#"processes() { ours=$(readlink /proc/self/ns/net); for each in /proc/[0-9]*; do "#,
    r#"{ read -r name <"$each/comm"; } 2>/dev/null && [ "$name" = "$1" ] || continue; "#,
    r#"theirs=$(readlink "$each/ns/net" 2>/dev/null); [ -z "$theirs" ] || [ "$theirs" = "$ours" ] || continue; "#,
    r#"echo "pid ${each#/proc/}"; tr '\000' '\n' <"$each/cmdline" | while IFS= read -r line; do echo "argument $line"; "#,
    r#"done; set -- "$1" "$each"/fd/*; [ -e "$2" ] && echo "open $(($# - 1))"; "#,
    r#"while IFS= read -r line; do echo "limit $line"; done <"$each/limits"; done 2>/dev/null; return 0; }; "#,
    // A command that may not take longer than so many seconds.
    r#"within() { seconds=$1; shift; "$@" & job=$!; (sleep "$seconds"; kill "$job") >/dev/null 2>&1 & timer=$!; "#,
    r#"wait "$job"; status=$?; kill "$timer" 2>/dev/null; return "$status"; }; "#,
    r#"later() { sleep "$1"; shift; "$@"; }; "#,
    r#"have=; for name in dig getent nslookup; do command -v $name >/dev/null 2>&1 && have="$have $name"; done; "#,
    "say have$have\n",
);

/// The programs of a place.
#[derive(Debug, Clone)]
pub(super) struct Commands {
    mark: String,
    have: Vec<String>,
    why: String,
}

/// One command, and what its output means.
struct Job<'a> {
    code: String,
    what: What<'a>,
    /// It ends after this time.
    within: Duration,
}

#[derive(Clone, Copy)]
enum What<'a> {
    File(&'a str),
    Directory(&'a str),
    Processes(&'a str),
    Getent(&'a str),
    Nslookup(&'a str),
    Dig(&'a Question),
}

impl Commands {
    pub(super) fn new(mark: String, have: &str, why: String) -> Self {
        Self { mark, have: have.split_whitespace().map(str::to_owned).collect(), why }
    }

    pub(super) fn stage(&self) -> Stage {
        Stage::Commands { why: self.why.clone(), have: self.have.clone() }
    }

    fn has(&self, program: &str) -> bool {
        self.have.iter().any(|found| found == program)
    }

    /// Does of the plan what can be done. The error says how the shell was lost.
    pub(super) async fn run(
        self,
        plan: &ProbePlan,
        input: &mut (dyn AsyncWrite + Send + Unpin),
        lines: &mut Lines,
        seen: &mut Vec<Observation>,
    ) -> Result<(), String> {
        let started = Instant::now();
        let found: Vec<Job<'_>> =
            plan.files.iter().filter(|path| path.ends_with('/')).map(|path| directory(path)).collect();
        let mut paths: Vec<String> = plan.files.iter().filter(|path| !path.ends_with('/')).cloned().collect();
        for batch in found.chunks(AT_ONCE) {
            for (job, output) in batch.iter().zip(self.batch(batch, input, lines).await?) {
                match told::names(job.what, &output) {
                    Ok(names) => paths.extend(names),
                    Err(error) => seen.push(told::missing(plan, job.what, error)),
                }
            }
        }
        let jobs: Vec<Job<'_>> = paths.iter().map(|path| file(path)).chain(self.jobs(plan)).collect();
        for batch in jobs.chunks(AT_ONCE) {
            let at = started.elapsed();
            for (job, output) in batch.iter().zip(self.batch(batch, input, lines).await?) {
                seen.extend(told::observations(plan, job.what, &output, at));
            }
        }
        Ok(())
    }

    /// All but files.
    fn jobs<'a>(&self, plan: &'a ProbePlan) -> Vec<Job<'a>> {
        let lookups = plan.timeout_ms.saturating_mul(LOOKUP_TIMEOUTS);
        let mut jobs: Vec<Job<'_>> = plan.processes.iter().map(|program| processes(program)).collect();
        for name in plan.lookups.iter().filter(|name| !name.starts_with('-')) {
            if self.has("getent") {
                jobs.push(within(lookups, &["getent", "ahosts", name], What::Getent(name)));
            } else if self.has("nslookup") {
                jobs.push(within(lookups, &["nslookup", name], What::Nslookup(name)));
            }
        }
        let questions = plan
            .questions
            .iter()
            .filter(|question| self.has("dig") && matches!(question.transport, Transport::Udp | Transport::Tcp));
        jobs.extend(questions.map(|question| {
            let wait = question.timeout_ms.unwrap_or(plan.timeout_ms);
            let code = later(question.after_ms, &dig::arguments(question, wait));
            let within = Duration::from_millis(wait.saturating_add(question.after_ms)) + Duration::from_secs(2);
            Job { code, what: What::Dig(question), within }
        }));
        jobs
    }

    /// Runs some commands at once. Returns what each printed, and its status.
    async fn batch(
        &self,
        jobs: &[Job<'_>],
        input: &mut (dyn AsyncWrite + Send + Unpin),
        lines: &mut Lines,
    ) -> Result<Vec<told::Output>, String> {
        let longest = jobs.iter().map(|job| job.within).max().unwrap_or_default();
        let deadline = Instant::now() + longest + GRACE;
        let started: Vec<String> =
            jobs.iter().enumerate().map(|(number, job)| format!("job {number} {}", job.code)).collect();
        let told = async {
            input.write_all(format!("run {} & wait; say ended\n", started.join(" & ")).as_bytes()).await?;
            input.flush().await
        };
        let told = timeout_at(deadline, told).await.map_err(|_| "its shell takes no commands".to_owned())?;
        told.map_err(|error| error.to_string())?;
        let mut outputs: Vec<told::Output> = jobs.iter().map(|_| told::Output::default()).collect();
        loop {
            let line = timeout_at(deadline, lines.next()).await.map_err(|_| "its shell fell silent".to_owned())??;
            let line = String::from_utf8_lossy(&line).into_owned();
            let Some(said) = line.strip_prefix(&self.mark) else { continue };
            if said == "ended" {
                return Ok(outputs);
            }
            let (number, text) = said.split_once(' ').unwrap_or((said, ""));
            if let Some(output) = number.parse().ok().and_then(|number: usize| outputs.get_mut(number)) {
                output.add(text);
            }
        }
    }
}

fn file(path: &str) -> Job<'_> {
    Job { code: words(&["file", path]), what: What::File(path), within: GRACE }
}

fn directory(path: &str) -> Job<'_> {
    Job { code: words(&["directory", path]), what: What::Directory(path), within: GRACE }
}

fn processes(program: &str) -> Job<'_> {
    // The kernel keeps so many bytes of a program's name.
    let name = program.get(..15).unwrap_or(program);
    Job { code: words(&["processes", name]), what: What::Processes(program), within: GRACE }
}

fn within<'a>(milliseconds: u64, command: &[&str], what: What<'a>) -> Job<'a> {
    let seconds = milliseconds.div_ceil(1000).max(1);
    let code = format!("within {seconds} {}", words(command));
    Job { code, what, within: Duration::from_secs(seconds) }
}

fn later(milliseconds: u64, command: &[String]) -> String {
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let command = words(&command);
    if milliseconds == 0 { command } else { format!("later {} {command}", milliseconds.div_ceil(1000)) }
}

/// Quoted for a shell, on one line.
fn words(words: &[&str]) -> String {
    let quoted = words.iter().map(|word| format!("'{}'", word.replace(['\n', '\0'], " ").replace('\'', r"'\''")));
    quoted.collect::<Vec<_>>().join(" ")
}
