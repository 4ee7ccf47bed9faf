//! F28: the search list makes many questions of one, and they take their time.

use super::lookups::Search;
use super::{Mode, Stage, nothing_more};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::search::{End, Library, Reply};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F28",
    code: "search-amplification",
    title: "the search list asks many questions in vain before the right one",
    shows: "with ndots:5 a name of the outside is first tried below every suffix, A and AAAA each; all are denied. The name \
            with a last dot is several times as fast. Nothing is broken, it is only slow",
    mend: "write the name with a last dot, or give the pod `dnsConfig: {options: [{name: ndots, value: \"2\"}]}`",
    stage: Stage::Search,
    explains: &[],
    find,
    ask: nothing_more,
};

/// Milliseconds that a lookup may lose without a word.
const WORTH_SAYING: f64 = 200.0;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    Search::all(seen).iter().filter_map(|search| slowest(seen, search)).collect()
}

/// The name that loses most at this place.
fn slowest(seen: &Seen<'_>, search: &Search<'_>) -> Option<Sign> {
    let mut lost: Vec<_> = seen.targets().filter_map(|target| lost(seen, search, &target.name)).collect();
    let names: Vec<&str> = lost.iter().map(|(name, ..)| *name).collect();
    lost.sort_by(|(_, one, _), (_, other, _)| total(other).total_cmp(&total(one)));
    let (name, denials, itself) = lost.into_iter().next()?;
    let message = format!(
        "in {}, `{name}` is tried below {} suffixes first (ndots:{}), which takes {:.0} ms in vain; the name itself takes \
         {:.0} ms",
        search.place.name,
        denials.len(),
        search.conf.ndots,
        total(&denials),
        itself.ms,
    );
    let sign = Sign::new(&search.client.id, Confidence::Possible, message).about(names);
    Some(sign.resting_on(indexes(denials.into_iter().chain([itself]))).resting_on([search.file.index]))
}

/// The denials before the answer to a name, when they take longer than that answer and are worth saying.
fn lost<'a>(seen: &Seen<'a>, search: &Search<'a>, name: &'a str) -> Option<(&'a str, Vec<At<'a>>, At<'a>)> {
    let lookup = search.look_up(seen, Library::Glibc, name);
    let (winner, in_vain) = lookup.asked.split_last().filter(|_| lookup.end == End::Found)?;
    let itself = search.said(seen, &winner.0, "A").filter(|at| at.replied() && winner.0.eq_ignore_ascii_case(name))?;
    let denials: Vec<At<'_>> = in_vain
        .iter()
        .filter(|(_, reply)| matches!(reply, Reply::NxDomain | Reply::NoData))
        .filter_map(|(candidate, _)| {
            search.said(seen, candidate, "A").or_else(|| search.below(seen, search.suffix_of(candidate)?))
        })
        .filter(|at| at.replied())
        .collect();
    let lost = total(&denials);
    (lost >= WORTH_SAYING && lost >= itself.ms).then_some((name, denials, itself))
}

fn total(denials: &[At<'_>]) -> f64 {
    denials.iter().map(|at| at.ms).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::{KNOWN, OUTSIDE, ROUTE, SERVICE, openshift4};

    #[test]
    fn slow_denials_before_a_name_are_possible_and_no_more() {
        let mut evidence = openshift4();
        let label = evidence.label.clone();
        evidence.change("coredns", |at| at.name.starts_with(&label), |at| at.ms = 120.0);
        let signs = evidence.signs("F28");
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("pod", Confidence::Possible));
        assert_eq!(signs[0].names, [OUTSIDE, ROUTE, SERVICE, KNOWN]);
        assert!(signs[0].message.contains("480 ms"), "{}", signs[0].message);
    }

    #[test]
    fn quick_denials_and_a_slow_name_are_silent() {
        assert_eq!(openshift4().signs("F28"), []);
        let mut evidence = openshift4();
        evidence.change("coredns", |at| at.name == OUTSIDE, |at| at.ms = 900.0);
        assert_eq!(evidence.signs("F28"), []);
        let label = evidence.label.clone();
        evidence.change("coredns", |at| at.name.starts_with(&label), |at| at.ms = 120.0);
        evidence.file("pod", "/etc/resolv.conf", "search cluster.local example.com\nnameserver 172.30.0.10\n");
        assert_eq!(evidence.signs("F28"), [], "with ndots:1 the name itself comes first");
    }
}
