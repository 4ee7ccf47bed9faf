//! Drives a run: survey, chain, first round, second round. Takes sessions and names; fills the evidence. IO by its sessions.

use tokio::task::JoinSet;

use super::chain::{Chain, Role, discover};
use super::classify::{Confidence, Finding, classify};
use super::evidence::Evidence;
use super::observation::Observation;
use super::plan::ProbePlan;
use super::rounds;
use super::vantage::Session;

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Everything was surveyed, and this is the path.
    Found(&'a Chain),
    /// Questions of the first round are sent.
    First {
        /// How many.
        questions: usize,
    },
    /// There are suspects, and more is asked to tell causes apart; it may take six seconds.
    Second {
        /// How many.
        questions: usize,
        /// Codes of what is suspected so far.
        suspects: Vec<String>,
    },
}

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The first round only.
    Short,
    /// Both rounds.
    Full,
}

/// The sessions of a run, and what it does with them.
pub struct Walk {
    sessions: Vec<Session>,
}

impl Walk {
    /// Takes the sessions of all vantages.
    pub fn new(sessions: Vec<Session>) -> Self {
        Self { sessions }
    }

    /// Reads files, processes and what C libraries say at every vantage; adds it to the evidence.
    pub async fn survey(&mut self, evidence: &mut Evidence) {
        evidence.places = self.sessions.iter().map(|session| session.place().clone()).collect();
        let plan = |place| rounds::survey(place, &evidence.targets, evidence.timeout_ms);
        let plans = evidence.places.iter().map(plan).collect();
        self.round(plans, evidence).await;
    }

    /// Finds the chain in the survey, unless one was given; fills in which addresses names should have.
    pub fn discover(evidence: &mut Evidence, given: Option<Chain>) {
        let unseen = std::mem::take(&mut evidence.chain.unseen);
        evidence.chain = given.unwrap_or_else(|| discover::discover(evidence));
        evidence.chain.unseen.splice(0..0, unseen);
        discover::expect(evidence);
    }

    /// Asks every hop, and the suspects once more; returns what is wrong.
    pub async fn ask(
        &mut self,
        evidence: &mut Evidence,
        depth: Depth,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Vec<Finding> {
        let plans = rounds::first(evidence);
        tell(Progress::First { questions: count(&plans) });
        self.round(plans, evidence).await;
        name_software(evidence);
        let findings = classify(evidence);
        let plans = rounds::second(evidence);
        if depth == Depth::Short || plans.is_empty() {
            return findings;
        }
        let suspects = findings.iter().filter(|finding| finding.confidence < Confidence::Certain);
        let suspects = suspects.map(|finding| finding.code.clone()).collect();
        tell(Progress::Second { questions: count(&plans), suspects });
        self.round(plans, evidence).await;
        classify(evidence)
    }

    /// Ends the probes; nothing is left where they ran.
    pub async fn close(self) {
        for session in self.sessions {
            session.close().await;
        }
    }

    /// Carries out plans at all vantages at once. A vantage that fails is named as unseen; the others go on.
    async fn round(&mut self, plans: Vec<ProbePlan>, evidence: &mut Evidence) {
        let mut running = JoinSet::new();
        let mut idle = Vec::new();
        for (number, mut session) in std::mem::take(&mut self.sessions).into_iter().enumerate() {
            match plans.iter().find(|plan| plan.vantage == session.place().name).cloned() {
                None => idle.push((number, session)),
                Some(plan) => {
                    running.spawn(async move {
                        let seen = session.run(&plan).await;
                        (number, session, seen)
                    });
                }
            }
        }
        let mut ended = running.join_all().await;
        ended.sort_by_key(|(number, ..)| *number);
        for (number, session, seen) in ended {
            match seen {
                Ok(observations) => evidence.observations.extend::<Vec<Observation>>(observations),
                Err(mut error) => {
                    evidence.observations.append(&mut error.seen);
                    evidence.chain.unseen.push(error.to_string());
                }
            }
            idle.push((number, session));
        }
        idle.sort_by_key(|(number, _)| *number);
        self.sessions = idle.into_iter().map(|(_, session)| session).collect();
    }
}

fn count(plans: &[ProbePlan]) -> usize {
    plans.iter().map(|plan| plan.questions.len()).sum()
}

/// Servers that say what they are get that name. CoreDNS hands the question on, so what comes back is its upstream's.
fn name_software(evidence: &mut Evidence) {
    for hop in &mut evidence.chain.hops {
        if hop.role == Role::Coredns {
            hop.software.get_or_insert_with(|| "CoreDNS".to_owned());
        }
        let said =
            evidence.observations.iter().find(|seen| seen.hop == hop.id && seen.chaos && seen.name == "version.bind");
        let said = said.filter(|seen| seen.has_answer()).and_then(|seen| seen.answers.first());
        if let (Some(record), None) = (said, &hop.software) {
            hop.software = Some(record.data.trim_matches('"').to_owned());
        }
    }
}
