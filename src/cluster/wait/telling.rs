//! What of an assessment is told: notices on the way, a verdict at the end.

use std::collections::BTreeSet;
use std::time::Duration;

use super::assess::Assessment;
use super::symptom::Symptom;
use super::{Expectation, Milestone, Notice, Stuck};
use crate::finding::Finding;

/// What has been told already.
#[derive(Debug, Default)]
pub(super) struct Told {
    milestones: BTreeSet<Milestone>,
    stuck: BTreeSet<&'static str>,
    waiting: String,
}

impl Told {
    /// Tells what is new since the last call.
    pub(super) fn tell(&mut self, assessment: &Assessment, notify: &mut (dyn FnMut(Notice) + Send)) {
        for milestone in &assessment.milestones {
            if self.milestones.insert(*milestone) {
                notify(Notice::Reached(*milestone));
            }
        }
        // What ends the wait is its result, not a notice.
        for judged in assessment.symptoms.iter().filter(|judged| judged.named && !judged.is_final) {
            if self.stuck.insert(judged.symptom.finding.code) {
                notify(Notice::Stuck(judged.symptom.finding.clone()));
            }
        }
        let goes_on = assessment.ready.is_none() && assessment.verdict().is_none();
        if goes_on && self.waiting != assessment.waiting {
            self.waiting.clone_from(&assessment.waiting);
            notify(Notice::Waiting(assessment.waiting.clone()));
        }
    }
}

/// The verdict as the caller gets it.
pub(super) fn stuck(symptom: &Symptom) -> Stuck {
    Stuck { finding: symptom.finding.clone(), evidence: symptom.evidence.clone() }
}

/// The verdict at the deadline: what is missing, and the likeliest of the reasons seen.
pub(super) fn timed_out(assessment: &Assessment, expect: &Expectation, timeout: Duration) -> Stuck {
    let missing = assessment.missing.join(", ");
    let gave_up = format!("gave up after {} s", timeout.as_secs());
    let named = assessment.symptoms.iter().filter(|judged| judged.named).map(|judged| &judged.symptom);
    // A timeout shorter than the graces still ends with the reason that was seen, if there is one.
    let suspected = assessment.symptoms.iter().map(|judged| &judged.symptom);
    let Some(likeliest) = named.chain(suspected).next() else {
        let message = format!("{gave_up}; still missing: {missing}; last seen: {}", assessment.waiting);
        let hint = format!(
            "`lsdeploy status --env {0}` and `lsdeploy logs --env {0}` show where it stands; a slow cluster needs {1}",
            expect.env,
            expect.patience()
        );
        return Stuck { finding: Finding { code: "timed-out", message, hint }, evidence: Vec::new() };
    };
    let mut verdict = stuck(likeliest);
    verdict.finding.message = format!("{} ({gave_up}; still missing: {missing})", verdict.finding.message);
    let others = assessment.symptoms.iter().map(|judged| &judged.symptom.finding);
    let others = others.filter(|finding| finding.code != likeliest.finding.code);
    verdict.evidence.extend(others.map(|finding| format!("also {}: {}", finding.code, finding.message)));
    verdict
}
