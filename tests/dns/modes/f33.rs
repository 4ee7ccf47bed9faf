//! F33: the connection table still leads an old port to a DNS pod that is gone.

use serde_json::json;

use crate::scene::{Four, OUTSIDE, SERVICE};
use crate::world::{Reply, World};

const PORT: &str = "40123";

/// One query to the Service from the port that a long-lived client keeps.
fn from_the_port(world: &World) -> String {
    let source = format!("-b0.0.0.0#{PORT}");
    world.run("pod", &["sh", "-c", &format!("dig {source} +tries=1 +time=1 +short @172.30.0.10 {SERVICE} || true")])
}

fn lead_to(world: &World, pod: &str) {
    world.iptables("node1", "-t nat -F");
    world.service("node1", "172.30.0.10:53", &[format!("{pod}:5353")]);
}

/// A path whose DNS pod was replaced after a client had asked it from its port.
fn start() -> Option<World> {
    let world = Four::healthy().start()?;
    world.settle();
    lead_to(&world, "10.128.0.11");
    assert_eq!(from_the_port(&world).trim(), "172.30.5.6");
    // The pod is gone, and kube-proxy leads to the other one; what is in the kernel's table stays there.
    for chain in ["INPUT", "OUTPUT"] {
        world.iptables("coredns-1", &format!("-A {chain} -j DROP"));
    }
    lead_to(&world, "10.128.0.12");
    let endpoint = json!({ "addresses": ["10.128.0.12"], "nodeName": "node1", "targetRef": { "name": "coredns-2" } });
    let slice = json!({ "metadata": { "labels": { "kubernetes.io/service-name": "dns-default" } },
        "ports": [{ "name": "dns", "port": 5353, "protocol": "UDP" }], "endpoints": [endpoint] });
    world.object("endpointslices/openshift-dns/dns-default-x7b2p", slice);
    assert!(!from_the_port(&world).contains("172.30.5.6"));
    Some(world)
}

#[test]
fn a_dns_pod_was_replaced_and_its_entry_was_kept() {
    let Some(world) = start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.prove("F33", "fixed-port-stuck", "coredns", "a conntrack entry of the kernel that outlived its CoreDNS");
    run.expect_alone();
}

#[test]
fn the_client_still_holds_its_port() {
    let Some(world) = start() else { return };
    // Whoever has the port will do.
    world.serve("pod", &format!("10.128.0.5:{PORT}"), |_| Reply::silence());
    let run = world.debug(&[SERVICE]);
    let root = run.expect_root("fixed-port-stuck", "coredns");
    assert!(root.message.contains("still holds"), "{}", root.message);
}
