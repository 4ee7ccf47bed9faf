//! F17: dnsmasq remembers an address that the node process no longer gives.

use crate::scene::{OUTSIDE, SERVICE, Three};
use crate::world::SkyDns;

#[test]
fn dnsmasq_caches_as_long_as_the_node_process_says() {
    let origin_dns = "no-resolv\ndomain-needed\nbind-dynamic\nmin-port=1024\nexcept-interface=lo\n";
    let sky = SkyDns::new().with("kinesis.team1", "172.30.99.9");
    let Some(world) = (Three { origin_dns, skydns: Some(sky.clone()), ..Three::healthy() }).start() else { return };
    world.settle();
    assert!(world.run("pod", &["dig", "+short", "@10.0.2.15", SERVICE]).contains("172.30.99.9"));
    sky.set("kinesis.team1", "172.30.5.6");
    let run = world.debug(&[SERVICE, OUTSIDE]);
    let how = "dnsmasq 2.90 without `max-cache-ttl`, after the Service was made again";
    run.expect_alone().prove("F17", "dnsmasq-stale-answer", "dnsmasq", how);
}
