//! F25: an upstream answers names that do not exist.

use crate::scene::{Four, OUTSIDE, SERVICE, Three};

#[test]
fn the_provider_sells_what_does_not_exist() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    world.dnsmasq("up1", &["--no-resolv", "--address=/#/92.242.140.68"]);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F25", "nxdomain-rewritten", "upstream-1", "dnsmasq 2.90 with `address=/#/92.242.140.68` behind CoreDNS");
    run.expect_alone();
}

#[test]
fn one_upstream_of_an_old_node_does_it() {
    let Some(world) = (Three { up2: Vec::new(), ..Three::healthy() }).start() else { return };
    world.dnsmasq("up2", &["--no-resolv", "--address=/#/92.242.140.68"]);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    assert!(
        run.finding("nxdomain-rewritten").is_some_and(|found| found.hop == "upstream-2"),
        "{}",
        run.story("upstream-2")
    );
}
