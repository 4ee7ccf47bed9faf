//! F10: too many queries wait in dnsmasq.

use lsdeploy::dns::classify::Confidence;

use crate::scene::{OUTSIDE, ROUTE, SERVICE, Three};
use crate::world::Relay;

const SMALL: &str = "no-resolv\ndomain-needed\nno-negcache\nmax-cache-ttl=1\ndns-forward-max=5\nbind-dynamic\nmin-port=1024\n\
                     except-interface=lo\n";

#[test]
fn a_slow_upstream_fills_a_small_table() {
    let scene = Three { origin_dns: SMALL, upstream_dns: "server=10.9.0.1\n", up1: Vec::new(), ..Three::healthy() };
    let Some(world) = scene.start() else { return };
    // An upstream that takes its time, and answers.
    world.relay("up1", "10.9.0.1:53", "10.9.0.2:53", Relay { delay: 1200, lose_every: 0 });
    let run = world.debug(&[OUTSIDE, ROUTE, SERVICE]);
    let how = "dnsmasq 2.90 with `dns-forward-max=5` before an upstream that takes 1.2 s";
    run.expect_alone().prove("F10", "dnsmasq-table-full", "dnsmasq", how);
}

#[test]
fn a_dead_upstream_is_the_cause_of_a_full_table() {
    let scene = Three { origin_dns: SMALL, upstream_dns: "server=10.9.0.1\n", up1: Vec::new(), ..Three::healthy() };
    let Some(world) = scene.start() else { return };
    world.silence("up1");
    let run = world.debug(&[OUTSIDE, ROUTE, SERVICE]);
    let full = run.expect_also("dnsmasq-table-full", "dnsmasq", Confidence::Likely);
    assert_eq!(full.follows_from.as_deref(), Some("upstream-silent"));
}
