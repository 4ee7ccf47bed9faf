//! F9: dnsmasq asks itself.

use crate::scene::{OUTSIDE, SERVICE, Three};

#[test]
fn the_upstream_file_names_the_node() {
    let Some(world) = (Three { upstream_dns: "server=10.0.2.15\n", ..Three::healthy() }).start() else { return };
    let run = world.debug(&[OUTSIDE, SERVICE]);
    let how = "dnsmasq 2.90 with its own address as its upstream";
    run.expect_alone().prove("F9", "dnsmasq-asks-itself", "dnsmasq", how);
}

#[test]
fn the_detection_of_loops_leaves_no_server() {
    let dnsmasq = Some(&["--dns-loop-detect"][..]);
    let Some(world) = (Three { upstream_dns: "server=10.0.2.15\n", dnsmasq, ..Three::healthy() }).start() else {
        return;
    };
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.expect_alone().expect_root("dnsmasq-asks-itself", "dnsmasq");
}

#[test]
fn the_node_process_is_told_to_ask_dnsmasq() {
    let scene = Three { origin_resolv: Some("nameserver 10.0.2.15\n"), ..Three::healthy() };
    let Some(world) = scene.start() else { return };
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.expect_alone().expect_root("dnsmasq-asks-itself", "node");
}
