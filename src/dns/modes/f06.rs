//! F6: the node process answers from a stale picture of the cluster.

use super::{Mode, Stage};
use crate::dns::chain::{Hop, Platform, Role, Target, is_below};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::node::{address, outcome};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F6",
    code: "node-resolver-stale",
    title: "the node process answers with what the cluster looked like some time ago",
    shows: "a Service that was made again resolves to its old address, or not at all, on one node; the node process itself says \
            so, with its full time to live at every query: it is no cache that runs out, but a lost watch on the API",
    mend: "restart the node process: `systemctl restart atomic-openshift-node` (3.10 and later: delete the node's sdn pod); then \
           check that its client certificate is valid and that the node reaches the API",
    stage: Stage::Next,
    explains: &["dnsmasq-stale-answer"],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let old = stale(seen);
    let hops = processes(seen).filter(|hop| old.iter().any(|(other, ..)| other.id == hop.id));
    hops.map(|hop| sign(seen, hop, old.iter().filter(|(other, ..)| other.id == hop.id))).collect()
}

fn sign<'a>(seen: &Seen<'a>, hop: &Hop, old: impl Iterator<Item = &'a (&'a Hop, &'a Target, At<'a>)>) -> Sign {
    let old: Vec<_> = old.collect();
    let is_other = |other: &&Hop| other.id != hop.id;
    let others_right = |name: &str| {
        let others = processes(seen).filter(is_other);
        others.filter_map(|other| seen.reply(&other.id, name, "A")).find(|at| seen.is_right(at))
    };
    let beside: Vec<At<'_>> = old.iter().filter_map(|(_, target, _)| others_right(&target.name)).collect();
    // A cache's time to live would have run on.
    let again = old.iter().filter(|(.., at)| at.round == 2 && at.has_answer());
    let as_before = again.filter(|(_, target, at)| {
        let first = seen.for_name(&hop.id, &target.name, "A").find(|other| other.round == 1);
        first.is_some_and(|first| first.ttl() == at.ttl() && at.ttl() > Some(0))
    });
    let certain = as_before.count() > 0 || !beside.is_empty();
    let message = match old.first() {
        Some((_, target, at)) => {
            let expected: Vec<String> = target.expected.iter().map(ToString::to_string).collect();
            let because = target.because.as_deref().unwrap_or("the API");
            let (who, what, now) = (address(hop), outcome(at), expected.join(" "));
            format!("the node process ({who}) says {what} for `{}`, but {because} has {now}", target.name)
        }
        None => String::new(),
    };
    let confidence = if certain { Confidence::Certain } else { Confidence::Likely };
    let rests = indexes(old.iter().map(|(.., at)| *at).chain(beside));
    Sign::new(&hop.id, confidence, message)
        .about(old.iter().map(|(_, target, _)| target.name.as_str()))
        .resting_on(rests)
}

/// Node processes of OpenShift 3.
fn processes<'a>(seen: &Seen<'a>) -> impl Iterator<Item = &'a Hop> + use<'a> {
    let old = matches!(seen.evidence.chain.platform, Platform::OpenShift3 | Platform::Minishift);
    seen.role(Role::Node).filter(move |_| old)
}

/// Answers for Services whose address the API says otherwise. A denial counts where the cluster itself denies.
fn stale<'a>(seen: &Seen<'a>) -> Vec<(&'a Hop, &'a Target, At<'a>)> {
    let mut found = Vec::new();
    for hop in processes(seen) {
        for target in seen.targets().filter(|target| !target.expected.is_empty() && seen.is_cluster_name(&target.name))
        {
            let is_old = |at: &At<'_>| {
                let denied = at.said("NXDOMAIN")
                    && at.soa().is_some_and(|soa| is_below(&soa.name, &seen.evidence.chain.cluster_domain));
                (at.has_answer() && !seen.is_right(at)) || denied
            };
            let all: Vec<At<'a>> = seen.for_name(&hop.id, &target.name, "A").collect();
            if !seen.any_right(&all) {
                found.extend(all.into_iter().filter(is_old).map(|at| (hop, target, at)));
            }
        }
    }
    found
}

/// The same again, later: does its time to live run?
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let again = |(hop, target, at): (&Hop, &Target, At<'_>)| {
        let question = Question::new(&hop.id, hop.address?, &target.name, "A").after(1500);
        Some((at.vantage.clone(), question))
    };
    let mut questions: Vec<_> = stale(seen).into_iter().filter_map(again).collect();
    questions.dedup();
    questions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{SERVICE, flags, openshift3};
    use crate::dns::observation::Observation;

    fn asks_for_service(at: &Observation) -> bool {
        at.name == SERVICE && at.kind == "A"
    }

    fn old_address(hops: &[&str]) -> Evidence {
        let mut evidence = openshift3();
        for hop in hops {
            evidence.change(hop, asks_for_service, |at| at.set_answer(&["172.30.99.9"], 30, flags("aa ra")));
        }
        evidence
    }

    #[test]
    fn an_old_address_is_found_and_a_time_to_live_that_stands_still_makes_it_sure() {
        let mut evidence = old_address(&["node", "dnsmasq"]);
        assert_eq!(evidence.signs("F6")[0].confidence, Confidence::Likely);
        let questions = ask(&Seen::new(&evidence));
        assert_eq!((questions[0].0.as_str(), questions[0].1.name.as_str()), ("node1", SERVICE));
        let first = evidence.observations.iter().find(|at| at.hop == "node" && asks_for_service(at)).unwrap();
        let again = first.again();
        evidence.put(again);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F6", "node"));
        assert_eq!((findings[0].confidence, findings[0].names[0].as_str()), (Confidence::Certain, SERVICE));
    }

    #[test]
    fn a_service_that_the_node_process_has_not_heard_of_is_found() {
        let mut evidence = openshift3();
        let soa = Some(("cluster.local", "ns.dns.cluster.local hostmaster.cluster.local 1 2 3 4 60"));
        evidence.change("node", asks_for_service, |at| at.set_negative("NXDOMAIN", soa, flags("")));
        assert_eq!(evidence.signs("F6")[0].confidence, Confidence::Likely);
        evidence.change("node", asks_for_service, Observation::set_unknown_in_the_world);
        assert_eq!(evidence.signs("F6"), [], "the world denies it, not the cluster");
    }

    #[test]
    fn a_cache_in_dnsmasq_is_not_the_node_process() {
        assert_eq!(old_address(&["dnsmasq"]).signs("F6"), []);
    }
}
