//! F60: a resolver takes a signed zone for forged.

use std::collections::BTreeSet;

use super::{Mode, Stage};
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F60",
    code: "dnssec-bogus",
    title: "A resolver that validates takes a signed zone for forged and answers SERVFAIL",
    shows: "SERVFAIL for names of signed zones, and the answer as soon as the question has the bit CD (checking disabled); \
            extended errors 6 to 12 say why (7: signature expired, 8: not yet valid); names of unsigned zones are fine",
    mend: "set the resolver's clock, renew the zone's signatures or its DS record, update the trust anchor; until then except \
           the domain from validation (unbound `domain-insecure`, BIND `validate-except`)",
    stage: Stage::Special,
    explains: &["upstream-servfail", "zone-forward-fails", "upstreams-disagree", "search-suffix-fails"],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs = Vec::new();
    for name in names(seen) {
        let guilty: Vec<(&Hop, Bogus<'_>)> =
            seen.hops().filter_map(|hop| Some((hop, bogus(seen, hop, name)?))).collect();
        let is_last = |hop: &Hop| {
            !seen.asks_for(hop, name).iter().any(|next| guilty.iter().any(|(other, _)| other.id == next.id))
        };
        signs.extend(guilty.iter().filter(|(hop, _)| is_last(hop)).map(|(hop, found)| sign(hop, name, found)));
    }
    signs
}

/// Refused with validation, answered without.
struct Bogus<'a> {
    refused: Vec<At<'a>>,
    unchecked: At<'a>,
}

fn names<'a>(seen: &Seen<'a>) -> Vec<&'a str> {
    seen.targets().map(|target| target.name.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn bogus<'a>(seen: &Seen<'a>, hop: &Hop, name: &str) -> Option<Bogus<'a>> {
    let asked = || seen.asked(&hop.id).filter(|at| at.kind == "A" && at.name.eq_ignore_ascii_case(name));
    let checked: Vec<At<'a>> = asked().filter(|at| !at.checking_disabled && at.replied()).collect();
    let unchecked = asked().find(|at| at.checking_disabled && (at.said("NOERROR") || at.said("NXDOMAIN")))?;
    let constant = !checked.is_empty() && checked.iter().all(|at| at.said("SERVFAIL"));
    constant.then_some(Bogus { refused: checked, unchecked })
}

fn sign(hop: &Hop, name: &str, found: &Bogus<'_>) -> Sign {
    let error = found.refused.iter().flat_map(|at| at.observation().ede.iter()).next();
    let why = error.map(|error| format!(", extended error {}{}", error.code, meaning(error.code))).unwrap_or_default();
    let without = match found.unchecked.addresses().first() {
        Some(address) => address.to_string(),
        None => found.unchecked.rcode.clone().unwrap_or_default(),
    };
    let message = format!(
        "{}{} says SERVFAIL to {name}{why}, and {without} as soon as it is told not to validate",
        hop.id,
        hop.address.map(|address| format!(" ({address})")).unwrap_or_default(),
    );
    let sign = Sign::new(&hop.id, Confidence::Certain, message).about([name]);
    sign.resting_on(indexes(found.refused.iter().copied())).resting_on([found.unchecked.index])
}

/// Extended errors of RFC 8914 that validation gives.
fn meaning(code: u16) -> &'static str {
    match code {
        6 => " (bogus)",
        7 => " (signature expired)",
        8 => " (signature not yet valid)",
        9 => " (no key for the DS record)",
        10 => " (no signatures)",
        11 => " (no zone key)",
        12 => " (no NSEC)",
        _ => "",
    }
}

/// Every SERVFAIL is asked again, with validation and without.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for hop in seen.hops().filter(|hop| hop.role != Role::Client) {
        let Some(server) = hop.address else { continue };
        for name in names(seen) {
            let Some(failed) = seen.for_name(&hop.id, name, "A").find(|at| at.said("SERVFAIL")) else { continue };
            let again = Question::new(&hop.id, server, name, "A");
            let unchecked = Question { checking_disabled: true, ..again.clone() };
            questions.extend([again, unchecked].map(|question| (failed.vantage.clone(), question)));
        }
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{OUTSIDE, flags, openshift4};
    use crate::dns::evidence::Evidence;
    use crate::dns::seen::Seen;

    const PATH: [&str; 4] = ["coredns", "coredns/dns-default-a", "coredns/dns-default-b", "upstream-1"];

    fn failing() -> Evidence {
        let mut evidence = openshift4();
        for hop in PATH {
            evidence.change(
                hop,
                |at| at.name == OUTSIDE,
                |at| {
                    at.set_rcode("SERVFAIL", flags("ra"));
                    at.set_ede(7);
                },
            );
        }
        evidence
    }

    fn unchecked(evidence: &mut Evidence, hop: &str, rcode: &str) {
        let mut reply = evidence.question("node1", hop, OUTSIDE, "A").again();
        match rcode {
            "NOERROR" => reply.set_answer(&["140.82.112.3"], 60, flags("ra cd")),
            rcode => reply.set_rcode(rcode, flags("ra cd")),
        }
        reply.checking_disabled = true;
        evidence.observations.push(reply);
    }

    #[test]
    fn the_last_resolver_that_validates_is_blamed() {
        let mut evidence = failing();
        assert_eq!(evidence.signs("F60"), []);
        let asks = (super::MODE.ask)(&Seen::new(&evidence));
        assert_eq!(asks.iter().filter(|(_, asked)| asked.checking_disabled).count(), PATH.len());
        for hop in PATH {
            unchecked(&mut evidence, hop, "NOERROR");
        }
        let signs = evidence.signs("F60");
        assert_eq!((signs.len(), signs[0].hop.as_str()), (1, "upstream-1"));
        assert!(signs[0].message.contains("signature expired") && signs[0].message.contains("140.82.112.3"));
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut lame = failing();
        for hop in PATH {
            unchecked(&mut lame, hop, "SERVFAIL");
        }
        assert_eq!(lame.signs("F60"), [], "F15, F36: it fails either way");
        let mut passing = failing();
        unchecked(&mut passing, "upstream-1", "NOERROR");
        let mut better = passing.question("node1", "upstream-1", OUTSIDE, "A").again();
        better.set_answer(&["140.82.112.3"], 60, flags("ra"));
        passing.observations.push(better);
        assert_eq!(passing.signs("F60"), [], "it failed for a moment only");
        assert!((super::MODE.ask)(&Seen::new(&openshift4())).is_empty());
    }
}
