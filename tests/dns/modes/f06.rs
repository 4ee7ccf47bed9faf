//! F6: the node process has an old picture of the cluster.

use crate::scene::{OUTSIDE, Pair, SERVICE, Three};
use crate::world::SkyDns;

#[test]
fn a_service_was_made_again_and_the_node_process_has_not_heard() {
    let skydns = Some(SkyDns::new().with("kinesis.team1", "172.30.99.9"));
    let Some(world) = (Three { skydns, ..Three::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    let how = "scripted: SkyDNS with an old address (its program cannot be built any more), against the API's object";
    run.expect_alone().prove("F6", "node-resolver-stale", "node", how);
}

#[test]
fn a_new_service_is_unknown_to_the_node_process() {
    let Some(world) = (Three { skydns: Some(SkyDns::new()), ..Three::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_alone().expect_root("node-resolver-stale", "node");
}

#[test]
fn one_node_of_two_is_stale() {
    let mut scene = Pair::healthy();
    scene.skydns[1] = Some(SkyDns::new().with("kinesis.team1", "172.30.99.9"));
    let Some(world) = scene.start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_alone().expect_root("node-resolver-stale", "node@node2");
}
