//! F37: an upstream sends more by UDP than was asked for.

use super::coredns::{named, outcome};
use super::{Mode, Stage};
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::{Transport, Trouble};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F37",
    code: "oversized-udp-answer",
    title: "an upstream sends an answer by UDP that is larger than the question allows, without the mark that it is cut",
    shows: "always the same few names fail through CoreDNS (SERVFAIL, log `overflow unpacking uint16`), while the upstream \
            answers them directly; its UDP reply is larger than 512 bytes, or than the EDNS size, with tc=0. TCP works (else it \
            is F38)",
    mend: "ask that upstream by TCP: `protocolStrategy: TCP` beside it in `dns.operator/default`; or mend it; a newer CoreDNS \
           asks again by TCP itself",
    stage: Stage::Special,
    explains: &["tcp-blocked", "dnssec-bogus"],
    find,
    ask,
};

/// What fits into an answer to a question without EDNS.
const PLAIN: u16 = 512;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let upstreams = seen.role(Role::Upstream).filter(|hop| hop.address.is_some());
    upstreams.filter_map(|hop| sign(seen, hop)).collect()
}

/// What the upstream sends to those who offer little, for names that whoever asks it cannot give.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for hop in seen.role(Role::Upstream) {
        let Some(address) = hop.address else { continue };
        for at in large(seen, hop) {
            let ask = Question::new(&hop.id, address, &at.name, &at.kind);
            let small = Question { edns: Some(PLAIN), ..ask.clone() };
            let all = [ask.clone().without_edns(), small, ask.by_tcp()];
            questions.extend(all.map(|question| (at.vantage.clone(), question)));
            for asker in askers(seen, hop, &at.name) {
                let by_tcp =
                    asker.address.map(|address| Question::new(&asker.id, address, &at.name, &at.kind).by_tcp());
                questions.extend(by_tcp.map(|question| (asker.vantage.clone(), question)));
            }
        }
    }
    questions
}

/// Answers of an upstream that do not fit into a plain one, to names that somebody who asks it did not give whole by UDP.
fn large<'a>(seen: &Seen<'a>, hop: &Hop) -> Vec<At<'a>> {
    let mut found: Vec<At<'a>> = Vec::new();
    for at in seen.asked(&hop.id).filter(|at| at.round < 2 && at.transport == Transport::Udp) {
        let big = at.size.is_some_and(|size| size > usize::from(PLAIN)) || at.met(Trouble::Garbage);
        let lost = || askers(seen, hop, &at.name).into_iter().any(|asker| not_whole(seen, asker, &at, Transport::Udp));
        if big && lost() && !found.iter().any(|other| other.name == at.name && other.kind == at.kind) {
            found.push(at);
        }
    }
    found
}

fn askers<'a>(seen: &Seen<'a>, hop: &Hop, name: &str) -> Vec<&'a Hop> {
    let asks = |asker: &&Hop| seen.asks_for(asker, name).iter().any(|next| next.id == hop.id);
    seen.askers(&hop.id).filter(asks).filter(|asker| asker.role != Role::Client).collect()
}

/// The answer that an asker did not give: it failed, was silent or cut.
fn not_whole(seen: &Seen<'_>, asker: &Hop, of: &At<'_>, transport: Transport) -> bool {
    failure(seen, asker, of, transport).is_some()
}

fn failure<'a>(seen: &Seen<'a>, asker: &Hop, of: &At<'_>, transport: Transport) -> Option<At<'a>> {
    let same = |at: &At<'_>| at.name == of.name && at.kind == of.kind && at.transport == transport;
    let failed = |at: &At<'_>| !at.replied() || at.said("SERVFAIL") || at.flag(|flags| flags.tc);
    let mut all = seen.asked(&asker.id).filter(same).collect::<Vec<_>>();
    all.iter().all(failed).then(|| all.pop()).flatten()
}

/// A reply by UDP that is larger than the question allowed, and is not marked as cut.
fn is_oversized(at: &At<'_>) -> bool {
    let allowed = usize::from(at.edns.unwrap_or(PLAIN).max(PLAIN));
    let cut = at.flag(|flags| flags.tc);
    at.transport == Transport::Udp && !cut && at.size.is_some_and(|size| size > allowed)
}

fn sign(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let oversized: Vec<At<'_>> = seen.asked(&hop.id).filter(is_oversized).collect();
    let first = oversized.first()?;
    let hurt = oversized.iter().find_map(|at| {
        let mut askers = askers(seen, hop, &at.name).into_iter();
        askers.find_map(|asker| Some((asker, failure(seen, asker, at, Transport::Udp)?, at)))
    });
    let by_tcp = hurt.and_then(|(asker, _, at)| failure(seen, asker, at, Transport::Tcp));
    let confidence = match &hurt {
        // Cut answers are asked for again by TCP; that this does not work either is what hurts.
        Some((_, failure, _)) if !failure.flag(|flags| flags.tc) || by_tcp.is_some() => Confidence::Certain,
        _ => Confidence::Possible,
    };
    let allowed = first.edns.map_or_else(|| "no EDNS, so 512".to_owned(), |size| size.to_string());
    let effect = hurt.as_ref().map_or_else(String::new, |(asker, failure, _)| {
        let tcp = by_tcp.map(|at| format!(", and by TCP {}", outcome(&at))).unwrap_or_default();
        let cut = if failure.flag(|flags| flags.tc) { " (cut)" } else { "" };
        format!("; {} makes {}{cut} of it{tcp}", asker.id, outcome(failure))
    });
    let message = format!(
        "{} answers `{}` with {} bytes by UDP, where {allowed} were allowed, and does not mark it as cut{effect}",
        named(hop),
        first.name,
        first.size.unwrap_or_default(),
    );
    let rests = oversized.iter().copied().chain(hurt.map(|(_, failure, _)| failure)).chain(by_tcp);
    let sign = Sign::new(&hop.id, confidence, message).about(oversized.iter().map(|at| at.name.as_str()));
    Some(sign.resting_on(indexes(rests)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, flags, openshift4};

    /// The upstream answers with so many bytes to a question that allowed so many, and CoreDNS gives this.
    fn big(size: usize, edns: Option<u16>, rcode: &str, asker: &str) -> Evidence {
        let mut evidence = openshift4();
        evidence.change("upstream-1", |at| at.name == OUTSIDE && at.kind == "A", |at| at.size = Some(900));
        for hop in ["coredns", "coredns/dns-default-a", "coredns/dns-default-b"] {
            let fits = |at: &crate::dns::observation::Observation| at.name == OUTSIDE && at.kind == "A";
            evidence.change(hop, fits, |at| at.set_rcode(rcode, flags(asker)));
        }
        let mut plain = evidence.question("node1", "upstream-1", OUTSIDE, "A").again();
        plain.set_answer(&["140.82.112.3"], 60, flags("ra"));
        (plain.edns, plain.size) = (edns, Some(size));
        evidence.put(plain);
        evidence
    }

    #[test]
    fn an_upstream_that_sends_too_much_is_found_where_names_fail_by_it() {
        let evidence = big(900, None, "SERVFAIL", "");
        let signs = evidence.signs("F37");
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("upstream-1", Confidence::Certain));
        assert_eq!(signs[0].names, [OUTSIDE]);
        assert!(signs[0].message.contains("900 bytes"), "{}", signs[0].message);
        let asked = (MODE.ask)(&Seen::new(&evidence));
        assert!(asked.iter().any(|(_, one)| one.hop == "upstream-1" && one.edns == Some(512)));
        assert!(asked.iter().any(|(_, one)| one.hop == "coredns/dns-default-a" && one.transport == Transport::Tcp));
    }

    #[test]
    fn a_coredns_that_asks_again_by_tcp_is_fine() {
        assert_eq!(big(900, Some(512), "NOERROR", "ra tc").signs("F37")[0].confidence, Confidence::Possible);
    }

    #[test]
    fn answers_that_fit_or_are_marked_as_cut_are_silent() {
        assert_eq!(big(900, Some(1232), "SERVFAIL", "").signs("F37"), []);
        assert_eq!(big(500, None, "SERVFAIL", "").signs("F37"), []);
        let mut evidence = big(900, None, "SERVFAIL", "");
        evidence.change("upstream-1", |at| at.edns.is_none(), |at| at.flags = Some(flags("ra tc")));
        assert_eq!(evidence.signs("F37"), []);
    }
}
