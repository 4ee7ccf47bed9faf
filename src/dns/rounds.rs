//! What to ask in each round. Takes the evidence so far, returns a plan per vantage. Pure.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

use super::chain::{Hop, Kind, Place, Role, Target, is_below};
use super::evidence::Evidence;
use super::files::resolv::ResolvConf;
use super::modes::MODES;
use super::plan::{ProbePlan, Question, Source};
use super::seen::Seen;

/// Milliseconds that a question waits, unless the user says otherwise.
pub const TIMEOUT_MS: u64 = 2000;
/// What servers say of themselves may be refused or dropped without harm: it waits no longer than this, in milliseconds.
const ABOUT_MS: u64 = 500;
/// The second round ends after this, in milliseconds.
const SECOND_ROUND_MS: u64 = 6000;
/// Modes number their groups from 1; each mode gets a range of its own.
const GROUPS_PER_MODE: u16 = 100;

/// Files that decide how a place resolves names, or show who does it there.
const FILES: [&str; 21] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/dnsmasq.conf",
    "/etc/dnsmasq.d/",
    "/etc/NetworkManager/dnsmasq.d/",
    "/etc/NetworkManager/conf.d/",
    "/etc/systemd/resolved.conf",
    "/run/systemd/resolve/resolv.conf",
    "/etc/origin/node/resolv.conf",
    "/etc/origin/node/node-config.yaml",
    "/etc/coredns/Corefile",
    "/run/resolv-prepender-kni-conf-done",
    "/proc/net/udp",
    "/proc/net/udp6",
    "/proc/net/fib_trie",
    "/proc/net/if_inet6",
    "/proc/net/route",
    "/proc/net/ipv6_route",
    "/proc/net/nf_conntrack",
];
/// The tables of TCP are long on a busy node, and only nodes and workstations listen.
const LISTENERS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
/// Programs that resolve names for others.
const PROGRAMS: [&str; 6] = ["dnsmasq", "named", "unbound", "coredns", "systemd-resolved", "openshift"];

/// The survey of one place: its files, its resolvers, what its C library says. No DNS query of our own.
pub fn survey(place: &Place, targets: &[Target], timeout_ms: u64) -> ProbePlan {
    ProbePlan {
        vantage: place.name.clone(),
        round: 0,
        timeout_ms,
        files: FILES.into_iter().chain(LISTENERS).map(str::to_owned).collect(),
        processes: PROGRAMS.map(str::to_owned).to_vec(),
        lookups: targets
            .iter()
            .filter(|target| target.kind != Kind::Reverse)
            .map(|target| target.name.clone())
            .collect(),
        ..ProbePlan::default()
    }
}

/// The first round: every hop is asked from everywhere for the same things.
pub fn first(evidence: &Evidence) -> Vec<ProbePlan> {
    let of_place = |place: &Place| {
        let mut questions: Vec<Question> = Vec::new();
        for (hop, server) in evidence.chain.hops.iter().filter_map(|hop| Some((hop, hop.address?))) {
            if hop.asked_from.contains(&place.name) {
                questions.extend(of_hop(evidence, hop, server));
            }
        }
        questions.extend(search_list(evidence, place));
        once_each(questions)
    };
    let plans = evidence.places.iter().map(|place| plan(evidence, &place.name, 1, of_place(place)));
    plans.filter(|plan| !plan.questions.is_empty()).collect()
}

/// The second round: what the modes ask that are suspected. Empty when nothing is.
pub fn second(evidence: &Evidence) -> Vec<ProbePlan> {
    let seen = Seen::new(evidence);
    let mut of_places: BTreeMap<String, Vec<Question>> = BTreeMap::new();
    for (number, mode) in (0_u16..).zip(MODES) {
        let mut counts: HashMap<(String, Question), usize> = HashMap::new();
        for (vantage, question) in (mode.ask)(&seen) {
            let question = within_the_round(in_range(question, number));
            // A mode may ask the same twice on purpose; what another mode asks already is not asked again.
            let count = counts.entry((vantage.clone(), question.clone())).or_default();
            *count += 1;
            let questions = of_places.entry(vantage).or_default();
            if questions.iter().filter(|other| **other == question).count() < *count {
                questions.push(question);
            }
        }
    }
    of_places.into_iter().map(|(vantage, questions)| plan(evidence, &vantage, 2, questions)).collect()
}

fn plan(evidence: &Evidence, vantage: &str, round: u8, questions: Vec<Question>) -> ProbePlan {
    ProbePlan { vantage: vantage.to_owned(), round, timeout_ms: evidence.timeout_ms, questions, ..ProbePlan::default() }
}

fn in_range(mut question: Question, mode: u16) -> Question {
    if let Source::Group(group) = question.source {
        question.source = Source::Group(mode * GROUPS_PER_MODE + group % GROUPS_PER_MODE);
    }
    question
}

fn within_the_round(mut question: Question) -> Question {
    question.after_ms = question.after_ms.min(SECOND_ROUND_MS - TIMEOUT_MS);
    question.timeout_ms = question.timeout_ms.map(|timeout| timeout.min(SECOND_ROUND_MS - question.after_ms));
    question
}

fn once_each(questions: Vec<Question>) -> Vec<Question> {
    let mut kept: Vec<Question> = Vec::new();
    for question in questions {
        if !kept.contains(&question) {
            kept.push(question);
        }
    }
    kept
}

/// Everything that one hop is asked.
fn of_hop(evidence: &Evidence, hop: &Hop, server: SocketAddr) -> Vec<Question> {
    let about = |name: &str| Question { timeout_ms: Some(ABOUT_MS), ..Question::about(&hop.id, server, name) };
    let ask = |name: &str, kind: &str| Question::new(&hop.id, server, name, kind);
    let mut questions: Vec<Question> = Vec::new();
    let targets: Vec<&Target> = evidence.targets.iter().filter(|target| concerns(evidence, hop, target)).collect();
    for target in &targets {
        questions.extend(kinds(target.kind).iter().map(|kind| ask(&target.name, kind)));
    }
    questions.extend(targets.first().map(|target| ask(&target.name, kinds(target.kind)[0]).by_tcp()));
    if hop.role != Role::Upstream && hop.role != Role::Workstation {
        questions.push(ask(&evidence.known_service(), "A"));
        questions.push(ask(&evidence.missing_service(), "A"));
        questions.extend(service_address(evidence).map(|address| ask(&reverse(address), "PTR")));
    }
    if takes_everything(evidence, hop) {
        questions.push(ask(&evidence.nowhere(), "A"));
        questions.extend(evidence.any_route().map(|name| ask(&name, "A")));
    }
    questions.extend(zones_of(evidence, hop).iter().map(|zone| ask(zone, "SOA")));
    questions.extend(["version.bind", "servers.bind", "hostname.bind", "misses.bind"].map(about));
    questions
}

/// Names of the cluster stay in the cluster, and a server of some zones is asked for names of these only.
fn concerns(evidence: &Evidence, hop: &Hop, target: &Target) -> bool {
    let cluster_name = target.kind == Kind::Service || is_below(&target.name, &evidence.chain.cluster_domain);
    let outside = matches!(hop.role, Role::Upstream | Role::Workstation);
    if outside && cluster_name {
        return false;
    }
    takes_everything(evidence, hop) || zones_of(evidence, hop).iter().any(|zone| is_below(&target.name, zone))
}

/// True for a hop that is asked for any name: it is a first hop, or somebody forwards `.` to it, or nobody forwards to it.
fn takes_everything(evidence: &Evidence, hop: &Hop) -> bool {
    let mut zones = forwarded_zones(evidence, hop).peekable();
    hop.role != Role::Upstream || zones.peek().is_none() || zones.any(|zone| zone.trim_matches('.').is_empty())
}

/// The zones, other than everything and the cluster's own, for which somebody asks this hop.
fn zones_of<'a>(evidence: &'a Evidence, hop: &'a Hop) -> Vec<&'a str> {
    let own = &evidence.chain.cluster_domain;
    let private = |zone: &&str| {
        let zone = zone.trim_matches('.');
        !zone.is_empty() && !is_below(zone, own) && !is_below(zone, "arpa")
    };
    forwarded_zones(evidence, hop).filter(private).collect()
}

fn forwarded_zones<'a>(evidence: &'a Evidence, hop: &'a Hop) -> impl Iterator<Item = &'a str> {
    let forwards = evidence.chain.hops.iter().flat_map(|other| &other.forwards);
    forwards.filter(|forward| forward.to.contains(&hop.id)).flat_map(|forward| forward.zones.iter().map(String::as_str))
}

/// The record types that are asked for a name.
fn kinds(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Reverse => &["PTR"],
        _ => &["A", "AAAA"],
    }
}

/// The address of the Service that every cluster has, where it is known.
fn service_address(evidence: &Evidence) -> Option<IpAddr> {
    let name = evidence.known_service();
    evidence.targets.iter().find(|target| target.name == name)?.expected.first().copied()
}

/// The name under which an address is looked up, e.g. `1.0.30.172.in-addr.arpa`.
pub fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let digits: Vec<String> = format!("{:032x}", u128::from(address)).chars().rev().map(String::from).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    }
}

/// What a client's first hops say to the names that its search list makes: of a label that does not exist, and of short names.
fn search_list(evidence: &Evidence, place: &Place) -> Vec<Question> {
    let seen = Seen::new(evidence);
    let Some((_, ResolvConf { search, .. })) = seen.resolv_conf(&place.name) else { return Vec::new() };
    let Some(client) = seen.client(&place.name) else { return Vec::new() };
    let short = evidence.targets.iter().filter(|target| is_short(&target.name)).map(|target| target.name.as_str());
    let labels: Vec<&str> = std::iter::once(evidence.label.as_str()).chain(short).collect();
    let mut questions = Vec::new();
    for (hop, server) in seen.asks_for(client, ".").into_iter().filter_map(|hop| Some((hop, hop.address?))) {
        for label in &labels {
            let names = search.iter().map(|suffix| format!("{label}.{}", suffix.trim_matches('.')));
            questions.extend(names.map(|name| Question::new(&hop.id, server, &name, "A")));
        }
    }
    questions
}

/// Names that only a search list completes.
fn is_short(name: &str) -> bool {
    !name.contains('.') || is_below(name, "svc")
}
