//! F32: of A and AAAA from one port, one is lost.

use std::collections::BTreeMap;

use super::coredns::named;
use super::lookups::Search;
use super::{Mode, Stage};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::Transport;
use crate::dns::plan::{Question, Source};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F32",
    code: "same-port-race",
    title: "of two questions that leave from one port at the same time, one is lost on the way",
    shows: "lookups take 5 s now and then; A and AAAA from one socket lose one answer, questions from ports of their own lose \
            none, TCP neither. `conntrack -S` counts `insert_failed` on the node",
    mend: "`dnsConfig: {options: [{name: single-request-reopen}]}` (glibc) or `use-vc` helps at once; a kernel of 5.0 or newer \
           and a DNS pod on the same node take the cause away",
    stage: Stage::Special,
    explains: &["fixed-port-stuck"],
    find,
    ask,
};

/// Pairs that are sent in the second round; groups are numbered from 1.
const PAIRS: u16 = 20;
/// A lookup that took longer ran into a time-out of the C library, in milliseconds.
const TIME_OUT: f64 = 2400.0;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.evidence.places.iter().flat_map(|place| at_place(seen, &place.name)).collect()
}

/// Pairs from one port each, and as many questions from ports of their own, where the C library waits and the servers do not.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for search in Search::all(seen) {
        let Some(name) = waits_in_vain(seen, &search) else { continue };
        let Some((hop, address)) = search.servers.first().and_then(|hop| Some((hop, hop.address?))) else { continue };
        for pair in 1..=PAIRS {
            let ask = |kind: &str| Question::new(&hop.id, address, name, kind).after(u64::from(pair) * 20);
            let together = ["A", "AAAA"].map(|kind| ask(kind).from(Source::Group(pair)));
            let alone = ["A", "AAAA"].map(ask);
            let all = together.into_iter().chain(alone);
            questions.extend(all.map(|question| (search.place.name.clone(), question)));
        }
    }
    questions
}

/// A name that the C library is slow with or does not find, and that every question of ours was answered for at once.
fn waits_in_vain<'a>(seen: &Seen<'a>, search: &Search<'a>) -> Option<&'a str> {
    let slow = |name: &str| {
        let libc = seen.libc(&search.place.name, name);
        libc.is_some_and(|libc| libc.ms >= TIME_OUT || libc.silent())
    };
    let quick = |name: &str| {
        let mut replies = ["A", "AAAA"].into_iter().map(|kind| search.said(seen, name, kind));
        replies.all(|at| at.is_some_and(|at| at.replied() && at.ms < TIME_OUT / 2.0))
    };
    seen.targets().map(|target| target.name.as_str()).find(|name| slow(name) && quick(name))
}

fn at_place(seen: &Seen<'_>, place: &str) -> Vec<Sign> {
    let mut pairs: BTreeMap<(&str, u16), Vec<At<'_>>> = BTreeMap::new();
    for at in seen.queries().filter(|at| at.vantage == place && at.transport == Transport::Udp) {
        if let Some(group) = at.group {
            let hop = seen.hop(&at.hop).map_or("", |hop| hop.id.as_str());
            pairs.entry((hop, group)).or_default().push(at);
        }
    }
    pairs.retain(|_, pair| pair.len() == 2 && pair[0].kind != pair[1].kind && pair[0].name == pair[1].name);
    let mut hops: Vec<&str> = pairs.keys().map(|(hop, _)| *hop).collect();
    hops.dedup();
    let of =
        |hop: &str| pairs.iter().filter(|((of, _), _)| *of == hop).map(|(_, pair)| pair.clone()).collect::<Vec<_>>();
    hops.into_iter().filter_map(|hop| sign(seen, place, hop, &of(hop))).collect()
}

fn sign(seen: &Seen<'_>, place: &str, hop: &str, pairs: &[Vec<At<'_>>]) -> Option<Sign> {
    let hop = seen.hop(hop)?;
    let halves = pairs.iter().filter(|pair| pair[0].silent() != pair[1].silent());
    let lost: Vec<At<'_>> = halves.flatten().copied().collect();
    let (count, all) = (lost.len() / 2, pairs.len());
    let names: Vec<String> = pairs.iter().map(|pair| pair[0].name.clone()).collect();
    let alone: Vec<At<'_>> = seen
        .asked(&hop.id)
        .filter(|at| at.vantage == place && at.group.is_none() && at.transport == Transport::Udp)
        .filter(|at| names.contains(&at.name))
        .collect();
    let missed = alone.iter().filter(|at| at.silent()).count();
    // A path that simply loses packets would lose as many of these. One may be lost: its port was that of a flow before.
    let chance = at_most(missed, alone.len(), share(count, 2 * all));
    if count < 2 || chance > 0.05 {
        return None;
    }
    let confidence = if chance < 0.001 { Confidence::Certain } else { Confidence::Likely };
    let message = format!(
        "of {all} pairs A and AAAA that left {place} for {} from one port, {count} lost one answer; of {} questions from ports \
         of their own {} lost",
        named(hop),
        alone.len(),
        match missed {
            0 => "none was".to_owned(),
            1 => "1 was".to_owned(),
            some => format!("{some} were"),
        },
    );
    Some(Sign::new(&hop.id, confidence, message).resting_on(indexes(lost.into_iter().chain(alone))))
}

/// The chance that of `all` packets at most `lost` are lost, where each is lost with the chance `each`.
fn at_most(lost: usize, all: usize, each: f64) -> f64 {
    let mut exactly = (0..all).fold(1.0, |chance, _| chance * (1.0 - each));
    let mut chance = exactly;
    for count in 0..lost {
        exactly *= share(all - count, count + 1) * each / (1.0 - each);
        chance += exactly;
    }
    chance
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few dozen")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, openshift4};
    use crate::dns::observation::Observation;

    /// Twenty pairs, of which every `nth` lost its AAAA, and forty single questions, of which every `lost`th was.
    fn asked(nth: u16, single: usize) -> Evidence {
        let mut evidence = openshift4();
        let answer =
            evidence.observations.iter().find(|at| at.hop == "coredns" && at.name == OUTSIDE && at.kind == "A");
        let answer = answer.unwrap().again();
        let question = |kind: &str, group| Observation { kind: kind.to_owned(), group, ..answer.clone() };
        for pair in 1..=20 {
            let mut aaaa = question("AAAA", Some(3100 + pair));
            if pair % nth == 0 {
                aaaa.set_silent();
            }
            evidence.observations.extend([question("A", Some(3100 + pair)), aaaa]);
        }
        for number in 1..=40 {
            let mut alone = question("A", None);
            if number % single == 0 {
                alone.set_silent();
            }
            evidence.observations.push(alone);
        }
        evidence
    }

    #[test]
    fn halves_of_pairs_that_are_lost_are_found() {
        let signs = asked(2, 100).signs("F32");
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("coredns", Confidence::Certain));
        assert!(signs[0].message.contains("of 20 pairs") && signs[0].message.contains("10 lost"));
        assert_eq!(asked(5, 100).signs("F32")[0].confidence, Confidence::Likely);
        // A port that was used a moment ago belongs to a flow, whose later packets are lost.
        let reused = asked(1, 40).signs("F32");
        assert_eq!(reused[0].confidence, Confidence::Certain);
        assert!(
            reused[0].message.ends_with("of 42 questions from ports of their own 1 was lost"),
            "{}",
            reused[0].message
        );
    }

    #[test]
    fn a_path_that_loses_packets_of_all_kinds_is_silent() {
        assert_eq!(asked(4, 8).signs("F32"), []);
        assert_eq!(asked(20, 100).signs("F32"), [], "one of twenty may be anything");
        assert_eq!(asked(30, 100).signs("F32"), []);
    }

    #[test]
    fn pairs_are_sent_where_the_c_library_waits_and_our_questions_do_not() {
        let mut evidence = openshift4();
        assert_eq!((MODE.ask)(&Seen::new(&evidence)), []);
        let mut libc = Observation::blank("pod", OUTSIDE, "A", Transport::Libc);
        libc.ms = 5004.0;
        evidence.put(libc);
        let asked = (MODE.ask)(&Seen::new(&evidence));
        assert_eq!(asked.len(), usize::from(PAIRS) * 4);
        assert!(asked.iter().all(|(place, one)| place == "pod" && one.hop == "coredns"));
    }
}
