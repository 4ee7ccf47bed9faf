//! F1: dnsmasq does not run.

use crate::scene::{OUTSIDE, SERVICE, Three};

#[test]
fn dnsmasq_was_stopped() {
    let Some(world) = (Three { dnsmasq: None, ..Three::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    let how = "dnsmasq not started: the kernel refuses for it";
    run.expect_alone().prove("F1", "dnsmasq-not-running", "dnsmasq", how);
}
