//! F13: dnsmasq asks a dead server first.

use crate::scene::{OUTSIDE, SERVICE, Three};
use crate::world::Spec;

#[test]
fn the_first_of_two_servers_is_dead() {
    let upstream_dns = "strict-order\nserver=10.9.0.3\nserver=10.9.0.1\n";
    let scene = Three { upstream_dns, more: vec![Spec::dead()], ..Three::healthy() };
    let Some(world) = scene.start() else { return };
    world.silence("dead");
    let run = world.debug(&[OUTSIDE, SERVICE]);
    let how = "dnsmasq 2.90 with `strict-order`, iptables DROP before its first server";
    run.expect_alone().prove("F13", "dead-server-first", "dnsmasq", how);
}
