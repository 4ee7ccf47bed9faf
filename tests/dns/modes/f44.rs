//! F44: a pod in its node's network asks the node's servers.

use serde_json::json;

use crate::scene::{Four, OUTSIDE, SERVICE};

#[test]
fn a_pod_has_its_nodes_network_and_file() {
    let Some(mut world) = Four::healthy().start() else { return };
    world.host_pod("pod-host", "node1");
    world.write("pod-host", "/etc/resolv.conf", "search example.com\nnameserver 10.9.0.1\n");
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_root("host-network-pod", "pod-host");
    run.expect_alone();
    let spec = json!({ "spec": { "hostNetwork": true, "dnsPolicy": "ClusterFirst", "nodeName": "node1" } });
    world.object("pods/team1/pod-host", spec);
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.prove(
        "F44",
        "host-network-pod",
        "pod-host",
        "a process in its node's network namespace, with the node's own file",
    );
    run.expect_alone();
}

#[test]
fn with_the_right_policy_nothing_is_wrong() {
    let Some(mut world) = Four::healthy().start() else { return };
    world.host_pod("pod-host", "node1");
    let conf =
        "search team1.svc.cluster.local svc.cluster.local cluster.local\nnameserver 172.30.0.10\noptions ndots:5\n";
    world.write("pod-host", "/etc/resolv.conf", conf);
    world.debug(&[SERVICE, OUTSIDE]).prove_healthy("hostNetwork with dnsPolicy ClusterFirstWithHostNet");
}
