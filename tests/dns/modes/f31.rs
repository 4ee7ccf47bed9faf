//! F31: a policy admits port 53, CoreDNS listens on 5353.

use serde_json::json;

use crate::scene::{Four, OUTSIDE, SERVICE};
use crate::world::World;

/// What a network plugin makes of an egress rule for port 53: it sees the packet after its destination was translated.
fn start() -> Option<World> {
    let world = Four::healthy().start()?;
    for protocol in ["udp", "tcp"] {
        world.iptables("node1", &format!("-A FORWARD -s 10.128.0.5 -p {protocol} --dport 53 -j ACCEPT"));
        world.iptables("node1", &format!("-A FORWARD -s 10.128.0.5 -p {protocol} -j DROP"));
    }
    Some(world)
}

#[test]
fn the_packets_of_a_pod_are_dropped_on_port_5353() {
    let Some(world) = start() else { return };
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove(
        "F31",
        "policy-blocks-5353",
        "coredns",
        "iptables FORWARD of the node admits port 53 only, after DNAT to 5353",
    );
    run.expect_alone();
}

#[test]
fn the_policy_is_named_where_the_api_has_it() {
    let Some(world) = start() else { return };
    let rule = json!({ "ports": [{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }] });
    let spec = json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [rule] });
    world.object("networkpolicies/team1/dns-only", json!({ "metadata": { "name": "dns-only" }, "spec": spec }));
    world.time_out(1000);
    let run = world.debug(&[SERVICE]);
    let root = run.expect_root("policy-blocks-5353", "coredns");
    assert!(root.message.contains("dns-only"), "{}", root.message);
}
