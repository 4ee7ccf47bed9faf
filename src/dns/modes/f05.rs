//! F5: dnsmasq sends cluster names to the masters, as releases up to 3.5 did.

use std::net::SocketAddr;

use super::{Mode, Stage};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F5",
    code: "cluster-rule-to-master",
    title: "dnsmasq sends cluster names to the masters instead of the node process",
    shows: "`servers.bind` or a file of /etc/dnsmasq.d names 172.30.0.1 (or port 8053) for cluster.local; some or all cluster \
            names fail, by the state of kube-proxy and of each master; the node process itself answers",
    mend: "restore the file of the installer, `server=/cluster.local/127.0.0.1`, and `systemctl restart dnsmasq \
           atomic-openshift-node`; where the masters are meant to answer, open 8053 udp and tcp to every one of them",
    stage: Stage::Next,
    explains: &["node-resolver-down", "reverse-silent", "search-suffix-fails", "aaaa-broken"],
    find,
    ask,
};

/// How often a suspected rule is tried: with one dead master of three, all succeed once in 57 times.
const TRIES: usize = 10;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|dnsmasq| to_masters(seen, dnsmasq)).collect()
}

fn to_masters(seen: &Seen<'_>, dnsmasq: &Hop) -> Option<Sign> {
    let (rests, to) = suspected(seen, dnsmasq)?;
    let all: Vec<At<'_>> = seen.asked(&dnsmasq.id).filter(|at| seen.is_cluster_name(&at.name)).collect();
    let failed: Vec<At<'_>> =
        all.iter().copied().filter(|at| !at.replied() || at.said("SERVFAIL") || at.said("REFUSED")).collect();
    let process = seen.node_process(dnsmasq).map(|process| seen.services(process)).unwrap_or_default();
    let confidence = match (failed.is_empty(), seen.any_right(&process)) {
        (true, _) => Confidence::Possible,
        (false, true) => Confidence::Certain,
        (false, false) => Confidence::Likely,
    };
    let message = format!(
        "dnsmasq sends cluster names to {to}, the masters, and not only to the node process: {} of {} queries got no answer",
        failed.len(),
        all.len()
    );
    let names = seen.targets().map(|target| target.name.as_str()).filter(|name| seen.is_cluster_name(name));
    let shown = if failed.is_empty() { all } else { failed };
    let rests = rests.into_iter().chain(indexes(shown)).chain(indexes(process));
    Some(Sign::new(&dnsmasq.id, confidence, message).about(names).resting_on(rests))
}

/// Where cluster names are sent, when that is not the node process; and what says so.
fn suspected(seen: &Seen<'_>, dnsmasq: &Hop) -> Option<(Vec<usize>, SocketAddr)> {
    let (rests, to) = seen.cluster_servers(dnsmasq)?;
    Some((rests, to.into_iter().find(|to| !to.ip().is_loopback())?))
}

/// Names that nobody has cached, so that each is sent on.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let of_hop = |dnsmasq: &Hop| {
        suspected(seen, dnsmasq)?;
        let server = dnsmasq.address?;
        let name =
            |number| format!("{}-{number}.default.svc.{}", seen.evidence.label, seen.evidence.chain.cluster_domain);
        let question = |number| Question::new(&dnsmasq.id, server, &name(number), "A");
        Some((1..=TRIES).map(|number| (dnsmasq.vantage.clone(), question(number))).collect::<Vec<_>>())
    };
    seen.dnsmasqs().filter_map(of_hop).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::openshift3;
    use crate::dns::observation::Observation;

    fn to_the_masters() -> Evidence {
        let mut evidence = openshift3();
        for vantage in ["pod", "node1"] {
            evidence.says(vantage, "dnsmasq", "servers.bind", &["172.30.0.1#53 30 4", "10.9.0.1#53 40 0"]);
        }
        evidence
    }

    #[test]
    fn a_rule_to_masters_that_do_not_all_answer_is_found() {
        let mut evidence = to_the_masters();
        assert_eq!(evidence.signs("F5")[0].confidence, Confidence::Possible, "all of them answer");
        assert_eq!(ask(&Seen::new(&evidence)).len(), TRIES);
        evidence.change("dnsmasq", |at| at.name.contains("default.svc"), Observation::set_silent);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F5", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        assert!(findings[0].message.contains("172.30.0.1:53"), "{}", findings[0].message);
    }

    #[test]
    fn the_fallback_file_is_found_where_dnsmasq_does_not_speak_of_itself() {
        let mut evidence = to_the_masters();
        evidence.forget(|at| at.name == "servers.bind");
        evidence.file("node1", "/etc/dnsmasq.d/origin-dns.conf", "no-resolv\nserver=/cluster.local/172.30.0.1\n");
        assert_eq!(evidence.signs("F5").len(), 1);
    }

    #[test]
    fn a_fallback_beside_the_right_rule_is_found() {
        let mut evidence = to_the_masters();
        for vantage in ["pod", "node1"] {
            evidence.says(vantage, "dnsmasq", "servers.bind", &["127.0.0.1#53 9 0", "172.30.0.1#53 30 4"]);
        }
        assert_eq!(evidence.signs("F5").len(), 1);
    }

    #[test]
    fn a_silent_node_process_is_not_the_masters() {
        let mut evidence = openshift3();
        evidence.change("dnsmasq", |at| at.name.contains("default.svc"), Observation::set_silent);
        assert_eq!(evidence.signs("F5"), []);
        assert!(ask(&Seen::new(&evidence)).is_empty());
    }
}
