//! F28: the search list makes many questions of one, and they take their time.

use super::lookups::Search;
use super::{Mode, Stage};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
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
    ask,
};

/// Milliseconds that a lookup may lose without a word.
const WORTH_SAYING: f64 = 200.0;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    Search::all(seen).iter().filter_map(|search| slowest(seen, search)).collect()
}

/// The denials once more, of labels that are in no cache. All questions of the first round are sent at once, and a
/// machine that is busy with them makes each look slow.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for search in Search::all(seen) {
        let lost: Vec<Lost<'_>> = seen.targets().filter_map(|target| Lost::of(seen, &search, &target.name)).collect();
        for denial in lost.iter().flat_map(|lost| &lost.denials) {
            let Some(address) = seen.hop(&denial.first.hop).and_then(|hop| hop.address) else { continue };
            let question = Question::new(&denial.first.hop, address, &denial.again, "A");
            if !questions.contains(&(search.place.name.clone(), question.clone())) {
                questions.push((search.place.name.clone(), question));
            }
        }
    }
    questions
}

/// The name that loses most at this place.
fn slowest(seen: &Seen<'_>, search: &Search<'_>) -> Option<Sign> {
    let mut lost: Vec<Lost<'_>> = seen.targets().filter_map(|target| Lost::of(seen, search, &target.name)).collect();
    let names: Vec<&str> = lost.iter().map(|lost| lost.name).collect();
    lost.sort_by(|one, other| other.total().total_cmp(&one.total()));
    let lost = lost.into_iter().next()?;
    let message = format!(
        "in {}, `{}` is tried below {} suffixes first (ndots:{}), which takes {:.0} ms in vain; the name itself takes \
         {:.0} ms",
        search.place.name,
        lost.name,
        lost.denials.len(),
        search.conf.ndots,
        lost.total(),
        lost.itself.ms,
    );
    let sign = Sign::new(&search.client.id, Confidence::Possible, message).about(names);
    let denials = lost.denials.iter().flat_map(|denial| [Some(denial.first), denial.second].into_iter().flatten());
    Some(sign.resting_on(indexes(denials.chain([lost.itself]))).resting_on([search.file.index]))
}

/// The denials before the answer to a name, when they take longer than that answer and are worth saying.
struct Lost<'a> {
    name: &'a str,
    denials: Vec<Denial<'a>>,
    itself: At<'a>,
}

/// A candidate that does not exist, and a label beside it in the second round.
struct Denial<'a> {
    first: At<'a>,
    again: String,
    second: Option<At<'a>>,
}

impl<'a> Lost<'a> {
    fn of(seen: &Seen<'a>, search: &Search<'a>, name: &'a str) -> Option<Self> {
        let lookup = search.look_up(seen, Library::Glibc, name);
        let (winner, in_vain) = lookup.asked.split_last().filter(|_| lookup.end == End::Found)?;
        let itself =
            search.said(seen, &winner.0, "A").filter(|at| at.replied() && winner.0.eq_ignore_ascii_case(name))?;
        let denials = in_vain
            .iter()
            .filter(|(_, reply)| matches!(reply, Reply::NxDomain | Reply::NoData))
            .filter_map(|(candidate, _)| Denial::of(seen, search, candidate))
            .collect();
        let lost = Self { name, denials, itself };
        let total = lost.total();
        (total >= WORTH_SAYING && total >= itself.ms).then_some(lost)
    }

    fn total(&self) -> f64 {
        self.denials.iter().map(Denial::ms).sum()
    }
}

impl<'a> Denial<'a> {
    fn of(seen: &Seen<'a>, search: &Search<'a>, candidate: &str) -> Option<Self> {
        let suffix = search.suffix_of(candidate)?;
        let first = search.said(seen, candidate, "A").or_else(|| search.below(seen, suffix));
        let first = first.filter(|at| at.replied())?;
        let again = format!("{}-again.{}", seen.evidence.label, suffix.trim_matches('.'));
        let second = seen.reply_at(&search.place.name, &first.hop, &again, "A").filter(|at| at.replied());
        Some(Self { first, again, second })
    }

    fn ms(&self) -> f64 {
        self.second.map_or(self.first.ms, |second| second.ms.min(self.first.ms))
    }
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
    fn denials_that_are_quick_when_asked_alone_are_silent() {
        let mut evidence = openshift4();
        let label = evidence.label.clone();
        evidence.change("coredns", |at| at.name.starts_with(&label), |at| at.ms = 120.0);
        let asked = (MODE.ask)(&Seen::new(&evidence));
        assert_eq!(asked.len(), 4, "{asked:?}");
        for (vantage, question) in asked {
            assert!(question.name.starts_with(&format!("{label}-again.")), "{}", question.name);
            let mut again = evidence.question(&vantage, &question.hop, &question.name, "A").again();
            again.set_unknown_in_the_world();
            evidence.put(again);
        }
        assert_eq!(evidence.signs("F28"), []);
        evidence.change("coredns", |at| at.round == 2, |at| at.ms = 90.0);
        let signs = evidence.signs("F28");
        assert!(signs[0].message.contains("360 ms"), "{}", signs[0].message);
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
