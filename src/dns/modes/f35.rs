//! F35: CoreDNS answers, but has not read the cluster's Services yet.

use super::coredns::{joined, named, servers};
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F35",
    code: "coredns-not-synced",
    title: "CoreDNS has not got the cluster's Services from the API",
    shows: "cluster names get SERVFAIL with the flag aa and the SOA of the cluster's domain; names of the outside are fine. Its \
            log says `starting server with unsynced Kubernetes API`, and it is not ready on port 8181",
    mend: "let the DNS pods reach the API: `oc logs -n openshift-dns ds/dns-default -c dns`, then the API servers, the network \
           between, and the rights of ServiceAccount `openshift-dns/dns` on Services and EndpointSlices",
    stage: Stage::Server,
    explains: &["coredns-pod-unreachable", "service-without-endpoints", "search-suffix-fails", "tcp-blocked"],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let unsynced = |hop: &&Hop| !fingerprints(seen, &hop.id).is_empty();
    let servers: Vec<&Hop> = servers(seen).into_iter().filter(unsynced).collect();
    // Behind a Service whose pods cannot be asked from here, the Service itself shows it.
    let shown = if servers.is_empty() { seen.hops().filter(unsynced).collect() } else { servers };
    joined(seen, &shown).into_iter().map(|hop| sign(seen, hop, &shown)).collect()
}

/// SERVFAIL that CoreDNS gives with authority: nothing else does.
fn fingerprints<'a>(seen: &Seen<'a>, hop: &str) -> Vec<At<'a>> {
    let of_cluster = |at: &At<'_>| at.soa().is_some_and(|soa| seen.is_cluster_name(&soa.name));
    seen.asked(hop).filter(|at| at.said("SERVFAIL") && at.flag(|flags| flags.aa) && of_cluster(at)).collect()
}

fn sign(seen: &Seen<'_>, hop: &Hop, shown: &[&Hop]) -> Sign {
    let evidence: Vec<At<'_>> = shown.iter().flat_map(|hop| fingerprints(seen, &hop.id)).collect();
    let names = evidence.iter().map(|at| at.name.as_str());
    let asked_for: Vec<&str> = names.clone().filter(|name| seen.targets().any(|target| target.name == *name)).collect();
    let example = evidence.first().map(|at| at.name.clone()).unwrap_or_default();
    let message = format!(
        "{} answers `{example}` with SERVFAIL, the flag aa and the SOA of `{}`: it serves the domain and has not got its Services \
         from the API",
        named(hop),
        seen.evidence.chain.cluster_domain,
    );
    Sign::new(&hop.id, Confidence::Certain, message).about(asked_for).resting_on(indexes(evidence.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{KNOWN, SERVICE, flags, openshift4};

    const SOA: (&str, &str) = ("cluster.local", "ns.dns.cluster.local hostmaster.cluster.local 1 7200 1800 86400 5");

    fn servfail(pods: &[&str], soa: Option<(&str, &str)>, names: &str) -> Evidence {
        let mut evidence = openshift4();
        for pod in pods {
            let fits = |at: &crate::dns::observation::Observation| at.name.ends_with("cluster.local");
            evidence.change(pod, fits, |at| at.set_negative("SERVFAIL", soa, flags(names)));
        }
        evidence
    }

    #[test]
    fn servfail_with_authority_means_not_synced() {
        let signs = servfail(&["coredns/dns-default-a"], Some(SOA), "aa").signs("F35");
        assert_eq!(signs.len(), 1);
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("coredns/dns-default-a", Confidence::Certain));
        assert_eq!(signs[0].names, [SERVICE, KNOWN]);
        let both = servfail(&["coredns/dns-default-a", "coredns/dns-default-b"], Some(SOA), "aa").signs("F35");
        assert_eq!((both.len(), both[0].hop.as_str()), (1, "coredns"));
    }

    #[test]
    fn servfail_of_a_coredns_that_gave_up_on_its_upstream_is_another() {
        assert_eq!(servfail(&["coredns/dns-default-a"], None, "").signs("F35"), []);
        assert_eq!(servfail(&["coredns/dns-default-a"], Some(SOA), "ra").signs("F35"), []);
    }
}
