//! F51: pods ask an address at which the cluster's DNS does not stand.

use serde_json::json;

use crate::scene::{Four, OUTSIDE, SERVICE};

#[test]
fn the_kubelet_has_an_old_address() {
    let pod_resolv =
        "search team1.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.43.0.10\noptions ndots:5\n";
    let Some(world) = (Four { pod_resolv, ..Four::healthy() }).start() else { return };
    world.object("kubelet/node1", json!({ "clusterDNS": ["10.43.0.10"], "clusterDomain": "cluster.local" }));
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.prove(
        "F51",
        "wrong-dns-address",
        "pod",
        "kernel routes and DNAT rules: nobody is at that address; CoreDNS 1.11.3 is well",
    );
    run.expect_alone();
}
