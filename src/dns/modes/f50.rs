//! F50: names of private addresses are asked of an upstream that never answers them.

use super::{Mode, Stage};
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F50",
    code: "reverse-silent",
    title: "Looking up the name of a private address (PTR) gets no answer",
    shows: "ssh or database logins are slow by 5 to 10 s: PTR of pods' or the network's own addresses is forwarded to an \
            upstream that drops it, while every other question is answered at once",
    mend: "serve the reverse zones of the private networks, at least empty (dnsmasq `bogus-priv`, unbound `local-zone`), or \
           let servers log in without a name (`UseDNS no`)",
    stage: Stage::Special,
    explains: &[],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let guilty: Vec<(&Hop, Vec<At<'_>>)> = seen.hops().filter_map(|hop| Some((hop, silent(seen, hop)?))).collect();
    // Who asks a silent server is silent too: the last one on the path is to blame.
    let is_last = |hop: &Hop, name: &str| {
        let asks = seen.asks_for(hop, name);
        !asks.iter().any(|next| guilty.iter().any(|(other, _)| other.id == next.id))
    };
    // Who answers nothing at all is another matter, and so is whoever waits for it.
    let waits = |hop: &Hop, name: &str| seen.asks_for(hop, name).iter().any(|next| is_dead(seen, next));
    let last = guilty.iter().filter(|(hop, lost)| is_last(hop, &lost[0].name) && !waits(hop, &lost[0].name));
    last.map(|(hop, lost)| {
        // What it asks itself was not asked for this: the fault may lie there.
        let asks = seen.asks_for(hop, &lost[0].name);
        let seen_through = asks.iter().all(|next| seen.for_name(&next.id, &lost[0].name, "PTR").next().is_some());
        let confidence = match lost.len() {
            // One packet may be lost anywhere.
            1 => Confidence::Possible,
            _ if seen_through => Confidence::Certain,
            _ => Confidence::Likely,
        };
        let message = format!(
            "{} gives no answer to PTR {} within {:.0} ms, while it answers other questions",
            hop.id, lost[0].name, lost[0].ms,
        );
        Sign::new(&hop.id, confidence, message).about([lost[0].name.as_str()]).resting_on(indexes(lost.iter().copied()))
    })
    .collect()
}

/// PTR questions of private addresses that a hop never answered, although it answers something else.
fn silent<'a>(seen: &Seen<'a>, hop: &Hop) -> Option<Vec<At<'a>>> {
    let answers = seen.asked(&hop.id).any(|at| at.kind != "PTR" && at.replied() && !at.said("SERVFAIL"));
    let asked: Vec<At<'a>> = seen.asked(&hop.id).filter(|at| at.kind == "PTR" && is_private(&at.name)).collect();
    let never = |at: &&At<'a>| at.silent() && !asked.iter().any(|other| other.name == at.name && other.replied());
    let lost: Vec<At<'a>> = asked.iter().filter(never).copied().collect();
    (answers && !lost.is_empty()).then_some(lost)
}

/// It was asked, and never answered anything.
fn is_dead(seen: &Seen<'_>, hop: &Hop) -> bool {
    seen.asked(&hop.id).next().is_some() && seen.answers_somewhere(&hop.id).is_none()
}

/// The reverse zones of RFC 1918, of shared addresses and of IPv6's local ones.
fn is_private(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
        let mut octets = labels.rsplit('.').map(|label| label.parse::<u8>().ok());
        return match (octets.next().flatten(), octets.next().flatten()) {
            (Some(10), _) | (Some(192), Some(168)) => true,
            (Some(172), Some(second)) => (16..32).contains(&second),
            (Some(100), Some(second)) => (64..128).contains(&second),
            _ => false,
        };
    }
    [".c.f.ip6.arpa", ".d.f.ip6.arpa", ".8.e.f.ip6.arpa"].iter().any(|zone| name.ends_with(zone))
}

/// A silent PTR is asked again, and of whom the hop asks.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for hop in seen.hops().filter(|hop| hop.role != Role::Client) {
        let Some(lost) = silent(seen, hop) else { continue };
        let name = &lost[0].name;
        let asks = seen.asks_for(hop, name);
        let unasked = asks.into_iter().filter(|next| seen.for_name(&next.id, name, "PTR").next().is_none());
        let question = |next: &Hop| Some((next.vantage.clone(), Question::new(&next.id, next.address?, name, "PTR")));
        questions.extend([hop].into_iter().chain(unasked).filter_map(question));
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{REVERSE, flags, openshift3, openshift4};
    use super::is_private;
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;
    use crate::dns::observation::{Observation, Trouble};
    use crate::dns::seen::Seen;

    const POD: &str = "5.0.128.10.in-addr.arpa";

    fn asked(evidence: &mut Evidence, vantage: &str, hop: &str, silent: bool) {
        let mut question = evidence.question(vantage, hop, POD, "PTR");
        if silent {
            question.set_silent();
        } else {
            question.set_negative("NXDOMAIN", None, flags("ra"));
        }
        evidence.put(question.again());
        evidence.put(question);
    }

    #[test]
    fn the_upstream_that_drops_private_addresses_is_blamed() {
        let mut evidence = openshift4();
        for hop in ["coredns", "coredns/dns-default-a", "coredns/dns-default-b", "upstream-1"] {
            asked(&mut evidence, "node1", hop, true);
        }
        let signs = evidence.signs("F50");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "upstream-1", Confidence::Certain));
        assert!(signs[0].message.contains(POD), "{}", signs[0].message);
    }

    #[test]
    fn whom_a_silent_hop_asks_is_asked_too() {
        let mut evidence = openshift3();
        asked(&mut evidence, "node1", "node", true);
        assert_eq!(evidence.signs("F50")[0].confidence, Confidence::Likely);
        let asks = (super::MODE.ask)(&Seen::new(&evidence));
        let hops: Vec<&str> = asks.iter().map(|(_, question)| question.hop.as_str()).collect();
        assert_eq!(hops, ["node", "upstream-1", "upstream-2"]);
        evidence.forget(|at| at.round == 2);
        assert_eq!(evidence.signs("F50")[0].confidence, Confidence::Possible, "one packet may be lost");
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut dead = openshift4();
        dead.change_all("upstream-1", Observation::set_silent);
        asked(&mut dead, "node1", "upstream-1", true);
        assert_eq!(dead.signs("F50"), [], "F36: it answers nothing at all");
        let mut fine = openshift4();
        asked(&mut fine, "node1", "upstream-1", false);
        assert_eq!(fine.signs("F50"), []);
        assert!((super::MODE.ask)(&Seen::new(&fine)).is_empty());
        let mut lost = openshift3();
        lost.change("node", |at| at.kind == "PTR", Observation::set_silent);
        lost.change("node", |at| at.kind == "PTR", |at| at.name = "4.4.8.8.in-addr.arpa".to_owned());
        assert_eq!(lost.signs("F50"), [], "no private address: F36 or its like");
        let mut waiting = openshift3();
        waiting.change_all("node", |at| at.set_trouble(Trouble::Refused));
        waiting.change("dnsmasq", |at| at.name == REVERSE, Observation::set_silent);
        assert_eq!(waiting.signs("F50"), [], "F4: the node process is down");
        assert!(
            is_private(REVERSE) && is_private("1.0.168.192.in-addr.arpa.") && !is_private("1.0.32.172.in-addr.arpa")
        );
    }
}
