//! F4: dnsmasq sends cluster names to a node process that does not run.

use crate::scene::{OUTSIDE, Pair, SERVICE, Three};

#[test]
fn nothing_stands_behind_the_rule() {
    let Some(world) = (Three { skydns: None, ..Three::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    let how = "dnsmasq 2.90 forwards to 127.0.0.1:53, where the kernel refuses";
    run.expect_alone().prove("F4", "node-resolver-down", "node", how);
}

#[test]
fn nothing_stands_behind_the_rule_of_one_node_of_two() {
    let mut scene = Pair::healthy();
    scene.skydns[0] = None;
    let Some(world) = scene.start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_alone().expect_root("node-resolver-down", "node@node1");
}
