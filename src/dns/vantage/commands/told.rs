//! What commands printed, as observations. Pure.

use std::time::Duration;

use serde_json::json;

use super::What;
use crate::dns::observation::{Observation, ProbeError, Transport, Trouble};
use crate::dns::plan::ProbePlan;
use crate::dns::probe::{self, open_files_limit};
use crate::dns::vantage::dig;

/// The statuses of the shell's own functions.
const ABSENT: &str = "40";
const UNREADABLE: &str = "41";
/// The status of a program that was ended by `kill`, as its time was over.
const KILLED: &str = "143";

/// What a command printed, and its status when it ended.
#[derive(Debug, Default)]
pub(super) struct Output {
    lines: Vec<String>,
}

impl Output {
    pub(super) fn add(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    /// The text and the status: its last line is `=STATUS`, and the one before it is empty, or ends one without an end.
    fn split(&self) -> (String, &str) {
        let Some((status, lines)) = self.lines.split_last() else { return (String::new(), "") };
        let lines = if lines.last().is_some_and(String::is_empty) { &lines[..lines.len() - 1] } else { lines };
        let mut text = lines.join("\n");
        if !lines.is_empty() {
            text.push('\n');
        }
        (text, status.strip_prefix('=').unwrap_or_default())
    }
}

/// The names that a directory's job printed.
pub(super) fn names(what: What<'_>, output: &Output) -> Result<Vec<String>, ProbeError> {
    let (text, status) = output.split();
    match what {
        What::Directory(_) if status == ABSENT => Err(absent("there is no such directory")),
        _ => Ok(text.lines().map(str::to_owned).collect()),
    }
}

/// An observation of something that is not there.
pub(super) fn missing(plan: &ProbePlan, what: What<'_>, error: ProbeError) -> Observation {
    let mut observation = blank(plan, what);
    observation.error = Some(error);
    observation
}

pub(super) fn observations(plan: &ProbePlan, what: What<'_>, output: &Output, at: Duration) -> Vec<Observation> {
    let (text, status) = output.split();
    let mut observation = blank(plan, what);
    match what {
        What::Directory(_) => return Vec::new(),
        What::Processes(_) => return processes(&observation, &text),
        What::File(_) => {
            observation.error = match status {
                ABSENT => Some(absent("there is no such file")),
                UNREADABLE => Some(ProbeError { kind: Trouble::Unreadable, detail: "it cannot be read".to_owned() }),
                _ => None,
            };
            observation.size = observation.error.is_none().then_some(text.len());
            observation.text = observation.error.is_none().then_some(text);
        }
        What::Getent(name) => {
            observation.answers = probe::addresses(name, &text);
            observation.error = lookup_error(status);
            observation.text = Some(text);
        }
        What::Nslookup(name) => {
            // Before the first empty line it names the server, by its address.
            let answer = text.split_once("\n\n").map_or("", |(_, answer)| answer);
            let words = answer.lines().filter_map(|line| line.strip_prefix("Address")?.split_whitespace().last());
            observation.answers = probe::addresses(name, &words.collect::<Vec<_>>().join("\n"));
            let found = !observation.answers.is_empty();
            observation.error = lookup_error(if found { "0" } else { "2" });
            observation.text = Some(text);
        }
        What::Dig(question) => {
            observation =
                Observation { vantage: plan.vantage.clone(), round: plan.round, ..dig::read(question, &text) };
            observation.at = probe::milliseconds(at);
        }
    }
    vec![observation]
}

fn blank(plan: &ProbePlan, what: What<'_>) -> Observation {
    let (name, kind, transport) = match what {
        What::File(name) | What::Directory(name) => (name, "FILE", Transport::File),
        What::Processes(name) => (name, "PROCESS", Transport::Process),
        What::Getent(name) | What::Nslookup(name) => (name, "ADDR", Transport::Libc),
        What::Dig(question) => (question.name.as_str(), question.kind.as_str(), question.transport),
    };
    let mut observation = Observation::blank(&plan.vantage, name, kind, transport);
    observation.round = plan.round;
    observation
}

fn absent(words: &str) -> ProbeError {
    ProbeError { kind: Trouble::Absent, detail: words.to_owned() }
}

fn lookup_error(status: &str) -> Option<ProbeError> {
    let (kind, detail) = match status {
        "0" => return None,
        "2" => (Trouble::Other, "not found".to_owned()),
        KILLED => (Trouble::Timeout, "it did not end in time".to_owned()),
        other => (Trouble::Other, format!("it ended with status {other}")),
    };
    Some(ProbeError { kind, detail })
}

/// Each process as the probe tells it.
fn processes(blank: &Observation, text: &str) -> Vec<Observation> {
    let mut found: Vec<(u32, Vec<String>, Option<u64>, String)> = Vec::new();
    for line in text.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, found.last_mut()) {
            ("pid", _) => found.extend(rest.parse().ok().map(|pid| (pid, Vec::new(), None, String::new()))),
            ("argument", Some(last)) => last.1.push(rest.to_owned()),
            ("open", Some(last)) => last.2 = rest.parse().ok(),
            ("limit", Some(last)) => last.3 = format!("{}{rest}\n", last.3),
            _ => {}
        }
    }
    if found.is_empty() {
        let error = Some(absent("no such process shares this network"));
        return vec![Observation { error, ..blank.clone() }];
    }
    let facts = found.into_iter().map(|(pid, arguments, open, limits)| {
        let limit = open_files_limit(&limits);
        json!({"pid": pid, "arguments": arguments, "open_files": open, "open_files_limit": limit}).to_string()
    });
    facts.map(|facts| Observation { text: Some(facts), ..blank.clone() }).collect()
}
