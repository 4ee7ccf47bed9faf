//! F38: answers that do not fit into UDP cannot be had by TCP.

use super::coredns::{named, outcome};
use super::{Mode, Stage};
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::{Transport, Trouble};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F38",
    code: "tcp-blocked",
    title: "a resolver answers by UDP, but its TCP port cannot be reached",
    shows: "small answers are fine; large ones come cut (tc=1), and TCP to the same server times out or is reset. musl before \
            1.2.4 takes the cut answer as it is. Where TCP works, a cut answer is no trouble",
    mend: "open TCP 53 (5353 for CoreDNS pods) wherever UDP 53 is open: firewalls, egress rules, the published ports of a container",
    stage: Stage::Special,
    explains: &[],
    find,
    ask,
};

/// Bytes of a UDP message without an OPT record.
const PLAIN: usize = 512;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let shows = |hop: &Hop| Blocked::of(seen, hop).is_some();
    let servers = seen.hops().filter(|hop| hop.role != Role::Client);
    let blocked = servers.filter_map(|hop| Some((hop, Blocked::of(seen, hop)?)));
    // Whoever asks a server whose TCP is blocked, or a dead one, fails by TCP too.
    let dead = |hop: &Hop| seen.asked(&hop.id).next().is_some() && !seen.asked(&hop.id).any(|at| at.replied());
    let from_another = |hop: &Hop, blocked: &Blocked<'_>| {
        let names = blocked.failed.iter().map(|at| at.name.as_str());
        let mut next = names.flat_map(|name| seen.asks_for(hop, name)).filter(|next| next.id != hop.id);
        next.any(|next| shows(next) || dead(next))
    };
    let alone = blocked.filter(|(hop, blocked)| !from_another(hop, blocked));
    alone.filter_map(|(hop, blocked)| blocked.sign(seen, hop)).collect()
}

/// TCP for each name whose answer was cut, and once more for the one that failed.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for hop in seen.hops() {
        let Some(address) = hop.address else { continue };
        let cut: Vec<At<'_>> = cut(seen, &hop.id);
        let blocked = Blocked::of(seen, hop).filter(|_| !cut.is_empty());
        let failed = blocked.into_iter().flat_map(|blocked| blocked.failed);
        for at in cut.into_iter().chain(failed).filter(|at| at.round < 2) {
            let question = Question::new(&hop.id, address, &at.name, &at.kind).by_tcp();
            questions.push((at.vantage.clone(), question));
        }
    }
    questions
}

/// Replies that were cut.
fn cut<'a>(seen: &Seen<'a>, hop: &str) -> Vec<At<'a>> {
    seen.asked(hop).filter(|at| at.transport == Transport::Udp && at.flag(|flags| flags.tc)).collect()
}

/// A reply that came whole, and would be cut for who offers no size in an OPT record, as C libraries do by default.
fn large<'a>(seen: &Seen<'a>, hop: &str) -> Option<At<'a>> {
    let is_large =
        |at: &At<'a>| at.transport == Transport::Udp && at.found() && at.size.is_some_and(|size| size > PLAIN);
    seen.asked(hop).find(is_large)
}

/// From one place UDP is answered and TCP never is.
struct Blocked<'a> {
    place: &'a str,
    udp: At<'a>,
    failed: Vec<At<'a>>,
}

impl<'a> Blocked<'a> {
    /// At every place that asked by TCP; at an upstream one place for which TCP works shows that the server is fine.
    fn of(seen: &Seen<'a>, hop: &'a Hop) -> Option<Self> {
        let mut blocked: Vec<Self> = Vec::new();
        for place in &hop.asked_from {
            let here =
                |transport| seen.asked(&hop.id).filter(move |at| at.vantage == *place && at.transport == transport);
            let failed: Vec<At<'a>> = here(Transport::Tcp).collect();
            let Some(udp) = here(Transport::Udp).find(|at| at.replied()).filter(|_| !failed.is_empty()) else {
                continue;
            };
            if failed.iter().all(unreachable) {
                blocked.push(Self { place, udp, failed });
            } else if hop.role == Role::Upstream {
                return None;
            }
        }
        let all: Vec<At<'a>> = blocked.iter().flat_map(|one| one.failed.clone()).collect();
        blocked.into_iter().next().map(|first| Self { failed: all, ..first })
    }

    /// Nothing where every answer is small: then nobody asks by TCP.
    fn sign(self, seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
        let (cut, large) = (cut(seen, &hop.id), large(seen, &hop.id));
        let names: Vec<&str> = cut.iter().map(|at| at.name.as_str()).collect();
        let is_cut = |at: &&At<'_>| names.contains(&at.name.as_str());
        let (confidence, what) = match cut.first() {
            None => {
                let large = large.as_ref()?;
                let what = format!(
                    "; its answer to `{}` has {} bytes, and is cut for who offers no size of its own (EDNS)",
                    large.name,
                    large.size.unwrap_or_default()
                );
                (Confidence::Possible, what)
            }
            Some(at) => {
                let sure = self.failed.len() > 1 && self.failed.iter().any(|failed| is_cut(&failed));
                let confidence = if sure { Confidence::Certain } else { Confidence::Likely };
                (confidence, format!("; its answer to `{}` is cut (tc=1), and the whole one cannot be had", at.name))
            }
        };
        let failed = self.failed.iter().find(is_cut).or_else(|| self.failed.first());
        let message = format!(
            "{} answers {} by UDP and not by TCP ({}){what}",
            named(hop),
            self.place,
            failed.map(|at| outcome(at)).unwrap_or_default(),
        );
        let rests = self.failed.iter().copied().chain(cut.iter().copied()).chain(large).chain([self.udp]);
        Some(Sign::new(&hop.id, confidence, message).about(names.iter().copied()).resting_on(indexes(rests)))
    }
}

fn unreachable(at: &At<'_>) -> bool {
    let troubles = [
        Trouble::Timeout,
        Trouble::Refused,
        Trouble::Closed,
        Trouble::HostUnreachable,
        Trouble::NetUnreachable,
        Trouble::NotPermitted,
    ];
    troubles.into_iter().any(|trouble| at.met(trouble))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, flags, openshift4};
    use crate::dns::observation::Observation;

    const PATH: [&str; 4] = ["coredns", "coredns/dns-default-a", "coredns/dns-default-b", "upstream-1"];

    fn blocked(hops: &[&str], trouble: Trouble) -> Evidence {
        let mut evidence = openshift4();
        for hop in hops {
            evidence.change(hop, |at| at.transport == Transport::Tcp, |at| at.set_trouble(trouble));
        }
        evidence
    }

    fn cut_answers(evidence: &mut Evidence) {
        for hop in PATH {
            let fits = |at: &Observation| at.name == OUTSIDE && at.kind == "A" && at.transport == Transport::Udp;
            evidence.change(hop, fits, |at| at.set_rcode("NOERROR", flags("ra tc")));
        }
    }

    #[test]
    fn a_server_without_tcp_is_trouble_once_an_answer_is_cut() {
        for trouble in [Trouble::Timeout, Trouble::Refused] {
            let mut evidence = blocked(&["upstream-1"], trouble);
            assert_eq!(evidence.signs("F38"), [], "nothing that is asked needs TCP");
            assert_eq!((MODE.ask)(&Seen::new(&evidence)), []);
            evidence.change("upstream-1", |at| at.name == OUTSIDE && at.has_answer(), |at| at.size = Some(600));
            let signs = evidence.signs("F38");
            assert_eq!((signs.len(), signs[0].confidence), (1, Confidence::Possible));
            assert!(signs[0].message.contains("has 600 bytes"), "{}", signs[0].message);
            cut_answers(&mut evidence);
            assert_eq!(evidence.signs("F38")[0].confidence, Confidence::Likely);
            let asked = (MODE.ask)(&Seen::new(&evidence));
            assert!(asked.iter().any(|(_, one)| one.hop == "upstream-1" && one.name == OUTSIDE));
            let mut tcp = evidence.question("node1", "upstream-1", OUTSIDE, "A").again();
            tcp.transport = Transport::Tcp;
            tcp.set_trouble(trouble);
            evidence.put(tcp);
            let signs = evidence.signs("F38");
            assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("upstream-1", Confidence::Certain));
            assert_eq!(signs[0].names, [OUTSIDE]);
        }
    }

    #[test]
    fn whoever_asks_it_is_not_to_blame() {
        let mut evidence = blocked(&PATH, Trouble::Timeout);
        cut_answers(&mut evidence);
        let hops: Vec<String> = evidence.signs("F38").into_iter().map(|sign| sign.hop).collect();
        assert_eq!(hops, ["upstream-1"]);
    }

    #[test]
    fn cut_answers_that_come_by_tcp_and_dead_servers_are_silent() {
        let mut evidence = openshift4();
        cut_answers(&mut evidence);
        assert_eq!(evidence.signs("F38"), []);
        let mut evidence = openshift4();
        evidence.change_all("upstream-1", Observation::set_silent);
        assert_eq!(evidence.signs("F38"), []);
    }
}
