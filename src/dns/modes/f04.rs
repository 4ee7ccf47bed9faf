//! F4: dnsmasq sends cluster names to a node process that is not there.

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::Trouble;
use crate::dns::seen::node::address;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F4",
    code: "node-resolver-down",
    title: "the node process (SkyDNS, 127.0.0.1:53) does not run or does not answer",
    shows: "cluster names and reverse names time out through dnsmasq, names outside work; 127.0.0.1:53 on the node is refused; \
            `servers.bind` lists 127.0.0.1#53. dnsmasq never sees the refusal, so nobody gets SERVFAIL",
    mend: "start the node service: `systemctl restart atomic-openshift-node` (origin: `origin-node`; 3.10 and later: delete the \
           node's sdn pod), and see that `dnsBindAddress` in /etc/origin/node/node-config.yaml is 127.0.0.1:53",
    stage: Stage::Next,
    explains: &["reverse-silent", "search-suffix-fails", "aaaa-broken"],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|dnsmasq| nobody_behind(seen, dnsmasq)).collect()
}

fn nobody_behind(seen: &Seen<'_>, dnsmasq: &Hop) -> Option<Sign> {
    let through = seen.services(dnsmasq);
    let sends_elsewhere =
        seen.cluster_servers(dnsmasq).is_some_and(|(_, to)| to.iter().all(|to| !to.ip().is_loopback()));
    if through.is_empty() || through.iter().any(|at| at.replied() && !at.said("SERVFAIL")) || sends_elsewhere {
        return None;
    }
    let names = seen.targets().map(|target| target.name.as_str()).filter(|name| seen.is_cluster_name(name));
    let process = seen.node_process(dnsmasq);
    let sign = match process.map(|process| (process, seen.services(process))) {
        Some((process, asked)) if !asked.is_empty() => asked_itself(process, asked)?,
        _ => by_silence(seen, dnsmasq)?,
    };
    let count = through.len();
    let message = format!("{}; through dnsmasq {count} of {count} queries for Services got no reply", sign.message);
    Some(Sign { message, ..sign }.about(names).resting_on(indexes(through)))
}

/// The node process was asked for Services, and gave no reply.
fn asked_itself(process: &Hop, asked: Vec<At<'_>>) -> Option<Sign> {
    if asked.iter().any(|at| at.replied()) {
        return None;
    }
    let refused = asked.iter().all(|at| at.met(Trouble::Refused));
    let how = if refused { "refuses every query: nothing listens there" } else { "does not answer for Services" };
    let message = format!("dnsmasq sends cluster names to {}, which {how}", address(process));
    let confidence = if refused { Confidence::Certain } else { Confidence::Likely };
    Some(Sign::new(&process.id, confidence, message).resting_on(indexes(asked)))
}

/// The node process could not be asked: dnsmasq's silence for cluster names alone speaks.
fn by_silence(seen: &Seen<'_>, dnsmasq: &Hop) -> Option<Sign> {
    let outside = seen.outside(dnsmasq);
    let hop = seen.node_process(dnsmasq).unwrap_or(dnsmasq);
    let message = "dnsmasq answers names outside of the cluster and stays silent for cluster names: the node process behind it \
                   seems to be down";
    let answers = outside.iter().any(|at| at.replied());
    answers.then(|| Sign::new(&hop.id, Confidence::Likely, message).resting_on(indexes(outside)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::openshift3;
    use crate::dns::observation::Observation;

    fn inside(at: &Observation) -> bool {
        !at.chaos && (at.name.ends_with("cluster.local") || at.name.ends_with("in-addr.arpa"))
    }

    #[test]
    fn a_node_process_that_is_gone_is_found() {
        let mut evidence = openshift3();
        evidence.change("dnsmasq", inside, Observation::set_silent);
        evidence.change_all("node", |at| at.set_trouble(Trouble::Refused));
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F4", "node"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        evidence.change_all("node", Observation::set_silent);
        assert_eq!(evidence.signs("F4")[0].confidence, Confidence::Likely, "it hangs");
        evidence.forget(|at| at.vantage == "node1");
        assert_eq!(evidence.signs("F4")[0].confidence, Confidence::Likely, "the node is not in sight");
    }

    #[test]
    fn a_slow_upstream_and_a_rule_to_the_masters_are_no_missing_process() {
        let mut evidence = openshift3();
        evidence.change("dnsmasq", |at| !inside(at) && !at.chaos, Observation::set_silent);
        assert_eq!(evidence.signs("F4"), [], "names outside are slow");
        let mut evidence = openshift3();
        evidence.change("dnsmasq", inside, Observation::set_silent);
        assert_eq!(evidence.signs("F4"), [], "the node process answers the node");
        evidence.change_all("node", |at| at.set_trouble(Trouble::Refused));
        for vantage in ["pod", "node1"] {
            evidence.says(vantage, "dnsmasq", "servers.bind", &["172.30.0.1#53 30 0", "10.9.0.1#53 40 0"]);
        }
        assert_eq!(evidence.signs("F4"), [], "cluster names go to the masters");
    }
}
