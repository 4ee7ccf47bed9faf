//! F24: a suffix of the search list has a wildcard record, which takes names of the outside.

use std::net::IpAddr;

use super::coredns::data;
use super::lookups::Search;
use super::{Mode, Stage};
use crate::dns::chain::{Kind, Target};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::search::{End, Library, Reply};
use crate::dns::seen::{At, Seen};

pub(super) static MODE: Mode = Mode {
    id: "F24",
    code: "wildcard-in-search",
    title: "a search suffix with a wildcard record takes names that are meant for the outside",
    shows: "a label that does not exist resolves below the suffix; the name with a last dot has another address than without; \
            clients reach the router and complain about its certificate. A name that never existed anywhere still gets \
            NXDOMAIN (else it is F25)",
    mend: "take the domain with the wildcard record out of `search` of the node's resolv.conf, or give the pod \
           `dnsConfig: {options: [{name: ndots, value: \"1\"}]}`; a last dot in the name helps at once",
    stage: Stage::Search,
    explains: &["search-amplification"],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let caught = Search::all(seen).into_iter().filter_map(|search| sign(seen, &search, &caught(seen, &search)));
    caught.collect()
}

/// The candidates that decide, in case only a label that does not exist was asked for below the suffix.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let questions = |search: Search<'_>| {
        let server = search.servers.first().and_then(|hop| Some((hop.id.clone(), hop.address?)));
        let caught = caught(seen, &search).into_iter().zip(server.into_iter().cycle());
        let ask =
            |(caught, (hop, address)): (Caught<'_>, (String, _))| Question::new(&hop, address, &caught.candidate, "A");
        let place = search.place.name.clone();
        caught.map(ask).map(|question| (place.clone(), question)).collect::<Vec<_>>()
    };
    Search::all(seen).into_iter().flat_map(questions).collect()
}

/// A name that ends at the wildcard record.
struct Caught<'a> {
    target: &'a Target,
    candidate: String,
    /// The answer to it, or to a label that does not exist below the same suffix.
    wildcard: At<'a>,
    /// The answer to the name as it stands.
    truth: Option<At<'a>>,
    right: Vec<IpAddr>,
}

fn caught<'a>(seen: &Seen<'a>, search: &Search<'a>) -> Vec<Caught<'a>> {
    // Who answers anything answers below suffixes too: that is no wildcard record.
    if search.said(seen, &seen.evidence.nowhere(), "A").is_some_and(|at| at.has_answer()) {
        return Vec::new();
    }
    seen.targets().filter_map(|target| caught_name(seen, search, target)).collect()
}

fn caught_name<'a>(seen: &Seen<'a>, search: &Search<'a>, target: &'a Target) -> Option<Caught<'a>> {
    let lookup = search.look_up(seen, Library::Glibc, &target.name);
    let (candidate, _) = lookup.asked.last()?;
    let suffix = search.suffix_of(candidate).filter(|_| !candidate.eq_ignore_ascii_case(&target.name))?;
    let random = search.below(seen, suffix).filter(|at| lookup.end == End::Found && at.has_answer())?;
    let wildcard = search.said(seen, candidate, "A").filter(|at| at.has_answer()).unwrap_or(random);
    let truth = search.said(seen, &target.name, "A").filter(|at| at.has_answer());
    let right = match &truth {
        _ if !target.expected.is_empty() => target.expected.clone(),
        Some(truth) => truth.addresses(),
        None => Vec::new(),
    };
    // A name that would not be found here without the record either has nothing to lose.
    let without = Library::Glibc.look_up(&search.conf, &target.name, |candidate| {
        let caught = search.suffix_of(candidate) == Some(suffix);
        if caught { Reply::NxDomain } else { search.reply(seen, candidate) }
    });
    let wrong = !right.is_empty() && wildcard.addresses().iter().all(|address| !right.contains(address));
    let wrong = wrong && without.end == End::Found;
    wrong.then(|| Caught { target, candidate: candidate.clone(), wildcard, truth, right })
}

fn sign(seen: &Seen<'_>, search: &Search<'_>, caught: &[Caught<'_>]) -> Option<Sign> {
    let one = caught.iter().find(|one| one.target.kind == Kind::External).or_else(|| caught.first())?;
    let place = &search.place.name;
    let libc = seen.libc(place, &one.target.name);
    let libc_agrees = libc.is_some_and(|libc| {
        let wrong = one.wildcard.addresses();
        !libc.addresses().is_empty() && libc.addresses().iter().any(|address| wrong.contains(address))
    });
    let asked_itself = one.wildcard.name.eq_ignore_ascii_case(&one.candidate);
    let confidence = if libc_agrees || asked_itself { Confidence::Certain } else { Confidence::Likely };
    let right: Vec<String> = one.right.iter().map(ToString::to_string).collect();
    let message = format!(
        "in {place}, `{}` is first looked up as `{}`, and a wildcard record answers that with {}; the name itself has {} \
         (ndots:{}, search {})",
        one.target.name,
        one.candidate,
        data(&one.wildcard),
        right.join(", "),
        search.conf.ndots,
        search.conf.search.join(" "),
    );
    let rests = caught.iter().flat_map(|one| [Some(one.wildcard.index), one.truth.map(|at| at.index)]);
    let sign = Sign::new(&search.client.id, confidence, message)
        .about(caught.iter().map(|one| one.target.name.as_str()))
        .resting_on(rests.flatten())
        .resting_on([search.file.index])
        .resting_on(libc.filter(|_| libc_agrees).map(|at| at.index));
    Some(sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{KNOWN, OUTSIDE, ROUTE, SERVICE, flags, openshift4};

    /// `example.com` has a wildcard record, and the pod searches there.
    fn wildcard() -> Evidence {
        let mut evidence = openshift4();
        let below = evidence.below("example.com");
        evidence.change("coredns", |at| at.name == below, |at| at.set_answer(&["203.0.113.7"], 300, flags("ra")));
        evidence
    }

    #[test]
    fn a_wildcard_record_in_the_search_list_takes_names_of_the_outside() {
        let mut evidence = wildcard();
        let signs = evidence.signs("F24");
        assert_eq!(signs.len(), 1);
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("pod", Confidence::Likely));
        // With ndots:5 even whole names of Services are searched; the Route's host has the same address either way.
        assert_eq!(signs[0].names, [OUTSIDE, SERVICE, KNOWN]);
        assert!(signs[0].message.contains("github.com.example.com") && signs[0].message.contains("203.0.113.7"));
        let asked = (MODE.ask)(&Seen::new(&evidence));
        assert!(asked.iter().any(|(place, one)| place == "pod" && one.name == "github.com.example.com"));

        let mut sure = evidence.question("pod", "coredns", "github.com.example.com", "A").again();
        sure.set_answer(&["203.0.113.7"], 300, flags("ra"));
        evidence.put(sure.clone());
        assert_eq!(evidence.signs("F24")[0].confidence, Confidence::Certain);
        // The record may be for other labels only: the candidate itself decides.
        sure.set_unknown_in_the_world();
        evidence.put(sure);
        assert!(!evidence.signs("F24")[0].names.contains(&OUTSIDE.to_owned()));
    }

    #[test]
    fn a_wildcard_record_does_no_harm_where_names_are_tried_first() {
        let mut evidence = wildcard();
        let file = "search team1.svc.cluster.local example.com\nnameserver 172.30.0.10\noptions ndots:1\n";
        evidence.file("pod", "/etc/resolv.conf", file);
        assert_eq!(evidence.signs("F24"), []);
    }

    #[test]
    fn who_answers_every_name_is_another_matter() {
        let mut evidence = wildcard();
        let nowhere = evidence.nowhere();
        evidence.change("coredns", |at| at.name == nowhere, |at| at.set_answer(&["203.0.113.7"], 300, flags("ra")));
        assert_eq!(evidence.signs("F24"), []);
        let mut evidence = openshift4();
        evidence.change("coredns", |at| at.name == ROUTE, |at| at.set_answer(&["203.0.113.7"], 300, flags("ra")));
        assert_eq!(evidence.signs("F24"), []);
    }
}
