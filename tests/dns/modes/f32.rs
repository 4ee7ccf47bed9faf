//! F32: of two questions from one port, the second is lost.

use crate::scene::{Four, OUTSIDE, SERVICE};

#[test]
fn the_second_packet_of_a_flow_is_lost() {
    let Some(world) = Four::healthy().start() else { return };
    // The race in the kernel needs luck; its effect is that the second packet of a new flow is lost.
    // A port that is used again soon belongs to the old flow, and the rule takes its question for a second one.
    let flows = "cd /proc/sys/net/netfilter && echo 1 >nf_conntrack_acct && echo 1 >nf_conntrack_udp_timeout";
    world.run("node1", &["sh", "-c", flows]);
    let second = "-m connbytes --connbytes 2:2 --connbytes-dir original --connbytes-mode packets -j DROP";
    world.iptables("node1", &format!("-A FORWARD -s 10.128.0.5 -p udp --dport 5353 {second}"));
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F32", "same-port-race", "coredns", "iptables connbytes drops the second packet of a flow to CoreDNS");
    run.expect_alone();
}
