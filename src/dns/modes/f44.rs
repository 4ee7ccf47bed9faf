//! F44: a pod in the network of its node asks the node's servers, which know no Service.

use super::places::{cluster_targets, in_host_network, nameservers, pod_object, without_cluster_dns};
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Place, PlaceKind};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::Seen;

pub(super) static MODE: Mode = Mode {
    id: "F44",
    code: "host-network-pod",
    title: "A pod with hostNetwork asks the node's name servers instead of the cluster's",
    shows: "its resolv.conf is the node's: no cluster name server, no `svc.cluster.local` in the search list, no ndots:5; \
            names of Services are NXDOMAIN with the SOA of somebody outside, while other pods resolve them",
    mend: "set `dnsPolicy: ClusterFirstWithHostNet` in the pod's template; `ClusterFirst` is not honoured with hostNetwork",
    stage: Stage::Files,
    explains: &["search-without-cluster-domain", "pod-resolv-conf-wrong"],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.places(PlaceKind::Pod).filter_map(|place| of_pod(seen, place)).collect()
}

fn of_pod(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let client = seen.client(&place.name)?;
    let host = in_host_network(seen, place)?;
    let object = pod_object(seen, place);
    let policy = object.as_ref().map(|(_, pod)| pod["spec"]["dnsPolicy"].as_str().unwrap_or("ClusterFirst"));
    if policy.is_some_and(|policy| policy != "ClusterFirst" && policy != "Default") {
        return None;
    }
    let rests = without_cluster_dns(seen, &place.name)?;
    let names = cluster_targets(seen);
    let confidence = match policy {
        _ if names.is_empty() => Confidence::Possible,
        Some(_) => Confidence::Certain,
        None => Confidence::Likely,
    };
    let message = format!(
        "{} stands in the network of its node{} and asks {}, where no name of the cluster is known",
        place.pod.as_deref().unwrap_or(&place.name),
        policy.map(|policy| format!(" with dnsPolicy {policy}")).unwrap_or_default(),
        nameservers(seen, &place.name),
    );
    let file = seen.file(&place.name, "/etc/resolv.conf").map(|(at, _)| at.index);
    Some(Sign::new(&client.id, confidence, message).about(names).resting_on(host).resting_on(rests).resting_on(file))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixtures::openshift4;
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;

    /// The pod reads the node's file; a Service's name was never asked of the upstream.
    fn with_the_nodes_file() -> Evidence {
        let mut evidence = openshift4();
        evidence.file("pod", "/etc/resolv.conf", "search example.com\nnameserver 10.9.0.1\n");
        evidence.chain.hops[0].forwards[0].to = vec!["upstream-1".to_owned()];
        evidence.forget(|at| at.hop == "upstream-1" && at.name.ends_with("cluster.local"));
        evidence
    }

    fn pod(host_network: bool, policy: &str) -> serde_json::Value {
        json!({ "spec": { "hostNetwork": host_network, "dnsPolicy": policy } })
    }

    #[test]
    fn host_network_with_cluster_first_is_blamed() {
        let mut evidence = with_the_nodes_file();
        evidence.object("pods/team1/app", &pod(true, "ClusterFirst"));
        let signs = evidence.signs("F44");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "pod", Confidence::Certain));
        assert!(signs[0].message.contains("10.9.0.1"), "{}", signs[0].message);
    }

    #[test]
    fn the_nodes_own_addresses_show_it_without_the_api() {
        let mut evidence = with_the_nodes_file();
        let addresses = "  |-- 10.0.2.15\n     /32 host LOCAL\n  |-- 127.0.0.1\n     /32 host LOCAL\n";
        evidence.file("pod", "/proc/net/fib_trie", addresses);
        evidence.file("node1", "/proc/net/fib_trie", addresses);
        assert_eq!(evidence.signs("F44")[0].confidence, Confidence::Likely);
        evidence.file("pod", "/proc/net/fib_trie", "  |-- 10.128.0.5\n     /32 host LOCAL\n");
        assert_eq!(evidence.signs("F44"), []);
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut own_network = with_the_nodes_file();
        own_network.object("pods/team1/app", &pod(false, "Default"));
        assert_eq!(own_network.signs("F44"), [], "F45: dnsPolicy Default");
        let mut well = openshift4();
        well.object("pods/team1/app", &pod(true, "ClusterFirstWithHostNet"));
        assert_eq!(well.signs("F44"), []);
        well.object("pods/team1/app", &pod(true, "ClusterFirst"));
        assert_eq!(well.signs("F44"), [], "dnsmasq of a 3.x node, or a hand-made file: Services resolve");
    }
}
