//! F35: CoreDNS has no Services, because no API answers.

use crate::scene::{Four, KNOWN, OUTSIDE, SERVICE};

#[test]
fn the_api_is_down_when_coredns_starts() {
    let Some(world) = (Four { api: None, ..Four::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, KNOWN, OUTSIDE]);
    run.prove("F35", "coredns-not-synced", "coredns", "CoreDNS 1.11.3 whose API server refuses");
    run.expect_alone();
}
