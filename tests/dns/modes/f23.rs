//! F23: dnsmasq keeps names of a single label to itself.

use crate::scene::{OUTSIDE, SERVICE, Three};
use crate::world::Zone;

#[test]
fn a_bare_name_that_an_upstream_has_is_not_forwarded() {
    let mut zones = Zone::outside();
    zones[0] = Zone::root("intranet A 192.0.2.80");
    let Some(world) = (Three { up1: zones.clone(), up2: zones, ..Three::healthy() }).start() else { return };
    let run = world.debug(&["intranet", OUTSIDE, SERVICE]);
    let how = "dnsmasq 2.90 with `domain-needed` (NXDOMAIN; 2.76 says NOERROR: by hand), BIND with a bare name";
    run.expect_alone().prove("F23", "single-label-blocked", "dnsmasq", how);
}
