//! F20: a firewall keeps pods from dnsmasq.

use crate::scene::{OUTSIDE, SERVICE, Three};

const PODS: &str = "-A INPUT -s 10.128.0.0/14 --dport 53";

#[test]
fn a_rule_rejects_as_firewalld_does() {
    let Some(world) = Three::healthy().start() else { return };
    for protocol in ["udp", "tcp"] {
        let rule = PODS.replace("--dport", &format!("-p {protocol} --dport"));
        world.iptables("node1", &format!("{rule} -j REJECT --reject-with icmp-admin-prohibited"));
    }
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_alone().prove(
        "F20",
        "node-firewall",
        "dnsmasq",
        "iptables REJECT (admin-prohibited) for pods on the node",
    );
}

#[test]
fn a_rule_drops() {
    let Some(world) = Three::healthy().start() else { return };
    for protocol in ["udp", "tcp"] {
        world.iptables("node1", &format!("{} -j DROP", PODS.replace("--dport", &format!("-p {protocol} --dport"))));
    }
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_alone().expect_root("node-firewall", "dnsmasq");
}

#[test]
fn a_rule_refuses() {
    let Some(world) = Three::healthy().start() else { return };
    world.iptables("node1", "-A INPUT -s 10.128.0.0/14 -p udp --dport 53 -j REJECT");
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_alone().expect_root("node-firewall", "dnsmasq");
}
