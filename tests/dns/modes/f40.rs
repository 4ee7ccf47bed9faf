//! F40: a CoreDNS pod has the resolv.conf of yesterday.

use lsdeploy::dns::chain::PlaceKind;

use crate::scene::{Four, OUTSIDE, SERVICE};
use crate::world::{Spec, World};

/// The nodes' resolver moved to 10.9.0.1; the old one is gone.
fn start() -> Option<World> {
    let old = "search example.com\nnameserver 10.9.0.3\n";
    let world = (Four { node_resolv: old, more: vec![Spec::dead()], pods: 1, ..Four::healthy() }).start()?;
    world.silence("dead");
    world.settle();
    world.write("node1", "/etc/resolv.conf", "search example.com\nnameserver 10.9.0.1\n");
    Some(world)
}

#[test]
fn seen_from_inside_of_the_pod() {
    let Some(world) = start() else { return };
    world.asks_from(&[("pod", PlaceKind::Pod), ("node1", PlaceKind::Node), ("coredns-1", PlaceKind::Pod)]);
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove(
        "F40",
        "coredns-old-resolv-conf",
        "coredns/coredns-1",
        "CoreDNS 1.11.3 with the resolv.conf of its start",
    );
    run.expect_alone();
}

#[test]
fn seen_from_outside_it_is_possible() {
    let Some(world) = start() else { return };
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    assert!(run.finding("coredns-old-resolv-conf").is_some(), "{}", run.story("coredns/coredns-1"));
}
