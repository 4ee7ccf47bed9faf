//! F34: one of the CoreDNS pods cannot be reached.

use crate::scene::{Four, OUTSIDE, SERVICE};

#[test]
fn a_tunnel_loses_udp_to_one_of_the_pods() {
    let Some(world) = (Four { pods: 3, ..Four::healthy() }).start() else { return };
    world.iptables("node1", "-A FORWARD -d 10.128.0.12 -p udp --dport 5353 -j DROP");
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F34", "coredns-pod-unreachable", "coredns/coredns-2", "iptables drops UDP to one of three CoreDNS pods");
    run.expect_alone();
}

#[test]
fn one_of_the_pods_vanished() {
    let Some(world) = Four::healthy().start() else { return };
    world.iptables("coredns-2", "-A INPUT -j DROP");
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.expect_root("coredns-pod-unreachable", "coredns/coredns-2");
    run.expect_alone();
}
