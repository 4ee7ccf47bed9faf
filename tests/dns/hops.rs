//! Hops that misbehave: scripted servers on loopback that answer as no real one can be made to. What came is said, whatever it
//! is; nothing ends the probe, nothing holds it.

mod commands;
mod tcp;
mod udp;

use std::time::{Duration, Instant};

use lsdeploy::dns::observation::{Observation, Trouble};
use lsdeploy::dns::plan::{ProbePlan, Question};
use lsdeploy::dns::probe;

/// How long a question waits for its answer.
const WAIT: Duration = Duration::from_millis(500);

/// Asks one question and takes its observation, in time.
#[track_caller]
fn ask(question: Question) -> Observation {
    let plan = ProbePlan {
        vantage: "here".to_owned(),
        round: 1,
        timeout_ms: 500,
        questions: vec![question],
        ..ProbePlan::default()
    };
    let started = Instant::now();
    let mut all = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(probe::run(&plan, |observation| all.push(observation)));
    assert!(started.elapsed() < WAIT + Duration::from_secs(2), "it took {:?}", started.elapsed());
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Compares the trouble, and looks for words in its detail.
#[track_caller]
fn assert_met(observation: &Observation, trouble: Trouble, words: &str) {
    let error = observation.error.as_ref().unwrap_or_else(|| panic!("nothing was wrong: {observation:?}"));
    assert_eq!(error.kind, trouble, "{}", error.detail);
    assert!(error.detail.contains(words), "{}", error.detail);
    assert!(!observation.replied());
}

/// A reply to a question: its bytes, with the bits of a reply and other counts, and what follows.
struct Reply(Vec<u8>);

impl Reply {
    /// Keeps id and question of a message, without its OPT record.
    fn to(question: &[u8]) -> Self {
        let mut end = 12;
        while question[end] != 0 {
            end += usize::from(question[end]) + 1;
        }
        let mut bytes = question[..end + 5].to_vec();
        bytes[2] |= 0x80;
        bytes[3] = 0x80;
        bytes[11] = 0;
        Self(bytes)
    }

    /// Sets one of the four counts of the header.
    fn count(mut self, section: usize, number: u16) -> Self {
        self.0[4 + 2 * section..6 + 2 * section].copy_from_slice(&number.to_be_bytes());
        self
    }

    /// Appends a record without its owner's name: type, class IN, TTL 60, data.
    fn record(mut self, owner: &[u8], kind: u16, data: &[u8]) -> Self {
        self.0.extend(owner);
        self.0.extend(kind.to_be_bytes());
        self.0.extend([0, 1, 0, 0, 0, 60]);
        self.0.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        self.0.extend(data);
        self
    }

    /// An answer with the address 192.0.2.1.
    fn right(question: &[u8]) -> Vec<u8> {
        Self::to(question).count(1, 1).record(&[0xc0, 12], 1, &[192, 0, 2, 1]).0
    }

    fn truncated(mut self) -> Self {
        self.0[2] |= 2;
        self
    }
}

/// Another id.
fn other_id(mut message: Vec<u8>) -> Vec<u8> {
    message[0] ^= 0x55;
    message
}

/// Another name in the question.
fn other_question(mut message: Vec<u8>) -> Vec<u8> {
    message[13] = b'z';
    message
}
