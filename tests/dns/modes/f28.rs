//! F28: many questions in vain before the right one, and a slow upstream.

use lsdeploy::dns::classify::Confidence;

use crate::scene::{Four, OUTSIDE, SERVICE};
use crate::world::{Relay, Spec, Zone};

/// Two suffixes that only the upstream knows.
const SEARCH: &str = "search team1.svc.cluster.local svc.cluster.local cluster.local example.com corp.example\n\
                      nameserver 172.30.0.10\noptions ndots:5\n";

#[test]
fn suffixes_outside_of_the_cluster_cost_a_round_trip_each() {
    let Some(world) =
        (Four { up1: Vec::new(), pod_resolv: SEARCH, more: vec![Spec::up2()], ..Four::healthy() }).start()
    else {
        return;
    };
    world.recursor("up2", &Zone::outside());
    world.relay("up1", "10.9.0.1:53", "10.9.0.2:53", Relay { delay: 160, ..Relay::default() });
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove(
        "F28",
        "search-amplification",
        "pod",
        "ndots:5 with two suffixes outside, CoreDNS, an upstream of 160 ms",
    );
    assert_eq!(run.root().unwrap().confidence, Confidence::Possible);
    run.expect_ok();
}
