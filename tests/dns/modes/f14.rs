//! F14: an external and an internal view side by side.

use crate::scene::{OUTSIDE, ROUTE, SERVICE, Three};
use crate::world::Zone;

#[test]
fn one_upstream_has_the_external_view() {
    let external =
        vec![Zone::root(""), Zone::new("example.com", "www A 192.0.2.80"), Zone::new("github.com", "@ A 140.82.112.3")];
    let Some(world) = (Three { up1: external, ..Three::healthy() }).start() else { return };
    let run = world.debug(&[ROUTE, OUTSIDE, SERVICE]);
    let how = "dnsmasq 2.90 before two Unbounds with BIND's internal and external view";
    run.expect_alone().prove("F14", "upstreams-disagree", "dnsmasq", how);
}
