//! F10: too many queries wait in dnsmasq.

use crate::scene::{OUTSIDE, ROUTE, SERVICE, Three};

#[test]
fn a_slow_upstream_fills_a_small_table() {
    let origin_dns = "no-resolv\ndomain-needed\nno-negcache\nmax-cache-ttl=1\ndns-forward-max=5\nbind-dynamic\n\
                      min-port=1024\nexcept-interface=lo\n";
    let scene = Three { origin_dns, upstream_dns: "server=10.9.0.1\n", up1: Vec::new(), ..Three::healthy() };
    let Some(world) = scene.start() else { return };
    // An upstream that takes its time, and answers.
    world.relay("up1", "10.9.0.1:53", "10.9.0.2:53", crate::world::Relay { delay: 1200, lose_every: 0 });
    let run = world.debug(&[OUTSIDE, ROUTE, SERVICE]);
    let how = "dnsmasq 2.90 with `dns-forward-max=5` before an upstream that takes 1.2 s";
    run.expect_alone().prove("F10", "dnsmasq-table-full", "dnsmasq", how);
}
