//! F1: dnsmasq does not run.

use crate::scene::{OUTSIDE, Pair, SERVICE, Three};

#[test]
fn dnsmasq_was_stopped() {
    let Some(world) = (Three { dnsmasq: None, ..Three::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    let how = "dnsmasq not started: the kernel refuses for it";
    run.expect_alone().prove("F1", "dnsmasq-not-running", "dnsmasq", how);
}

#[test]
fn dnsmasq_of_one_node_of_two_was_stopped() {
    let Some(world) = (Pair { dnsmasq: [true, false], ..Pair::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_alone().expect_root("dnsmasq-not-running", "dnsmasq@node2");
}
