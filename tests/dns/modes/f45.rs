//! F45: a pod's resolv.conf names no server, or none of the cluster's.

use serde_json::json;

use crate::scene::{Four, OUTSIDE, SERVICE};

#[test]
fn the_policy_is_none_and_nobody_is_named() {
    let Some(world) = (Four { pod_resolv: "search example.com\n", ..Four::healthy() }).start() else { return };
    world.object(
        "pods/team1/pod",
        json!({ "spec": { "dnsPolicy": "None", "dnsConfig": { "searches": ["example.com"] } } }),
    );
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.prove("F45", "pod-resolv-conf-wrong", "pod", "an /etc/resolv.conf without servers, as the C library reads it");
    run.expect_alone();
}

#[test]
fn a_kubelet_without_the_clusters_address_gave_the_nodes_file() {
    let pod_resolv = "search example.com\nnameserver 10.9.0.1\n";
    let Some(world) = (Four { pod_resolv, ..Four::healthy() }).start() else { return };
    let words = "pod: \"pod_team1(7a)\". kubelet does not have ClusterDNS IP configured and cannot create Pod using \
                 \"ClusterFirst\" policy. Falling back to \"Default\" policy.";
    let event = json!({ "reason": "MissingClusterDNS", "involvedObject": { "name": "pod" }, "message": words });
    world.object("events/team1/pod.17d", event);
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.prove(
        "F45",
        "pod-resolv-conf-wrong",
        "pod",
        "an /etc/resolv.conf with the node's server; CoreDNS answers beside it",
    );
    run.expect_alone();
}
