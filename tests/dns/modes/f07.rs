//! F7: the node process did not start, because its resolv.conf is missing.

use crate::scene::{OUTSIDE, SERVICE, Three};

#[test]
fn the_file_of_the_node_process_is_missing() {
    let Some(world) = (Three { skydns: None, origin_resolv: None, ..Three::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    let how = "no /etc/origin/node/resolv.conf, nothing on 127.0.0.1:53 behind dnsmasq 2.90";
    run.expect_alone().prove("F7", "node-resolv-conf-missing", "node", how);
}
