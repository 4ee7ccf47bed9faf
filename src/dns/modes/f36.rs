//! F36: an upstream does not answer, and whoever asks it waits.

use super::coredns::{gave_up, named, outcome, outside};
use super::{Mode, Stage};
use crate::dns::chain::{Hop, PlaceKind, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::{Transport, Trouble};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F36",
    code: "upstream-silent",
    title: "an upstream does not answer at all, and names of the outside hang",
    shows: "the upstream is silent or refuses from everywhere; CoreDNS says SERVFAIL without a SOA and without ra after 4 to 6 s, \
            later than clients wait; cluster names are fine. A slow upstream that does answer is not this",
    mend: "mend or replace the upstream: `oc edit dns.operator/default` (`spec.upstreamResolvers`) or the nodes' resolv.conf; see \
           that a firewall lets the nodes ask it",
    stage: Stage::Next,
    explains: &[
        "search-suffix-fails",
        "aaaa-broken",
        "tcp-blocked",
        "no-outside-dns",
        "reverse-silent",
        "search-amplification",
        "coredns-old-resolv-conf",
        "dnsmasq-table-full",
    ],
    find,
    ask,
};

/// CoreDNS gives up on its upstreams after five seconds.
const PATIENCE_MS: u64 = 5900;
/// An answer that took longer, in milliseconds, came after somebody else was waited for.
const SLOW: f64 = 1500.0;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.role(Role::Upstream).filter_map(|hop| Dead::of(seen, hop)?.sign(seen)).collect()
}

/// The dead one once more, and those that ask it, with the patience that they have themselves.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for dead in seen.role(Role::Upstream).filter_map(|hop| Dead::of(seen, hop)) {
        let Some(name) = seen.outside_names().first().copied() else { continue };
        for hop in [dead.hop].into_iter().chain(dead.askers) {
            let Some(address) = hop.address else { continue };
            let mut question = Question::new(&hop.id, address, name, "A");
            question.timeout_ms = (hop.role != Role::Upstream).then_some(PATIENCE_MS);
            questions.push((hop.vantage.clone(), question));
        }
    }
    questions
}

/// An upstream that answered nothing by UDP, from anywhere, and the resolvers that ask it for names of the outside.
struct Dead<'a> {
    hop: &'a Hop,
    asked: Vec<At<'a>>,
    askers: Vec<&'a Hop>,
}

impl<'a> Dead<'a> {
    fn of(seen: &Seen<'a>, hop: &'a Hop) -> Option<Self> {
        let asked: Vec<At<'a>> = seen.asked(&hop.id).filter(|at| at.transport == Transport::Udp).collect();
        if asked.is_empty() || asked.iter().any(|at| at.replied() || at.met(Trouble::Garbage)) {
            return None;
        }
        let asks = |asker: &&Hop| seen.asks_for(asker, ".").iter().any(|next| next.id == hop.id);
        let askers: Vec<&Hop> = seen.askers(&hop.id).filter(asks).filter(|asker| is_ours(seen, asker, hop)).collect();
        (!askers.is_empty()).then_some(Self { hop, asked, askers })
    }

    fn sign(&self, seen: &Seen<'_>) -> Option<Sign> {
        let hurt: Vec<At<'_>> = self.askers.iter().flat_map(|asker| hurt(seen, asker)).collect();
        let worst = hurt.iter().find(|at| gave_up(at)).or_else(|| hurt.first());
        let another = self.askers.iter().any(|asker| another_replies(seen, asker, self.hop));
        let confidence = match worst {
            None => Confidence::Possible,
            Some(_) if another || self.asked.len() < 3 => Confidence::Likely,
            Some(_) => Confidence::Certain,
        };
        let first = self.asked.first()?;
        let tcp = seen.asked(&self.hop.id).find(|at| at.transport == Transport::Tcp && at.replied());
        let how = if first.met(Trouble::Refused) { "refuses" } else { "does not answer" };
        let only = if tcp.is_some() { " by UDP (by TCP it does answer)" } else { "" };
        let askers: Vec<&str> = self.askers.iter().map(|hop| hop.id.as_str()).collect();
        let effect = match worst {
            Some(at) => format!("{}, which asks it, says {} to `{}`", at.hop, outcome(at), at.name),
            None => format!("{} asks it, and still answers in time", askers.join(", ")),
        };
        let message = format!(
            "{} {how}{only}: {} of {} queries came back with nothing ({}); {effect}",
            named(self.hop),
            self.asked.len(),
            self.asked.len(),
            outcome(first)
        );
        let targets =
            hurt.iter().map(|at| at.name.as_str()).filter(|name| seen.targets().any(|one| one.name == **name));
        let sign = Sign::new(&self.hop.id, confidence, message).about(targets);
        Some(sign.resting_on(indexes(self.asked.iter().copied().chain(hurt.iter().copied()).chain(tcp))))
    }
}

/// A resolver of the cluster or a client in it; a dnsmasq with another upstream is looked at elsewhere (F13), a workstation
/// without any too (F54).
fn is_ours(seen: &Seen<'_>, asker: &Hop, dead: &Hop) -> bool {
    match asker.role {
        Role::Workstation | Role::Upstream => false,
        Role::Dnsmasq => !another_replies(seen, asker, dead),
        Role::Client => {
            let place = seen.evidence.places.iter().find(|place| place.name == asker.vantage);
            // A pod that asks a server outside has a wrong file: F45, F51.
            place.is_some_and(|place| matches!(place.kind, PlaceKind::Node | PlaceKind::Other))
        }
        Role::Node | Role::Master | Role::Coredns => true,
    }
}

fn another_replies(seen: &Seen<'_>, asker: &Hop, dead: &Hop) -> bool {
    let others = seen.asks_for(asker, ".").into_iter().filter(|next| next.id != dead.id && next.role == Role::Upstream);
    others.into_iter().any(|next| seen.asked(&next.id).any(|at| at.replied()))
}

/// What an asker could not answer in time. A client is hurt when its own C library is.
fn hurt<'a>(seen: &Seen<'a>, asker: &Hop) -> Vec<At<'a>> {
    if asker.role == Role::Client {
        let lookups = seen.outside_names().into_iter().filter_map(|name| seen.libc(&asker.vantage, name));
        return lookups.filter(|libc| libc.ms >= SLOW || libc.silent()).collect();
    }
    let all = outside(seen, &asker.id);
    all.into_iter().filter(|at| at.silent() || at.said("SERVFAIL") || (at.replied() && at.ms >= SLOW)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, flags, openshift3, openshift4};
    use crate::dns::observation::Observation;

    const PODS: [&str; 3] = ["coredns", "coredns/dns-default-a", "coredns/dns-default-b"];

    fn dead(trouble: Trouble, asker: impl Fn(&mut Observation)) -> Evidence {
        let mut evidence = openshift4();
        evidence.change_all("upstream-1", |at| at.set_trouble(trouble));
        for hop in PODS {
            evidence.change(hop, |at| at.name == OUTSIDE, &asker);
        }
        evidence
    }

    #[test]
    fn a_dead_upstream_is_named_whether_it_is_silent_or_closed() {
        for trouble in [Trouble::Timeout, Trouble::Refused] {
            let signs = dead(trouble, |at| at.set_rcode("SERVFAIL", flags(""))).signs("F36");
            assert_eq!(signs.len(), 1);
            assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("upstream-1", Confidence::Certain));
            assert_eq!(signs[0].names, [OUTSIDE]);
        }
        let evidence = dead(Trouble::Timeout, Observation::set_silent);
        let asked = (MODE.ask)(&Seen::new(&evidence));
        assert!(asked.iter().any(|(_, one)| one.hop == "coredns/dns-default-a" && one.timeout_ms == Some(PATIENCE_MS)));
    }

    #[test]
    fn an_upstream_of_900_ms_is_alive() {
        let mut evidence = openshift4();
        for hop in PODS.iter().chain(&["upstream-1"]) {
            evidence.change(hop, |at| at.name == OUTSIDE, |at| at.ms = 900.0);
        }
        assert_eq!(evidence.signs("F36"), []);
        evidence.change("upstream-1", |at| at.vantage == "pod", Observation::set_silent);
        assert_eq!(evidence.signs("F36"), [], "pods may not ask it, the node may");
    }

    #[test]
    fn a_dead_one_behind_a_cache_that_still_answers_is_only_possible() {
        let mut evidence = openshift4();
        evidence.change_all("upstream-1", Observation::set_silent);
        assert_eq!(evidence.signs("F36")[0].confidence, Confidence::Possible);
    }

    #[test]
    fn a_dead_one_of_two_is_for_dnsmasq_another_matter() {
        let mut evidence = openshift3();
        evidence.change_all("upstream-1", Observation::set_silent);
        assert!(evidence.signs("F36").iter().all(|sign| sign.confidence == Confidence::Possible));
    }
}
