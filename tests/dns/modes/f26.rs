//! F26: a pod's resolv.conf names the cluster's resolver and another.

use crate::scene::{Four, KNOWN, OUTSIDE, SERVICE};

const MIXED: &str = "search team1.svc.cluster.local svc.cluster.local cluster.local\nnameserver 172.30.0.10\n\
                     nameserver 10.9.0.1\noptions ndots:5\n";

#[test]
fn the_second_server_is_asked_when_a_packet_to_the_first_is_lost() {
    let Some(world) = (Four { pod_resolv: MIXED, ..Four::healthy() }).start() else { return };
    world.iptables(
        "node1",
        "-t mangle -A PREROUTING -d 172.30.0.10 -p udp -m statistic --mode nth --every 3 --packet 0 -j DROP",
    );
    world.time_out(1000);
    let run = world.debug(&[KNOWN, SERVICE, OUTSIDE]);
    run.prove("F26", "mixed-nameservers", "pod", "resolv.conf of a pod with Unbound 1.17 beside CoreDNS, lossy path");
    run.expect_alone();
}

#[test]
fn the_server_that_does_not_know_the_cluster_stands_first() {
    let first = "search team1.svc.cluster.local\nnameserver 10.9.0.1\nnameserver 172.30.0.10\noptions ndots:5\n";
    let Some(world) = (Four { pod_resolv: first, ..Four::healthy() }).start() else { return };
    world.debug(&[SERVICE]).expect_root("mixed-nameservers", "pod");
}
