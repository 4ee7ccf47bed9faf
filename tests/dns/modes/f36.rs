//! F36: an upstream of CoreDNS says nothing.

use crate::scene::{Four, OUTSIDE, SERVICE};

#[test]
fn the_only_upstream_vanished() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    world.silence("up1");
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F36", "upstream-silent", "upstream-1", "iptables DROP before the upstream of CoreDNS 1.11.3");
}
