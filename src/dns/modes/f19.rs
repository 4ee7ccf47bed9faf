//! F19: the node's search list does not lead into the cluster.

use super::{Mode, Stage};
use crate::dns::chain::{Hop, Place, PlaceKind, Role, is_below};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::node::outcome;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F19",
    code: "search-without-cluster-domain",
    title: "the node's search list lacks the cluster's domain",
    shows: "the node cannot pull from `docker-registry.default.svc:5000`, but the name with `.cluster.local` works; the search list \
            of its resolv.conf has no `cluster.local`, or has it behind the sixth place, where an old C library stops reading",
    mend: "put it first: `search cluster.local ...` in /etc/resolv.conf; the dispatcher of 3.11 does so, in 3.6 put \
           `SEARCH=cluster.local` or `ipv4.dns-search cluster.local` into the connection and `nmcli connection up CONNECTION`",
    stage: Stage::Search,
    explains: &[],
    find,
    ask,
};

/// As many suffixes does a C library before glibc 2.26 read.
const OLD_LIMIT: usize = 6;
/// And as many characters.
const OLD_LENGTH: usize = 256;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.places(PlaceKind::Node).filter_map(|place| leads_nowhere(seen, place)).collect()
}

fn leads_nowhere(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let first = first_hop(seen, place)?;
    let (file, conf) = seen.resolv_conf(&place.name)?;
    let domain = &seen.evidence.chain.cluster_domain;
    let position = conf.search.iter().position(|suffix| suffix.eq_ignore_ascii_case(domain));
    let before: usize =
        conf.search.iter().take(position.map_or(0, |position| position + 1)).map(|suffix| suffix.len() + 1).sum();
    let missing = position.is_none();
    if !missing && position < Some(OLD_LIMIT) && before <= OLD_LENGTH {
        return None;
    }
    // The C library of the place has the last word.
    let short = short_names(seen);
    let fails = |name: &&str| seen.libc(&place.name, name).is_some_and(|at| at.answers.is_empty());
    let works = |name: &&str| seen.libc(&place.name, name).is_some_and(|at| !at.answers.is_empty());
    let suffering: Vec<&str> =
        short.iter().copied().filter(|name| if missing { !works(name) } else { fails(name) }).collect();
    let full: Vec<At<'_>> =
        suffering.iter().filter_map(|name| right(seen, first, &format!("{name}.{domain}"))).collect();
    let certain = suffering.iter().any(fails) && !full.is_empty();
    let confidence = match (certain, full.is_empty()) {
        (true, _) => Confidence::Certain,
        (false, false) if missing => Confidence::Likely,
        _ => Confidence::Possible,
    };
    let what = match position {
        None => format!("has no `{domain}`"),
        Some(position) => format!("has `{domain}` at place {} only", position + 1),
    };
    let list = if conf.search.is_empty() { "empty".to_owned() } else { conf.search.join(" ") };
    let harm = match (suffering.first(), full.first()) {
        (Some(name), Some(at)) => format!("; `{name}` is not found there, `{}` is: {}", at.name, outcome(at)),
        _ => String::new(),
    };
    let message = format!("the search list of {} ({list}) {what}{harm}", place.name);
    let looked_up = suffering.iter().filter_map(|name| seen.libc(&place.name, name));
    let rests = indexes([file].into_iter().chain(full).chain(looked_up));
    let client = seen.client(&place.name)?;
    Some(Sign::new(&client.id, confidence, message).about(suffering.iter().copied()).resting_on(rests))
}

/// The dnsmasq that the node itself asks: without it, no suffix would help.
fn first_hop<'a>(seen: &Seen<'a>, place: &Place) -> Option<&'a Hop> {
    let client = seen.client(&place.name)?;
    seen.asks_for(client, ".").into_iter().find(|hop| hop.role == Role::Dnsmasq)
}

/// Names of Services without the cluster's domain.
fn short_names<'a>(seen: &Seen<'a>) -> Vec<&'a str> {
    seen.targets().map(|target| target.name.as_str()).filter(|name| is_below(name, "svc")).collect()
}

fn right<'a>(seen: &Seen<'a>, hop: &Hop, name: &str) -> Option<At<'a>> {
    seen.for_name(&hop.id, name, "A").find(|at| seen.is_right(at))
}

/// The short names with the cluster's domain.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let of_place = |place: &Place| {
        let hop = first_hop(seen, place)?;
        leads_nowhere(seen, place)?;
        let server = hop.address?;
        let full = |name: &str| format!("{name}.{}", seen.evidence.chain.cluster_domain);
        let names = short_names(seen).into_iter();
        let question = |name: &str| (place.name.clone(), Question::new(&hop.id, server, &full(name), "A"));
        Some(names.map(question).collect::<Vec<_>>())
    };
    seen.places(PlaceKind::Node).filter_map(of_place).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::chain::{Kind, Target};
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{flags, openshift3};
    use crate::dns::observation::{Observation, Transport};

    const REGISTRY: &str = "docker-registry.default.svc";

    fn searching(search: &str) -> Evidence {
        let mut evidence = openshift3();
        let text = format!("# nameserver updated by 99-origin-dns.sh\nnameserver 10.0.2.15\nsearch {search}\n");
        evidence.file("node1", "/etc/resolv.conf", &text);
        let target = Target { name: REGISTRY.to_owned(), kind: Kind::Service, expected: Vec::new(), because: None };
        evidence.targets.push(target);
        let mut full = evidence.question("node1", "dnsmasq", &format!("{REGISTRY}.cluster.local"), "A");
        full.set_answer(&["172.30.1.1"], 30, flags("aa ra"));
        evidence.put(full);
        evidence
    }

    fn library_finds_nothing(evidence: &mut Evidence) {
        evidence.put(Observation::blank("node1", REGISTRY, "A/AAAA", Transport::Libc));
    }

    #[test]
    fn a_list_without_the_cluster_is_found() {
        let mut evidence = searching("example.com");
        assert_eq!(evidence.signs("F19")[0].confidence, Confidence::Likely);
        library_finds_nothing(&mut evidence);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F19", "node1"));
        assert_eq!((findings[0].confidence, findings[0].names[0].as_str()), (Confidence::Certain, REGISTRY));
    }

    #[test]
    fn the_seventh_place_hurts_old_libraries_only() {
        let mut evidence = searching("a.example b.example c.example d.example e.example f.example cluster.local");
        assert_eq!(evidence.signs("F19")[0].confidence, Confidence::Possible);
        library_finds_nothing(&mut evidence);
        assert_eq!(evidence.signs("F19")[0].confidence, Confidence::Certain);
    }

    #[test]
    fn a_list_that_nobody_misses_is_no_more_than_possible() {
        let mut evidence = searching("example.com");
        evidence.targets.retain(|target| target.name != REGISTRY);
        assert_eq!(evidence.signs("F19")[0].confidence, Confidence::Possible);
        let mut evidence = searching("example.com cluster.local");
        library_finds_nothing(&mut evidence);
        assert_eq!(evidence.signs("F19"), [], "the list is good");
    }
}
