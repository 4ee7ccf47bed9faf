//! F25: a resolver answers names that do not exist.

use super::coredns::{data, named, origins};
use super::{Mode, Stage};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F25",
    code: "nxdomain-rewritten",
    title: "a resolver outside answers names that do not exist with an address of its own",
    shows: "a label under a top-level domain that does not exist resolves, and so does any other; always to the same address. \
            Search lists then end at their first suffix, and Services that are gone still resolve",
    mend: "use another upstream; or let dnsmasq turn the address back into a denial: `bogus-nxdomain=ADDRESS`",
    stage: Stage::Next,
    explains: &["wildcard-in-search", "search-amplification", "single-label-blocked"],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let name = seen.evidence.nowhere();
    let shows = |hop: &Hop| made_up(seen, hop).is_some();
    origins(seen, &name, shows).into_iter().filter_map(|hop| sign(seen, hop)).collect()
}

fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let name = seen.evidence.nowhere();
    let question = |hop: &Hop| {
        let at = made_up(seen, hop)?;
        Some((at.vantage.clone(), Question::new(&hop.id, hop.address?, &second(seen), "A")))
    };
    origins(seen, &name, |hop| made_up(seen, hop).is_some()).into_iter().filter_map(question).collect()
}

/// Another name that does not exist, under another top-level domain that does not.
fn second(seen: &Seen<'_>) -> String {
    format!("{}.nowhere-tld", seen.evidence.label)
}

fn made_up<'a>(seen: &Seen<'a>, hop: &Hop) -> Option<At<'a>> {
    seen.reply(&hop.id, &seen.evidence.nowhere(), "A").filter(|at| at.has_answer())
}

fn sign(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let at = made_up(seen, hop)?;
    let again = seen.reply(&hop.id, &second(seen), "A").filter(|again| again.addresses() == at.addresses());
    let confidence = if again.is_some() { Confidence::Certain } else { Confidence::Likely };
    let message = format!(
        "{} answers `{}`, a name that exists nowhere, with {}; it should say NXDOMAIN",
        named(hop),
        at.name,
        data(&at)
    );
    let fix = format!("ask another upstream than {}, or give dnsmasq `bogus-nxdomain={}`", named(hop), data(&at));
    Some(Sign::new(&hop.id, confidence, message).resting_on(indexes([at].into_iter().chain(again))).fix(fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::{flags, openshift3, openshift4};

    #[test]
    fn the_upstream_that_answers_anything_is_named_and_not_who_asks_it() {
        let mut evidence = openshift4();
        let nowhere = evidence.nowhere();
        for hop in ["coredns", "coredns/dns-default-a", "coredns/dns-default-b", "upstream-1"] {
            evidence.change(hop, |at| at.name == nowhere, |at| at.set_answer(&["92.242.140.68"], 60, flags("ra")));
        }
        let signs = evidence.signs("F25");
        assert_eq!(signs.len(), 1);
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("upstream-1", Confidence::Likely));
        let asked = (MODE.ask)(&Seen::new(&evidence));
        assert_eq!(asked[0].1.name, "lsdeploy-qzwx.nowhere-tld");
        let mut again = evidence.question("node1", "upstream-1", "lsdeploy-qzwx.nowhere-tld", "A").again();
        again.set_answer(&["92.242.140.68"], 60, flags("ra"));
        evidence.put(again);
        assert_eq!(evidence.signs("F25")[0].confidence, Confidence::Certain);
    }

    #[test]
    fn a_wildcard_record_of_a_real_domain_is_no_rewriting() {
        let mut evidence = openshift3();
        let any = evidence.any_route().unwrap();
        evidence.change("upstream-2", |at| at.name == any, |at| at.set_answer(&["203.0.113.9"], 60, flags("ra")));
        assert_eq!(evidence.signs("F25"), []);
    }
}
