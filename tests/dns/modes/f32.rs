//! F32: of two questions from one port, the second is lost.

use crate::scene::{Four, OUTSIDE, SERVICE};

#[test]
fn the_second_packet_of_a_flow_is_lost() {
    let Some(world) = Four::healthy().start() else { return };
    // The race in the kernel needs luck; its effect is that the second packet of a new flow is lost.
    world.run("node1", &["sh", "-c", "echo 1 >/proc/sys/net/netfilter/nf_conntrack_acct"]);
    let second = "-m connbytes --connbytes 2:2 --connbytes-dir original --connbytes-mode packets -j DROP";
    world.iptables("node1", &format!("-A FORWARD -s 10.128.0.5 -p udp --dport 5353 {second}"));
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F32", "same-port-race", "coredns", "iptables connbytes drops the second packet of a flow to CoreDNS");
    run.expect_alone();
}
