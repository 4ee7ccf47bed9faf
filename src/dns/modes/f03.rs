//! F3: dnsmasq does not know that cluster names are the node process's.

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, is_below};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::node::outcome;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F3",
    code: "cluster-rule-missing",
    title: "dnsmasq has no rule for the cluster's domain, so its names leave the cluster",
    shows: "names of Services get NXDOMAIN with the SOA of the root or of the company's zone; `servers.bind` does not list \
            127.0.0.1#53, which comes by D-Bus; the node process itself answers them; names outside work",
    mend: "let the node process send its rule again: `systemctl restart dbus dnsmasq atomic-openshift-node` (3.10 and later: \
           delete the node's sdn pod), or put `server=/cluster.local/127.0.0.1` and `server=/in-addr.arpa/127.0.0.1` into \
           /etc/dnsmasq.d/",
    stage: Stage::Server,
    explains: &["reverse-silent", "search-suffix-fails", "pod-resolv-conf-wrong"],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| leaves_the_cluster(seen, hop)).collect()
}

fn leaves_the_cluster(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let services = seen.services(hop);
    if services.iter().all(|at| !at.replied()) && seen.dnsmasq_servers(&hop.id).is_none() || seen.any_right(&services) {
        return None;
    }
    let foreign: Vec<At<'_>> = services.iter().copied().filter(|at| is_foreign(seen, at)).collect();
    let process = seen.node_process(hop).map(|process| seen.services(process)).unwrap_or_default();
    if process.iter().any(|at| is_foreign(seen, at)) {
        return None;
    }
    let servers = seen.dnsmasq_servers(&hop.id);
    let lacks = servers.as_ref().map(|(_, servers)| {
        !servers.iter().any(|server| server.address.is_some_and(|address| seen.is_for_cluster(address)))
    });
    let confidence = match (lacks, foreign.is_empty()) {
        (Some(true), false) => Confidence::Certain,
        (Some(true), true) if seen.any_right(&process) => Confidence::Certain,
        (Some(true), true) | (None, false) => Confidence::Likely,
        (Some(false), false) if seen.any_right(&process) => Confidence::Likely,
        _ => return None,
    };
    let shown = foreign.first().or_else(|| services.first())?;
    let list = match &servers {
        Some((_, servers)) => {
            let all: Vec<&str> = servers.iter().map(|server| server.server.as_str()).collect();
            format!("; its servers are {}", if all.is_empty() { "none".to_owned() } else { all.join(", ") })
        }
        None => String::new(),
    };
    let right = process.iter().find(|at| seen.is_right(at));
    let beside = right.map_or(String::new(), |at| format!("; the node process answers {}", outcome(at)));
    let message = format!("dnsmasq sends `{}` out of the cluster: {}{list}{beside}", shown.name, outcome(shown));
    let names = seen.targets().map(|target| target.name.as_str()).filter(|name| seen.is_cluster_name(name));
    let rests = indexes(services).into_iter().chain(servers.map(|(at, _)| at.index)).chain(right.map(|at| at.index));
    Some(Sign::new(&hop.id, confidence, message).about(names).resting_on(rests))
}

/// True for a denial by somebody who is not the cluster.
fn is_foreign(seen: &Seen<'_>, at: &At<'_>) -> bool {
    let domain = &seen.evidence.chain.cluster_domain;
    !at.has_answer() && at.soa().is_some_and(|soa| !is_below(&soa.name, domain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::{flags, openshift3};
    use crate::dns::observation::Observation;

    fn without_rule() -> crate::dns::evidence::Evidence {
        let mut evidence = openshift3();
        let inside = |at: &Observation| at.name.ends_with("cluster.local") && !at.chaos;
        evidence.change("dnsmasq", inside, Observation::set_unknown_in_the_world);
        evidence
    }

    #[test]
    fn names_that_leave_the_cluster_are_found() {
        let mut evidence = without_rule();
        assert_eq!(evidence.signs("F3")[0].confidence, Confidence::Likely, "the rule may be for another domain");
        for vantage in ["pod", "node1"] {
            evidence.says(vantage, "dnsmasq", "servers.bind", &["10.9.0.1#53 52 0", "10.9.0.2#53 7 0"]);
        }
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F3", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        assert!(findings[0].message.contains("SOA of `.`"), "{}", findings[0].message);
    }

    #[test]
    fn a_denial_of_the_cluster_itself_and_a_wrong_domain_of_the_node_process_are_no_missing_rule() {
        let mut evidence = openshift3();
        let soa = Some(("cluster.local", "ns.dns.cluster.local hostmaster.cluster.local 1 2 3 4 60"));
        evidence.change(
            "dnsmasq",
            |at| at.name.ends_with("cluster.local"),
            |at| {
                at.set_negative("NXDOMAIN", soa, flags(""));
            },
        );
        assert_eq!(evidence.signs("F3"), []);
        let mut evidence = without_rule();
        evidence.change("node", |at| at.name.ends_with("cluster.local"), Observation::set_unknown_in_the_world);
        assert_eq!(evidence.signs("F3"), [], "the node process sends it out");
    }
}
