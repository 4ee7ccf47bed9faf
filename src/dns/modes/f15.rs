//! F15: one of several upstream servers answers SERVFAIL where another has an answer.

use super::{Mode, Stage};
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::node::{address, outcome};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F15",
    code: "upstream-servfail",
    title: "one upstream server fails (SERVFAIL) although another one answers",
    shows: "SERVFAIL now and then, and fast; asked directly, one upstream fails and the other answers; dnsmasq up to 2.79 passes \
            SERVFAIL on, later ones try another server only when they had asked a single one",
    mend: "take the failing server out of /etc/dnsmasq.d/origin-upstream-dns.conf (4.x: `spec.upstreamResolvers` or the node's \
           resolv.conf) until it is mended",
    stage: Stage::Siblings,
    explains: &["search-suffix-fails", "no-outside-dns", "aaaa-broken"],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.role(Role::Upstream).filter_map(|hop| is_lame(seen, hop)).collect()
}

fn is_lame(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let pairs = failures(seen, hop);
    let (failed, right) = pairs.first()?;
    // With checking switched off it answers: its validation is to blame, which is another mode.
    if seen.asked(&hop.id).any(|at| at.checking_disabled && at.has_answer()) {
        return None;
    }
    let names: Vec<&str> = pairs.iter().map(|(at, _)| at.name.as_str()).collect();
    let asked: Vec<At<'_>> = seen
        .askers(&hop.id)
        .flat_map(|asker| seen.asked(&asker.id).collect::<Vec<_>>())
        .filter(|at| names.contains(&at.name.as_str()))
        .collect();
    let through: Vec<At<'_>> = asked.iter().copied().filter(|at| at.said("SERVFAIL")).collect();
    let confidence = match through.is_empty() {
        false => Confidence::Certain,
        // It was tried a few times more, and nobody passed the failure on.
        true if asked.iter().any(|at| at.round == 2) => Confidence::Possible,
        true => Confidence::Likely,
    };
    let harm = match through.first() {
        Some(at) => format!("; {} passes it on ({} times)", at.hop, through.len()),
        None => "; who asks both may get either".to_owned(),
    };
    let message = format!(
        "{} says {} for `{}`, and {} says {}{harm}",
        address(hop),
        outcome(failed),
        failed.name,
        right.hop,
        outcome(right)
    );
    let rests = pairs.iter().flat_map(|(failed, right)| [failed.index, right.index]).chain(indexes(through));
    Some(Sign::new(&hop.id, confidence, message).about(names.iter().copied()).resting_on(rests))
}

/// SERVFAIL of this upstream beside an answer of a sibling: another upstream that somebody asks for the same name.
fn failures<'a>(seen: &Seen<'a>, hop: &Hop) -> Vec<(At<'a>, At<'a>)> {
    let plain = |at: &At<'_>| at.said("SERVFAIL") && !at.checking_disabled && (at.kind == "A" || at.kind == "AAAA");
    let sibling_says = |at: At<'a>| {
        let askers = seen.askers(&hop.id).filter(|asker| asker.role != Role::Client);
        let siblings = askers.flat_map(|asker| seen.asks_for(asker, &at.name)).filter(|sibling| sibling.id != hop.id);
        let mut replies = siblings.filter_map(|sibling| seen.reply(&sibling.id, &at.name, &at.kind));
        replies.find(|reply| seen.is_right(reply)).map(|right| (at, right))
    };
    let mut all: Vec<(At<'a>, At<'a>)> = seen.asked(&hop.id).filter(plain).filter_map(sibling_says).collect();
    // One that answers the same question at another time has but stumbled once.
    all.retain(|(at, _)| {
        !seen.for_name(&hop.id, &at.name, &at.kind).any(|other| other.has_answer() && !other.checking_disabled)
    });
    all
}

/// The same without validation, and again through those who ask it.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for hop in seen.role(Role::Upstream) {
        for (at, _) in failures(seen, hop).into_iter().take(2) {
            let Some(server) = hop.address else { continue };
            let unchecked = Question { checking_disabled: true, ..Question::new(&hop.id, server, &at.name, &at.kind) };
            questions.push((at.vantage.clone(), unchecked));
            for asker in seen.askers(&hop.id).filter(|asker| asker.role != Role::Client) {
                let Some(server) = asker.address else { continue };
                let again =
                    (1..=4).map(|number| Question::new(&asker.id, server, &at.name, &at.kind).after(number * 300));
                questions.extend(again.map(|question| (asker.vantage.clone(), question)));
            }
        }
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, flags, openshift3, openshift4};
    use crate::dns::observation::Observation;

    fn first_fails() -> Evidence {
        let mut evidence = openshift3();
        evidence.change("upstream-1", |at| !at.chaos, |at| at.set_rcode("SERVFAIL", flags("ra")));
        evidence
    }

    #[test]
    fn an_upstream_that_fails_beside_one_that_answers_is_found() {
        let mut evidence = first_fails();
        assert_eq!(evidence.signs("F15")[0].confidence, Confidence::Likely);
        assert!(ask(&Seen::new(&evidence))[0].1.checking_disabled);
        evidence.change(
            "dnsmasq",
            |at| at.name == OUTSIDE && at.vantage == "pod",
            |at| at.set_rcode("SERVFAIL", flags("ra")),
        );
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F15", "upstream-1"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
    }

    #[test]
    fn a_failure_that_nobody_passes_on_does_no_harm() {
        let mut evidence = first_fails();
        let again: Vec<Observation> = evidence
            .observations
            .iter()
            .filter(|at| at.hop == "dnsmasq" && at.name == OUTSIDE)
            .map(Observation::again)
            .collect();
        evidence.observations.extend(again);
        assert_eq!(evidence.signs("F15")[0].confidence, Confidence::Possible);
    }

    #[test]
    fn broken_validation_and_an_only_upstream_are_other_modes() {
        let mut evidence = first_fails();
        let mut unchecked = evidence.question("node1", "upstream-1", OUTSIDE, "A");
        (unchecked.checking_disabled, unchecked.round) = (true, 2);
        unchecked.set_answer(&["140.82.112.3"], 60, flags("ra"));
        evidence.put(unchecked);
        assert_eq!(evidence.signs("F15"), []);
        let mut evidence = openshift4();
        evidence.change("upstream-1", |at| !at.chaos, |at| at.set_rcode("SERVFAIL", flags("ra")));
        assert_eq!(evidence.signs("F15"), [], "there is no other");
        let mut evidence = first_fails();
        evidence.change("upstream-2", |at| !at.chaos, |at| at.set_rcode("SERVFAIL", flags("ra")));
        assert_eq!(evidence.signs("F15"), [], "both fail: the name is broken, or the way out");
    }

    #[test]
    fn a_single_stumble_is_no_fault() {
        let mut evidence = first_fails();
        let mut again: Vec<Observation> = evidence
            .observations
            .iter()
            .filter(|at| at.hop == "upstream-1" && at.said("SERVFAIL"))
            .map(Observation::again)
            .collect();
        for at in &mut again {
            at.set_answer(&["203.0.113.7"], 60, flags("ra"));
        }
        evidence.observations.extend(again);
        assert_eq!(evidence.signs("F15"), []);
    }
}
