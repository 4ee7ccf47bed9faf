//! F42: a zone has servers of its own, and these fail for it.

use super::coredns::{below, joined, named, outcome};
use super::{Mode, Stage};
use crate::dns::chain::{Hop, Role, Target, is_below};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::corefile::{Corefile, Upstream};
use crate::dns::observation::{Observation, Transport};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F42",
    code: "zone-forward-fails",
    title: "names of one zone go to servers of their own, and these refuse, fail or do not know them",
    shows: "only names below that zone fail; asked directly, its server says REFUSED, SERVFAIL or nothing, or its certificate \
            does not fit. The longest zone wins, so a zone that holds the cluster's own domain breaks its Routes too",
    mend: "correct `spec.servers` of `dns.operator/default` (zones, upstreams, `transportConfig.tls`), or let that server be \
           authorised for the zone",
    stage: Stage::Next,
    explains: &[
        "upstream-silent",
        "search-suffix-fails",
        "upstream-servfail",
        "upstreams-disagree",
        "search-amplification",
    ],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs: Vec<Sign> = Vec::new();
    let all: Vec<Zone<'_>> = zones(seen).into_iter().filter(|zone| zone.fails(seen).is_some()).collect();
    for zone in &all {
        let askers: Vec<&Hop> = all.iter().filter(|other| other.name == zone.name).map(|other| other.asker).collect();
        for asker in joined(seen, &askers) {
            let begins = zone.begins(seen, asker);
            if !signs.iter().any(|known| known.hop == asker.id && known.message.starts_with(&begins)) {
                signs.push(zone.sign(seen, asker));
            }
        }
    }
    signs
}

/// The zone itself, asked of whoever forwards it: no target need be below it.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let question = |zone: Zone<'_>| {
        if zone.servers.iter().all(|server| zone.trouble_at(seen, server).is_none()) && !zone.tls(seen) {
            return None;
        }
        let question = Question::new(&zone.asker.id, zone.asker.address?, zone.name, "SOA");
        Some((zone.asker.vantage.clone(), question))
    };
    zones(seen).into_iter().filter_map(question).collect()
}

/// A zone that a resolver asks servers of its own for.
struct Zone<'a> {
    asker: &'a Hop,
    name: &'a str,
    servers: Vec<&'a Hop>,
}

fn zones<'a>(seen: &Seen<'a>) -> Vec<Zone<'a>> {
    let own = &seen.evidence.chain.cluster_domain;
    let private = |zone: &&String| {
        let name = zone.trim_matches('.');
        !name.is_empty() && !is_below(name, own) && !name.ends_with("arpa")
    };
    let of_hop = |asker: &'a Hop| {
        let forwards = asker.forwards.iter().flat_map(|forward| forward.zones.iter().map(move |zone| (zone, forward)));
        forwards.map(move |(zone, forward)| (asker, zone, forward))
    };
    seen.hops()
        .filter(|hop| hop.role != Role::Client)
        .flat_map(of_hop)
        .filter(|(_, zone, _)| private(zone))
        .map(|(asker, name, forward)| {
            let servers = forward.to.iter().filter_map(|id| seen.hop(id)).filter(|hop| hop.role == Role::Upstream);
            Zone { asker, name, servers: servers.collect() }
        })
        .filter(|zone| !zone.servers.is_empty())
        .collect()
}

/// What is wrong with a zone, and what shows it.
struct Failure<'a> {
    asker: At<'a>,
    server: Option<At<'a>>,
}

impl<'a> Zone<'a> {
    /// The asker fails for the zone, and so do its servers when they are asked directly.
    fn fails(&self, seen: &Seen<'a>) -> Option<Failure<'a>> {
        if let Some((target, asker, server)) = self.unknown(seen) {
            return Some(Failure { asker, server: Some(server) }).filter(|_| !target.name.is_empty());
        }
        let of_asker = below(seen, &self.asker.id, self.name);
        let asker = *of_asker.iter().find(|at| is_failure(at))?;
        // One answer from below the zone is enough: what is wrong then is a single name.
        if of_asker.iter().any(|at| at.replied() && !is_failure(at)) {
            return None;
        }
        let troubles: Vec<Option<At<'a>>> = self.servers.iter().map(|server| self.trouble_at(seen, server)).collect();
        let server = troubles.iter().flatten().next().copied();
        let all = troubles.iter().all(Option::is_some);
        (all || self.tls(seen)).then_some(Failure { asker, server })
    }

    /// What a server of the zone says to every name of it, when that is always a failure.
    fn trouble_at(&self, seen: &Seen<'a>, server: &Hop) -> Option<At<'a>> {
        let all = below(seen, &server.id, self.name);
        let first = all.first().copied()?;
        all.iter().all(|at| is_failure(at)).then_some(first)
    }

    /// A target below the zone that its servers deny, and that the servers for everything else know.
    fn unknown(&self, seen: &Seen<'a>) -> Option<(&'a Target, At<'a>, At<'a>)> {
        let others: Vec<&Hop> =
            seen.asks_for(self.asker, ".").into_iter().filter(|hop| hop.role == Role::Upstream).collect();
        let others: Vec<&&Hop> =
            others.iter().filter(|other| !self.servers.iter().any(|server| server.id == other.id)).collect();
        seen.targets().filter(|target| is_below(&target.name, self.name) && !target.expected.is_empty()).find_map(
            |target| {
                let known = others
                    .iter()
                    .any(|other| seen.reply(&other.id, &target.name, "A").is_some_and(|at| seen.is_right(&at)));
                let denial =
                    |hop: &Hop| seen.reply(&hop.id, &target.name, "A").filter(|at| at.replied() && !seen.is_right(at));
                let server = self.servers.iter().find_map(|server| denial(server))?;
                known.then(|| Some((target, denial(self.asker)?, server))).flatten()
            },
        )
    }

    /// The Corefile asks these servers by TLS, which cannot be seen from here.
    fn tls(&self, seen: &Seen<'_>) -> bool {
        let Some((_, map)) = seen.object("configmaps/openshift-dns/dns-default") else { return false };
        let Some(text) = map.pointer("/data/Corefile").and_then(serde_json::Value::as_str) else { return false };
        let file = Corefile::parse(text);
        let mut blocks = file.blocks.iter().filter(|block| block.zones.iter().any(|zone| zone.name == self.name));
        let by_tls = |to: &Upstream| matches!(to, Upstream::Server { tls: true, .. });
        blocks.any(|block| block.forwards().iter().any(|forward| forward.to.iter().any(by_tls)))
    }

    /// The first words of what is said of it: who asks whom.
    fn begins(&self, seen: &Seen<'_>, hop: &Hop) -> String {
        let servers: Vec<String> = self.servers.iter().map(|server| named(server)).collect();
        let tls = if self.tls(seen) { " by TLS" } else { "" };
        format!("{} asks {}{tls} for names below `{}`: ", named(hop), servers.join(", "), self.name)
    }

    fn sign(&self, seen: &Seen<'a>, hop: &Hop) -> Sign {
        let failure = self.fails(seen);
        let (direct, confidence) = match failure.as_ref().and_then(|failure| failure.server) {
            Some(at) if !self.tls(seen) => {
                (format!("asked directly, it says {} to `{}`", outcome(&at), at.name), Confidence::Certain)
            }
            _ => ("see whether its certificate fits `tls.serverName` and `caBundle`".to_owned(), Confidence::Likely),
        };
        let gets = failure.as_ref().map(|failure| format!("`{}` gets {}", failure.asker.name, outcome(&failure.asker)));
        let message = format!("{}{}; {direct}", self.begins(seen, hop), gets.unwrap_or_default());
        let suffering = seen.targets().map(|target| target.name.as_str()).filter(|name| is_below(name, self.name));
        let rests = failure.into_iter().flat_map(|failure| [Some(failure.asker), failure.server]).flatten();
        Sign::new(&hop.id, confidence, message).about(suffering).resting_on(indexes(rests))
    }
}

/// No answer and no denial.
fn is_failure(at: &Observation) -> bool {
    at.transport == Transport::Udp && (!at.replied() || at.said("SERVFAIL") || at.said("REFUSED"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dns::chain::{Forward, Kind};
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{ROUTE, flags, openshift4};
    use crate::dns::observation::Trouble;

    const GIT: &str = "git.corp.example";

    /// `corp.example` goes to a server of its own, `upstream-2`, which does this; CoreDNS gets SERVFAIL out of it.
    fn zone(name: &str, does: impl Fn(&mut Observation)) -> Evidence {
        let mut evidence = openshift4();
        let mut server = evidence.chain.hop("upstream-1").unwrap().clone();
        (server.id, server.address) = ("upstream-2".to_owned(), "10.9.0.7:53".parse().ok());
        evidence.chain.hops.push(server);
        let pods = ["coredns/dns-default-a", "coredns/dns-default-b"];
        for hop in evidence.chain.hops.iter_mut().filter(|hop| pods.contains(&hop.id.as_str())) {
            hop.forwards.push(Forward { zones: vec![name.to_owned()], to: vec!["upstream-2".to_owned()] });
        }
        evidence.targets.push(Target {
            name: GIT.to_owned(),
            kind: Kind::External,
            expected: Vec::new(),
            because: None,
        });
        for hop in pods.iter().chain(&["coredns"]) {
            let mut at = evidence.question("pod", hop, GIT, "A");
            at.set_rcode("SERVFAIL", flags(""));
            evidence.put(at);
        }
        for (question, kind) in [(name, "SOA"), (GIT, "A")] {
            let mut at = evidence.question("node1", "upstream-2", question, kind);
            does(&mut at);
            evidence.put(at);
        }
        evidence
    }

    #[test]
    fn a_zone_whose_server_refuses_or_is_dead_is_found() {
        let refuses = |at: &mut Observation| at.set_rcode("REFUSED", flags(""));
        let closed = |at: &mut Observation| at.set_trouble(Trouble::Refused);
        for evidence in [zone("corp.example", refuses), zone("corp.example", closed)] {
            let signs = evidence.signs("F42");
            assert_eq!(signs.len(), 1);
            assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("coredns", Confidence::Certain));
            assert_eq!(signs[0].names, [GIT]);
            assert!(signs[0].message.contains("10.9.0.7:53"), "{}", signs[0].message);
            let asked = (MODE.ask)(&Seen::new(&evidence));
            assert_eq!((asked[0].1.name.as_str(), asked[0].1.kind.as_str()), ("corp.example", "SOA"));
        }
    }

    #[test]
    fn a_server_that_is_asked_by_tls_is_likely_to_be_it() {
        let mut evidence = zone("corp.example", |at| at.set_answer(&["10.9.0.80"], 60, flags("ra")));
        assert_eq!(evidence.signs("F42"), [], "the server is fine, so something else is not");
        let corefile = "corp.example:5353 {\n forward . tls://10.9.0.7 {\n tls_servername dns.corp.example\n }\n}\n";
        evidence.object("configmaps/openshift-dns/dns-default", &json!({ "data": { "Corefile": corefile } }));
        assert_eq!(evidence.signs("F42")[0].confidence, Confidence::Likely);
    }

    #[test]
    fn a_zone_that_swallows_the_apps_domain_breaks_its_routes() {
        let mut evidence = zone("example.com", |at| at.set_answer(&["10.9.0.80"], 60, flags("ra")));
        evidence.forget(|at| at.name == GIT);
        assert_eq!(evidence.signs("F42"), []);
        for hop in ["coredns", "coredns/dns-default-a", "coredns/dns-default-b"] {
            evidence.change(hop, |at| at.name == ROUTE, Observation::set_unknown_in_the_world);
        }
        let mut denied = evidence.question("node1", "upstream-2", ROUTE, "A");
        denied.set_unknown_in_the_world();
        evidence.put(denied);
        let signs = evidence.signs("F42");
        assert_eq!((signs[0].hop.as_str(), signs[0].names.as_slice()), ("coredns", [ROUTE.to_owned()].as_slice()));
    }

    #[test]
    fn one_name_that_fails_in_a_zone_that_works_is_not_the_zone() {
        let mut evidence = zone("corp.example", |at| at.set_rcode("SERVFAIL", flags("ra")));
        let mut soa = evidence.question("pod", "coredns/dns-default-a", "corp.example", "SOA");
        soa.set_answer(&["ns.corp.example root.corp.example 1 1 1 1 1"], 60, flags("ra"));
        for hop in ["coredns/dns-default-a", "coredns/dns-default-b"] {
            hop.clone_into(&mut soa.hop);
            evidence.put(soa.clone());
        }
        assert_eq!(evidence.signs("F42"), []);
    }
}
