//! From what the survey saw to a chain. Takes files, processes and objects as observations; returns hops. Pure.
//!
//! Objects of the API say most, files of the vantages say the rest; what neither says is named in `unseen`.

mod builder;
mod coredns;
mod facts;
mod node;

use super::{Chain, Place, PlaceKind, Platform, Target};
use crate::dns::evidence::Evidence;
use crate::dns::seen::Seen;
use builder::Builder;

/// Finds the chain in what the survey saw.
pub fn discover(evidence: &Evidence) -> Chain {
    let seen = Seen::new(evidence);
    let mut builder = Builder::new(Seen::new(evidence));
    let mut chain = Chain {
        platform: facts::platform(&seen),
        cluster_domain: facts::cluster_domain(&seen),
        apps_domain: facts::apps_domain(&seen),
        router: facts::router(&seen),
        ..Chain::default()
    };
    for place in &evidence.places {
        builder.client(&chain, place);
    }
    match chain.platform {
        Platform::OpenShift3 => node::openshift3(&mut builder, &chain),
        Platform::OpenShift4 | Platform::Crc | Platform::MicroShift | Platform::Kubernetes => {
            coredns::cluster(&mut builder, &chain);
        }
        Platform::Minishift => node::minishift(&mut builder, &chain),
        Platform::None => builder.closed(),
    }
    for place in evidence.places.iter().filter(|place| place.kind == PlaceKind::Workstation) {
        node::workstation(&mut builder, place, &evidence.targets);
    }
    (chain.hops, chain.unseen) = builder.finish();
    chain
}

/// Fills in the addresses that names should have, where the cluster says them.
pub fn expect(evidence: &mut Evidence) {
    let expected: Vec<Option<(Vec<std::net::IpAddr>, String)>> = {
        let seen = Seen::new(evidence);
        evidence.targets.iter().map(|target| facts::expected(&seen, target)).collect()
    };
    for (target, expected) in evidence.targets.iter_mut().zip(expected) {
        if let (true, Some((addresses, because))) = (target.expected.is_empty(), expected) {
            target.expected = addresses;
            target.because = Some(because);
        }
    }
}

fn is_target_below(targets: &[Target], zone: &str) -> bool {
    targets.iter().any(|target| super::is_below(&target.name, zone))
}

fn node_place<'a>(places: &'a [Place], node: Option<&str>) -> Option<&'a Place> {
    let mut nodes = places.iter().filter(|place| place.kind == PlaceKind::Node);
    match node {
        Some(node) => {
            let mut same = nodes.clone().filter(|place| place.node.as_deref() == Some(node) || place.name == node);
            same.next().or_else(|| nodes.find(|place| place.node.is_none()))
        }
        None => nodes.next(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dns::chain::{Hop, Platform, Role};
    use crate::dns::modes::fixtures::{openshift3, openshift4};
    use crate::dns::observation::{Observation, ProbeError, Transport, Trouble};

    /// Who asks whom, as words.
    fn path(hops: &[Hop]) -> Vec<String> {
        let forward = |hop: &Hop| {
            hop.forwards.iter().map(|to| format!("{}>{}", to.zones.join(","), to.to.join(","))).collect::<Vec<_>>()
        };
        let address = |hop: &Hop| hop.address.map(|address| address.to_string()).unwrap_or_default();
        hops.iter().map(|hop| format!("{} {} {}", hop.id, address(hop), forward(hop).join(" "))).collect()
    }

    #[test]
    fn files_tell_the_path_of_an_old_node() {
        let evidence = openshift3();
        let found = discover(&evidence);
        assert_eq!((found.platform, found.cluster_domain.as_str()), (Platform::OpenShift3, "cluster.local"));
        assert_eq!(path(&found.hops), path(&evidence.chain.hops));
    }

    #[test]
    fn a_vantage_may_be_called_as_a_hop_is() {
        let mut evidence = openshift3();
        let as_node = |name: &mut String| {
            if name == "node1" {
                "node".clone_into(name);
            }
        };
        evidence.observations.iter_mut().for_each(|seen| as_node(&mut seen.vantage));
        evidence.places.iter_mut().for_each(|place| as_node(&mut place.name));
        let found = discover(&evidence);
        let ids: Vec<&str> = found.hops.iter().map(|hop| hop.id.as_str()).collect();
        assert_eq!(ids, ["pod", "node", "dnsmasq", "node-resolver", "upstream-1", "upstream-2"]);
        assert_eq!(found.hops[2].asks_for("x.cluster.local"), ["node-resolver"]);
    }

    #[test]
    fn a_dnsmasq_that_nobody_names_is_looked_for_where_something_waits() {
        let mut evidence = openshift3();
        evidence.places.retain(|place| place.name == "node1");
        evidence.file("node1", "/etc/resolv.conf", "nameserver 10.9.0.1\n");
        evidence.kernel("node1", &["10.0.2.15", "10.128.0.1", "127.0.0.1"], &["10.128.0.1", "127.0.0.1"]);
        let found = discover(&evidence);
        assert_eq!(found.hop("dnsmasq").and_then(|hop| hop.address), "10.128.0.1:53".parse().ok());
    }

    #[test]
    fn a_pod_alone_tells_which_kind_of_path_it_has() {
        let first = |address: &str| {
            let mut evidence = openshift3();
            evidence.places.retain(|place| place.name == "pod");
            evidence.file(
                "pod",
                "/etc/resolv.conf",
                &format!("nameserver {address}\nsearch a.svc.cluster.local svc.cluster.local\n"),
            );
            let found = discover(&evidence);
            (found.platform, found.hops.get(1).map(|hop| (hop.id.clone(), hop.role)))
        };
        let hop = |id: &str, role| Some((id.to_owned(), role));
        assert_eq!(first("10.0.2.15"), (Platform::OpenShift3, hop("dnsmasq", Role::Dnsmasq)));
        assert_eq!(first("172.30.0.10"), (Platform::OpenShift4, hop("coredns", Role::Coredns)));
        assert_eq!(first("10.100.0.10"), (Platform::Kubernetes, hop("coredns", Role::Coredns)));
        assert_eq!(first("8.8.8.8"), (Platform::Kubernetes, hop("upstream-1", Role::Upstream)));
    }

    #[test]
    fn the_api_knows_which_address_is_a_nodes() {
        let mut evidence = openshift3();
        evidence.places.retain(|place| place.name == "pod");
        let node = |address: &str| json!({ "status": { "addresses": [{ "type": "InternalIP", "address": address }] } });
        evidence.object("nodes/infra-1", &node("10.0.2.15"));
        assert_eq!(discover(&evidence).hop("dnsmasq").and_then(|hop| hop.node.clone()).as_deref(), Some("infra-1"));
        evidence.object("nodes/infra-1", &node("10.0.2.99"));
        assert_eq!(discover(&evidence).platform, Platform::Kubernetes, "the pod asks something else");
    }

    #[test]
    fn objects_tell_the_path_through_the_pods_of_coredns() {
        let mut evidence = openshift4();
        let endpoint = |pod: &str, address: &str| json!({ "addresses": [address], "nodeName": "node1", "targetRef": { "name": pod } });
        let slice = json!({
            "metadata": { "labels": { "kubernetes.io/service-name": "dns-default" } },
            "ports": [{ "name": "metrics", "port": 9154 }, { "name": "dns-tcp", "port": 5353 }],
            "endpoints": [endpoint("dns-default-a", "10.128.0.5"), endpoint("dns-default-b", "10.129.0.5")],
        });
        evidence.object("endpointslices/openshift-dns/dns-default-x", &slice);
        let corefile = "corp.example:5353 {\n forward . 10.9.0.7\n}\n.:5353 {\n forward . /etc/resolv.conf\n}\n";
        evidence.object("configmaps/openshift-dns/dns-default", &json!({ "data": { "Corefile": corefile } }));
        let found = discover(&evidence);
        assert_eq!(found.platform, Platform::OpenShift4);
        let expected = [
            "pod  .>coredns",
            "node1  .>upstream-1",
            "coredns 172.30.0.10:53 .>coredns/dns-default-a,coredns/dns-default-b",
            "coredns/dns-default-a 10.128.0.5:5353 corp.example>upstream-2 .>upstream-1",
            "coredns/dns-default-b 10.129.0.5:5353 corp.example>upstream-2 .>upstream-1",
            "upstream-1 10.9.0.1:53 ",
            "upstream-2 10.9.0.7:53 ",
        ];
        assert_eq!(path(&found.hops), expected);
    }

    #[test]
    fn a_machine_that_names_nobody_has_no_path_and_that_is_said() {
        let mut evidence = openshift3();
        evidence.observations.retain(|seen| seen.name != "/etc/resolv.conf");
        evidence.places.truncate(1);
        let found = discover(&evidence);
        assert_eq!(found.platform, Platform::None);
        assert!(found.unseen.iter().any(|unseen| unseen.contains("/etc/resolv.conf of pod")), "{:?}", found.unseen);
    }

    #[test]
    fn a_cluster_that_shows_nothing_is_said_to_be_there() {
        let mut evidence = openshift4();
        evidence.places.retain(|place| place.kind == PlaceKind::Workstation);
        let places = evidence.places.clone();
        evidence.observations.retain(|seen| places.iter().any(|place| place.name == seen.vantage));
        let said = |evidence: &Evidence| discover(evidence).unseen.join("; ");
        assert!(!said(&evidence).contains("the cluster"), "{}", said(&evidence));
        evidence.object("version", &json!({"gitVersion": "v1.34.4"}));
        for name in ["services/openshift-dns/dns-default", "nodes"] {
            let mut forbidden = Observation::blank("api", name, "OBJECT", Transport::Api);
            forbidden.error = Some(ProbeError { kind: Trouble::Unreadable, detail: "forbidden (HTTP 403)".to_owned() });
            evidence.put(forbidden);
        }
        let words = "the way of names inside of the cluster: of its API 2 objects cannot be read, forbidden (HTTP 403)";
        assert!(said(&evidence).contains(words), "{}", said(&evidence));
    }
}
