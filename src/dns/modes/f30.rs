//! F30: A is answered, AAAA of the same name is not.

use super::coredns::{named, origins, outcome};
use super::{Mode, Stage};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F30",
    code: "aaaa-broken",
    title: "a name has an A record, but the question for AAAA is dropped, failed or denied",
    shows: "A comes at once; AAAA is silent (lookups take 5 s), SERVFAIL, or NXDOMAIN, which says that the name does not exist \
            at all. `getent ahostsv4` is fast, `getent ahosts` slow or in vain",
    mend: "mend the server of the name: AAAA of a name without IPv6 is NOERROR without records. Until then `options \
           single-request-reopen`, or `filter-AAAA` in dnsmasq 2.87 and newer",
    stage: Stage::Special,
    explains: &["same-port-race"],
    find,
    ask,
};

/// How often AAAA is asked again when it was silent.
const REPEATS: u64 = 3;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs: Vec<Sign> = Vec::new();
    for target in seen.targets() {
        for hop in origins(seen, &target.name, |hop| Broken::of(seen, hop, &target.name).is_some()) {
            match signs.iter_mut().find(|sign| sign.hop == hop.id) {
                Some(sign) => sign.names.push(target.name.clone()),
                None => signs.extend(Broken::of(seen, hop, &target.name).map(|broken| broken.sign(hop, &target.name))),
            }
        }
    }
    signs
}

/// AAAA and A again, after a silence that may have been a loss.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for target in seen.targets() {
        for hop in seen.hops() {
            let (Some(broken), Some(address)) = (Broken::of(seen, hop, &target.name), hop.address) else { continue };
            if broken.aaaa.iter().any(|at| at.silent()) {
                let ask = |kind, turn: u64| Question::new(&hop.id, address, &target.name, kind).after(turn * 150);
                let again = (0..REPEATS).flat_map(|turn| [ask("AAAA", turn), ask("A", turn)]);
                questions.extend(again.map(|question| (broken.a.vantage.clone(), question)));
            }
        }
    }
    questions
}

/// A with an answer, and every AAAA with something worse than a denial of the type.
struct Broken<'a> {
    a: At<'a>,
    aaaa: Vec<At<'a>>,
    /// How often A was lost.
    lost: usize,
}

impl<'a> Broken<'a> {
    fn of(seen: &Seen<'a>, hop: &Hop, name: &str) -> Option<Self> {
        let mut answers = seen.for_name(&hop.id, name, "A");
        let a = answers.find(|at| at.has_answer())?;
        let here = |kind| seen.for_name(&hop.id, name, kind).filter(|at| at.vantage == a.vantage).collect::<Vec<_>>();
        let (all, aaaa) = (here("A"), here("AAAA"));
        let is_broken = |at: &At<'_>| at.silent() || at.said("NXDOMAIN") || at.said("SERVFAIL");
        let silent = |these: &[At<'_>]| these.iter().filter(|at| at.silent()).count();
        // A path that loses A as often loses packets, not a type.
        let lost = silent(&all);
        let rarely = lost == 0 || (aaaa.len() > 2 && lost * 3 <= all.len());
        let broken = !aaaa.is_empty() && aaaa.iter().all(is_broken) && rarely;
        broken.then_some(Self { a, aaaa, lost })
    }

    fn sign(&self, hop: &Hop, name: &str) -> Sign {
        let said = self.aaaa.iter().find(|at| at.replied());
        let confidence = match said {
            Some(at) if at.said("NXDOMAIN") => Confidence::Certain,
            Some(_) => Confidence::Likely,
            None if self.lost > 0 => Confidence::Likely,
            None if self.aaaa.len() > 1 => Confidence::Certain,
            None => Confidence::Possible,
        };
        let worst = said.or_else(|| self.aaaa.first()).map(|at| outcome(at)).unwrap_or_default();
        let times = match self.aaaa.len() {
            1 => String::new(),
            times => format!(", {times} times of {times}"),
        };
        let message =
            format!("{} answers A of `{name}` ({}) but not AAAA ({worst}{times})", named(hop), outcome(&self.a));
        Sign::new(&hop.id, confidence, message)
            .about([name])
            .resting_on(indexes(self.aaaa.iter().copied().chain([self.a])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, openshift4};
    use crate::dns::observation::Observation;

    const PATH: [&str; 4] = ["coredns", "coredns/dns-default-a", "coredns/dns-default-b", "upstream-1"];

    fn broken(change: impl Fn(&mut Observation)) -> Evidence {
        let mut evidence = openshift4();
        for hop in PATH {
            evidence.change(hop, |at| at.name == OUTSIDE && at.kind == "AAAA", &change);
        }
        evidence
    }

    #[test]
    fn an_upstream_that_denies_the_name_to_aaaa_is_named() {
        let signs = broken(Observation::set_unknown_in_the_world).signs("F30");
        assert_eq!(signs.len(), 1);
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("upstream-1", Confidence::Certain));
        assert_eq!(signs[0].names, [OUTSIDE]);
    }

    #[test]
    fn silence_is_asked_again_before_it_counts() {
        let mut evidence = broken(Observation::set_silent);
        assert_eq!(evidence.signs("F30")[0].confidence, Confidence::Possible);
        let asked = (MODE.ask)(&Seen::new(&evidence));
        assert!(asked.iter().any(|(_, one)| one.hop == "upstream-1" && one.kind == "AAAA"));
        let mut again = evidence.question("node1", "upstream-1", OUTSIDE, "AAAA").again();
        again.set_silent();
        let vantage = evidence.signs("F30")[0].evidence[0];
        again.vantage.clone_from(&evidence.observations[vantage].vantage);
        evidence.put(again.clone());
        assert_eq!(evidence.signs("F30")[0].confidence, Confidence::Certain);
        // It was a loss: the second time it came.
        again.set_negative("NOERROR", None, crate::dns::modes::fixtures::flags("ra"));
        evidence.put(again);
        assert!(evidence.signs("F30").iter().all(|sign| sign.hop != "upstream-1"));
    }

    #[test]
    fn a_name_without_ipv6_and_a_path_that_loses_packets_are_silent() {
        assert_eq!(openshift4().signs("F30"), []);
        let mut evidence = broken(Observation::set_silent);
        for hop in PATH {
            let mut lost = evidence.question("pod", hop, OUTSIDE, "A").again();
            lost.set_silent();
            evidence.put(lost);
        }
        assert_eq!(evidence.signs("F30"), []);
    }
}
