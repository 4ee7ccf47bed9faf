//! F21: dnsmasq serves the node's own networks only.

use crate::scene::{OUTSIDE, SERVICE, Three};
use crate::world::SkyDns;

#[test]
fn pods_are_not_on_a_network_of_the_node() {
    // Without `except-interface=lo` dnsmasq takes 127.0.0.1 too, so the node process stands beside it.
    let origin_dns = "no-resolv\ndomain-needed\nno-negcache\nmax-cache-ttl=1\nbind-dynamic\nlocal-service\n";
    let cluster_rule = "server=/in-addr.arpa/127.0.0.2\nserver=/cluster.local/127.0.0.2\n";
    let scene = Three { origin_dns, cluster_rule, skydns: None, ..Three::healthy() };
    let Some(world) = scene.start() else { return };
    let sky = SkyDns::new().with("kinesis.team1", "172.30.5.6");
    world.serve("node1", "127.0.0.2:53", move |ask| sky.reply(ask));
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_alone().prove(
        "F21",
        "dnsmasq-local-only",
        "dnsmasq",
        "dnsmasq 2.90 with `local-service`, a pod from 10.128.0.5",
    );
}

#[test]
fn dnsmasq_is_bound_to_loopback() {
    let origin_dns = "no-resolv\ninterface=lo\nbind-interfaces\n";
    let scene =
        Three { origin_dns, cluster_rule: "server=/cluster.local/127.0.0.2\n", skydns: None, ..Three::healthy() };
    let Some(world) = scene.start() else { return };
    let sky = SkyDns::new().with("kinesis.team1", "172.30.5.6");
    world.serve("node1", "127.0.0.2:53", move |ask| sky.reply(ask));
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_alone().expect_root("dnsmasq-local-only", "dnsmasq");
}
