//! F8: dnsmasq was given no upstream.

use crate::scene::{OUTSIDE, SERVICE, Three};

#[test]
fn the_upstream_file_is_empty() {
    let Some(world) = (Three { upstream_dns: "", ..Three::healthy() }).start() else { return };
    let run = world.debug(&[OUTSIDE, SERVICE]);
    let how = "dnsmasq 2.90 with an empty origin-upstream-dns.conf";
    run.expect_alone().prove("F8", "dnsmasq-no-upstream", "dnsmasq", how);
}
