//! F43: CoreDNS still gives what the upstream has already changed.

use std::collections::BTreeSet;

use super::coredns::{data, joined, named, servers};
use super::{Mode, Stage};
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F43",
    code: "coredns-stale-answer",
    title: "CoreDNS gives an answer from its cache that the upstream has changed meanwhile",
    shows: "the answer of one CoreDNS pod has the flags aa and ra and a time to live that counts down; the upstream gives another \
            one, the same every time. It ends by itself when the time is over, at most after 15 minutes. A record that rotates \
            differs at the upstream from question to question",
    mend: "wait, or restart the DNS pods: `oc delete pod -n openshift-dns -l dns.operator.openshift.io/daemonset-dns=default`; \
           `spec.cache.positiveTTL` and `negativeTTL` of `dns.operator/default` bound the time",
    stage: Stage::Siblings,
    explains: &["upstreams-disagree"],
    find,
    ask,
};

/// How often the upstream is asked again, to see whether it says the same every time; and how far apart, in milliseconds.
const REPEATS: u64 = 4;
const APART_MS: u64 = 300;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs: Vec<Sign> = Vec::new();
    for name in seen.outside_names() {
        for kind in ["A", "AAAA"] {
            let stale: Vec<Stale<'_>> =
                servers(seen).into_iter().filter_map(|hop| Stale::of(seen, hop, name, kind)).collect();
            let hops: Vec<&Hop> = stale.iter().map(|stale| stale.hop).collect();
            let blamed = joined(seen, &hops);
            signs.extend(stale.first().and_then(|stale| stale.sign(seen, blamed.first()?)));
        }
    }
    signs
}

/// The upstreams several times, and the stale one twice.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for name in seen.outside_names() {
        for kind in ["A", "AAAA"] {
            for stale in servers(seen).into_iter().filter_map(|hop| Stale::of(seen, hop, name, kind)) {
                let asked = stale.upstreams.iter().map(|hop| (*hop, REPEATS)).chain([(stale.hop, 2)]);
                for (hop, times) in asked {
                    let Some(address) = hop.address else { continue };
                    let again = |turn: u64| Question::new(&hop.id, address, name, kind).after((turn + 1) * APART_MS);
                    questions.extend((0..times).map(again).map(|question| (hop.vantage.clone(), question)));
                }
            }
        }
    }
    questions
}

/// An answer from the cache that nobody gives any more who is asked for it.
struct Stale<'a> {
    hop: &'a Hop,
    kept: Vec<At<'a>>,
    upstreams: Vec<&'a Hop>,
    fresh: Vec<At<'a>>,
}

impl<'a> Stale<'a> {
    fn of(seen: &Seen<'a>, hop: &'a Hop, name: &str, kind: &str) -> Option<Self> {
        let upstreams: Vec<&Hop> =
            seen.asks_for(hop, name).into_iter().filter(|next| next.role == Role::Upstream).collect();
        let replies = |hop: &Hop| seen.for_name(&hop.id, name, kind).filter(|at| at.replied()).collect::<Vec<_>>();
        let fresh: Vec<At<'a>> = upstreams.iter().flat_map(|upstream| replies(upstream)).collect();
        // Only the last answers count: an older one may have left the cache meanwhile.
        let all = replies(hop);
        let last = all.iter().map(|at| at.round).max()?;
        let kept: Vec<At<'a>> = all.into_iter().filter(|at| at.round == last).collect();
        let denied = |at: &At<'_>| at.said("NXDOMAIN") || at.no_data();
        // A truncated answer holds any part of the whole.
        let judged = |at: &At<'_>| !at.flag(|flags| flags.tc) && (at.has_answer() || denied(at));
        let from_cache = kept.iter().all(|at| at.flag(|flags| flags.aa && flags.ra) && judged(at));
        let steady = fresh.iter().all(judged) && fresh.windows(2).all(|two| said(&two[0]) == said(&two[1]));
        let (old, new) = (said(kept.first()?), said(fresh.first()?));
        let differs = if old.is_empty() || new.is_empty() { old != new } else { old.is_disjoint(&new) };
        (from_cache && steady && differs).then_some(Self { hop, kept, upstreams, fresh })
    }

    fn sign(&self, seen: &Seen<'_>, blamed: &Hop) -> Option<Sign> {
        let (old, new) = (self.kept.first()?, self.fresh.first()?);
        let words = |at: &At<'_>| if at.has_answer() { data(at) } else { at.rcode.clone().unwrap_or_default() };
        // Once it might be a record that rotates; or two that were asked in the same moment of a change.
        let confidence = if self.fresh.len() > 2 { Confidence::Likely } else { Confidence::Possible };
        let right_there = servers(seen).into_iter().find(|other| {
            let mut replies = seen.for_name(&other.id, &old.name, &old.kind).filter(|at| at.replied());
            other.id != self.hop.id && replies.any(|at| said(&at) == said(new))
        });
        let left = old.ttl().or_else(|| old.soa().map(|soa| soa.ttl)).unwrap_or_default();
        let contrast = right_there.map_or_else(String::new, |other| format!("; {} gives that too", other.id));
        let message = format!(
            "{} answers `{}` {} with {} from its cache, for {left} s more; {} gives {}, {} times of {}{contrast}",
            named(blamed),
            old.name,
            old.kind,
            words(old),
            self.upstreams.iter().map(|hop| named(hop)).collect::<Vec<_>>().join(", "),
            words(new),
            self.fresh.len(),
            self.fresh.len(),
        );
        let rests = indexes(self.kept.iter().chain(&self.fresh).copied());
        Some(Sign::new(&blamed.id, confidence, message).about([old.name.as_str()]).resting_on(rests))
    }
}

/// The data of the records that were asked for; empty for a denial.
fn said(at: &At<'_>) -> BTreeSet<String> {
    at.answers.iter().filter(|record| record.kind == at.kind).map(|record| record.data.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, flags, openshift4};
    use crate::dns::observation::Observation;

    const POD: &str = "coredns/dns-default-b";

    fn is_it(at: &Observation) -> bool {
        at.name == OUTSIDE && at.kind == "A"
    }

    /// One pod keeps an old address; the upstream was asked four times more and said these.
    fn stale(upstream: [&str; 4], pod: &str) -> Evidence {
        let mut evidence = openshift4();
        evidence.change(POD, is_it, |at| at.set_answer(&["192.0.2.1"], 411, flags(pod)));
        let asked = evidence.observations.iter().find(|at| at.hop == "upstream-1" && is_it(at)).unwrap().again();
        for address in upstream {
            let mut again = asked.clone();
            again.set_answer(&[address], 60, flags("ra"));
            evidence.observations.push(again);
        }
        evidence
    }

    #[test]
    fn a_cached_answer_that_the_upstream_has_changed_is_found() {
        let evidence = stale(["140.82.112.3"; 4], "aa ra");
        let signs = evidence.signs("F43");
        assert_eq!(signs.len(), 1);
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), (POD, Confidence::Likely));
        assert!(signs[0].message.contains("411 s more"), "{}", signs[0].message);
        assert!(signs[0].message.contains("coredns/dns-default-a gives that too"), "{}", signs[0].message);
        let asked = (MODE.ask)(&Seen::new(&evidence));
        assert_eq!(asked.iter().filter(|(_, one)| one.hop == "upstream-1").count(), 4);
    }

    #[test]
    fn a_denial_that_outlived_its_name_is_found() {
        let mut evidence = stale(["140.82.112.3"; 4], "aa ra");
        evidence.change(POD, is_it, |at| at.set_negative("NXDOMAIN", None, flags("aa ra")));
        assert_eq!(evidence.signs("F43")[0].confidence, Confidence::Likely);
    }

    #[test]
    fn a_record_that_rotates_and_an_answer_that_is_not_cached_are_silent() {
        assert_eq!(stale(["140.82.112.3", "192.0.2.1", "140.82.112.3", "192.0.2.9"], "aa ra").signs("F43"), []);
        assert_eq!(stale(["140.82.112.3"; 4], "ra").signs("F43"), []);
        assert_eq!(openshift4().signs("F43"), []);
    }
}
