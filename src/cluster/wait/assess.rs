//! The judgement: from what was seen to what is reached, what is in the way and what is waited for. Pure.

use tokio::time::Instant;

use super::seen::{LogRequest, Seen};
use super::symptom::Symptom;
use super::view::View;
use super::{
    Expectation, Milestone, Ready, admission, claims, containers, images, progress, readiness, rollout, routes, scc,
};

/// What was seen means this.
#[derive(Debug)]
pub(super) struct Assessment {
    /// Steps reached, in the order in which they are usually reached.
    pub(super) milestones: Vec<Milestone>,
    /// What is not reached yet, each as a short phrase.
    pub(super) missing: Vec<String>,
    /// What is waited for right now.
    pub(super) waiting: String,
    /// The result, once nothing is missing.
    pub(super) ready: Option<Ready>,
    /// What is in the way, the likeliest cause first.
    pub(super) symptoms: Vec<Judged>,
    /// When the next grace ends.
    pub(super) next: Option<Instant>,
}

/// A symptom and what its age makes of it.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) symptom: Symptom,
    /// It has stood long enough to be told.
    pub(super) named: bool,
    /// It ends the wait.
    pub(super) is_final: bool,
}

type Rule = fn(&View<'_>) -> Option<Symptom>;

/// Every way to be stuck. Causes stand before their consequences: the first that is final becomes the verdict.
const RULES: &[Rule] = &[
    rollout::namespace_terminating,
    rollout::deployment_deleted,
    admission::refused,
    scc::not_chosen,
    claims::pending,
    containers::unschedulable,
    containers::pod_failed,
    images::not_pulled,
    containers::misconfigured,
    containers::crashing,
    containers::not_starting,
    routes::refused,
    routes::no_router,
    routes::not_picked_up,
    readiness::failing,
    readiness::no_endpoints,
    rollout::stalled,
    rollout::unseen,
];

/// Judges what was seen as of `now`.
pub(super) fn assess(seen: &Seen, expect: &Expectation, now: Instant) -> Assessment {
    let view = View::new(seen, expect);
    let missing = progress::missing(&view);
    let mut next = None;
    let mut symptoms = Vec::new();
    for symptom in RULES.iter().filter_map(|rule| rule(&view)) {
        let since = seen.since(&symptom, now);
        let named_at = since + symptom.named_after;
        let final_at = symptom.final_after.map(|grace| since + grace);
        let coming = [Some(named_at), final_at].into_iter().flatten().filter(|instant| *instant > now);
        next = coming.chain(next).min();
        symptoms.push(Judged { named: named_at <= now, is_final: final_at.is_some_and(|at| at <= now), symptom });
    }
    Assessment {
        milestones: progress::milestones(&view),
        waiting: progress::waiting(&view),
        ready: if missing.is_empty() { progress::ready(&view) } else { None },
        missing,
        symptoms,
        next,
    }
}

impl Assessment {
    /// The first symptom that ends the wait.
    pub(super) fn verdict(&self) -> Option<&Symptom> {
        self.symptoms.iter().find(|judged| judged.is_final).map(|judged| &judged.symptom)
    }

    /// The log that must be read before the verdict is told.
    pub(super) fn log_wanted(&self) -> Option<&LogRequest> {
        self.verdict().and_then(|symptom| symptom.log.as_ref())
    }
}

impl Seen {
    /// Remembers since when each symptom stands; one that went away starts anew when it comes back.
    pub(super) fn remember(&mut self, assessment: &Assessment, now: Instant) {
        let symptoms = assessment.symptoms.iter().map(|judged| &judged.symptom);
        let standing =
            symptoms.map(|symptom| (symptom.finding.code, (self.since(symptom, now), symptom.mark))).collect();
        self.standing = standing;
    }

    fn since(&self, symptom: &Symptom, now: Instant) -> Instant {
        let known = self.standing.get(symptom.finding.code).filter(|(_, mark)| *mark == symptom.mark);
        known.map_or(now, |(since, _)| *since)
    }
}
