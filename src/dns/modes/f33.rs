//! F33: packets from one old port still go to a DNS pod that is gone.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::coredns::{named, pods, servers};
use super::{Mode, Stage};
use crate::dns::chain::{Hop, PlaceKind, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::conntrack::{Tracked, tracked};
use crate::dns::observation::Transport;
use crate::dns::plan::{Question, Source};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F33",
    code: "fixed-port-stuck",
    title: "a client that keeps its port is still led to a DNS pod that is gone",
    shows: "one long-lived client times out while new processes beside it resolve. From its port nothing is answered, from any \
            other port all is; the node's connection table leads that port to an address that is no DNS pod any more",
    mend: "restart the client, or let it open a new socket; on its node `conntrack -D -p udp --orig-port-dst 53 --orig-port-src \
           PORT` removes the stale entry. A kube-proxy that removes such entries itself is the cure",
    stage: Stage::Special,
    explains: &[],
    find,
    ask,
};

/// Where a node's kernel says which connections it translates.
const TABLE: &str = "/proc/net/nf_conntrack";
/// Ports below are another matter (F12).
const FREE_PORTS: u16 = 1024;
/// Stale ports that are tried in the second round, and how often each.
const PORTS: usize = 8;
const TRIES: u64 = 3;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs: Vec<Sign> = by_port(seen);
    for stale in stale(seen) {
        let message = stale.message(seen);
        match signs.iter_mut().find(|sign| sign.message.contains(&format!("port {} ", stale.entry.source.port()))) {
            Some(sign) => {
                sign.confidence = Confidence::Certain;
                sign.message = format!("{}; {message}", sign.message);
                sign.evidence.push(stale.table.index);
            }
            None if alive(seen, stale.hop) => {
                // Entries outlive their clients for a while; one whose port is taken has not.
                let held = stale.held(seen);
                let sure = held.is_some() || stale.entry.unreplied;
                let confidence = if sure { Confidence::Likely } else { Confidence::Possible };
                let still = if held.is_some() { "; a program there still holds that port" } else { "" };
                let sign = Sign::new(&stale.hop.id, confidence, format!("{message}{still}"));
                signs.push(sign.resting_on([stale.table.index]).resting_on(held.map(|at| at.index)));
            }
            None => {}
        }
    }
    signs
}

/// The same questions from the stale ports and, beside them, from new ones.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for stale in stale(seen).into_iter().take(PORTS) {
        let Some((place, address)) = stale.place(seen).zip(stale.hop.address) else { continue };
        let name = seen.evidence.known_service();
        for turn in 0..TRIES {
            let ask = Question::new(&stale.hop.id, address, &name, "A").after(turn * 200);
            questions.push((place.clone(), ask.clone().from(Source::Port(stale.entry.source.port()))));
            questions.push((place.clone(), ask));
        }
    }
    questions
}

/// An entry of a node's table that leads a client of the DNS Service to nobody.
struct Stale<'a> {
    table: At<'a>,
    hop: &'a Hop,
    entry: Tracked,
}

fn stale<'a>(seen: &Seen<'a>) -> Vec<Stale<'a>> {
    let mut found: Vec<Stale<'a>> = Vec::new();
    let services: Vec<&Hop> = seen.role(Role::Coredns).filter(|hop| !pods(seen, hop).is_empty()).collect();
    for place in seen.places(PlaceKind::Node) {
        let Some((table, text)) = seen.file(&place.name, TABLE) else { continue };
        for entry in tracked(text) {
            let hop = services.iter().find(|hop| hop.address == Some(entry.destination));
            if let Some(hop) = hop.filter(|_| !is_live(seen, entry.answers_from)) {
                found.push(Stale { table, hop, entry });
            }
        }
    }
    found
}

/// True for the address of a DNS pod of today, or of the Service itself: then nothing was translated.
fn is_live(seen: &Seen<'_>, address: SocketAddr) -> bool {
    seen.role(Role::Coredns).any(|hop| hop.address.is_some_and(|live| live.ip() == address.ip()))
}

fn alive(seen: &Seen<'_>, hop: &Hop) -> bool {
    seen.asked(&hop.id).any(|at| at.replied())
}

impl Stale<'_> {
    fn message(&self, seen: &Seen<'_>) -> String {
        let live: Vec<String> =
            servers(seen).iter().filter_map(|hop| hop.address).map(|address| address.ip().to_string()).collect();
        format!(
            "the node leads {} to {}, which is none of the DNS pods of today ({})",
            self.entry.source,
            self.entry.answers_from.ip(),
            live.join(", ")
        )
    }

    /// The question that could not be sent from the port, because it is taken.
    fn held<'b>(&self, seen: &Seen<'b>) -> Option<At<'b>> {
        let place = self.place(seen)?;
        let words = format!("not from port {}", self.entry.source.port());
        let taken = |at: &At<'_>| at.error.as_ref().is_some_and(|error| error.detail.contains(&words));
        seen.asked(&self.hop.id).find(|at| at.vantage == place && taken(at))
    }

    /// The vantage that has the client's address.
    fn place(&self, seen: &Seen<'_>) -> Option<String> {
        let IpAddr::V4(client) = self.entry.source.ip() else { return None };
        let has = |place: &&crate::dns::chain::Place| {
            let table = seen.file(&place.name, "/proc/net/fib_trie");
            table.is_some_and(|(_, text)| crate::dns::files::proc::ipv4_addresses(text).contains(&client))
        };
        seen.evidence.places.iter().find(has).map(|place| place.name.clone())
    }
}

/// Ports from which nothing is answered, while other ports of the same place are.
fn by_port(seen: &Seen<'_>) -> Vec<Sign> {
    let mut ports: BTreeMap<(String, String, u16), Vec<At<'_>>> = BTreeMap::new();
    for at in seen.queries().filter(|at| at.transport == Transport::Udp && at.group.is_none()) {
        if let Some(port) = at.source_port.filter(|port| *port >= FREE_PORTS) {
            ports.entry((at.vantage.clone(), at.hop.clone(), port)).or_default().push(at);
        }
    }
    ports.into_iter().filter_map(|((place, hop, port), from_port)| sign(seen, &place, &hop, port, &from_port)).collect()
}

fn sign(seen: &Seen<'_>, place: &str, hop: &str, port: u16, from_port: &[At<'_>]) -> Option<Sign> {
    let hop = seen.hop(hop)?;
    let free = |at: &At<'_>| at.vantage == place && at.source_port.is_none() && at.transport == Transport::Udp;
    let others: Vec<At<'_>> = seen.asked(&hop.id).filter(free).filter(|at| at.name == from_port[0].name).collect();
    let stuck = from_port.len() > 1 && from_port.iter().all(|at| at.silent());
    if !stuck || others.is_empty() || !others.iter().all(|at| at.replied()) {
        return None;
    }
    let message = format!(
        "from port {port} of {place} {} answers none of {} questions, from other ports {} of {}",
        named(hop),
        from_port.len(),
        others.len(),
        others.len(),
    );
    let rests = indexes(from_port.iter().copied().chain(others));
    Some(Sign::new(&hop.id, Confidence::Likely, message).resting_on(rests))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{KNOWN, openshift4};
    use crate::dns::observation::{Observation, ProbeError, Trouble};

    fn table(evidence: &mut Evidence, to: &str) {
        let line = format!(
            "ipv4     2 udp      17 101 src=10.128.0.9 dst=172.30.0.10 sport=40123 dport=53 src={to} dst=10.128.0.9 sport=5353 \
             dport=40123 [ASSURED] mark=0 zone=0 use=2\n"
        );
        evidence.file("node1", TABLE, &line);
    }

    fn tries(evidence: &mut Evidence, from: Option<u16>, answered: bool) {
        let answer =
            evidence.observations.iter().find(|at| at.vantage == "pod" && at.hop == "coredns" && at.name == KNOWN);
        let answer = Observation { source_port: from, ..answer.unwrap().again() };
        for _ in 0..3 {
            let mut one = answer.clone();
            if !answered {
                one.set_silent();
            }
            evidence.observations.push(one);
        }
    }

    #[test]
    fn a_port_that_is_led_to_a_pod_of_yesterday_is_found() {
        let mut evidence = openshift4();
        evidence.file("pod", "/proc/net/fib_trie", "  |-- 10.128.0.9\n     /32 host LOCAL\n");
        table(&mut evidence, "10.128.0.77");
        assert_eq!(evidence.signs("F33")[0].confidence, Confidence::Possible);
        let asked = (MODE.ask)(&Seen::new(&evidence));
        assert!(asked.iter().any(|(place, one)| place == "pod" && one.source == Source::Port(40123)));
        tries(&mut evidence, None, true);
        tries(&mut evidence, Some(40123), false);
        let signs = evidence.signs("F33");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "coredns", Confidence::Certain));
    }

    #[test]
    fn a_stale_entry_whose_port_is_still_held_is_likely_to_hurt() {
        let mut evidence = openshift4();
        evidence.file("pod", "/proc/net/fib_trie", "  |-- 10.128.0.9\n     /32 host LOCAL\n");
        table(&mut evidence, "10.128.0.77");
        let mut taken = evidence.question("pod", "coredns", KNOWN, "A").again();
        let detail = "not from port 40123: address in use".to_owned();
        taken.error = Some(ProbeError { kind: Trouble::Other, detail });
        evidence.put(taken);
        let signs = evidence.signs("F33");
        assert_eq!((signs.len(), signs[0].confidence), (1, Confidence::Likely));
        assert!(signs[0].message.contains("still holds"), "{}", signs[0].message);
    }

    #[test]
    fn a_port_that_leads_to_a_live_pod_is_silent() {
        let mut evidence = openshift4();
        table(&mut evidence, "10.129.0.5");
        assert_eq!(evidence.signs("F33"), []);
    }

    #[test]
    fn losses_from_every_port_are_no_stuck_port() {
        let mut evidence = openshift4();
        tries(&mut evidence, None, false);
        tries(&mut evidence, Some(40123), false);
        assert_eq!(evidence.signs("F33"), []);
        let mut evidence = openshift4();
        tries(&mut evidence, Some(40123), true);
        assert_eq!(evidence.signs("F33"), []);
    }
}
