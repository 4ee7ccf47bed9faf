//! F11: dnsmasq has no file descriptor left.

use std::fs;

use crate::scene::{OUTSIDE, SERVICE, Three};
use crate::world::Ready;

#[test]
fn the_limit_of_open_files_is_reached() {
    let Some(world) = (Three { dnsmasq: None, ..Three::healthy() }).start() else { return };
    let dnsmasq = world.dnsmasq("node1", &[]);
    world.settle();
    let open = fs::read_dir(format!("/proc/{}/fd", dnsmasq.pid())).unwrap().count();
    dnsmasq.stop();
    let limit = format!("--nofile={open}");
    let command = ["prlimit", &limit, "dnsmasq", "-k", "--log-facility=-", "--user=root"];
    world.start("node1", &command, Ready::Listening(53));
    let run = world.debug(&[OUTSIDE, SERVICE]);
    let how = "dnsmasq 2.90 under `prlimit --nofile` of what it holds when it has started";
    run.expect_alone().prove("F11", "dnsmasq-out-of-files", "dnsmasq", how);
}
