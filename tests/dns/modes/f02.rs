//! F2: dnsmasq listens on another address of the node.

use crate::scene::{OUTSIDE, SERVICE, Three};

#[test]
fn dnsmasq_is_bound_to_a_second_card() {
    let origin_dns =
        "no-resolv\ndomain-needed\nno-negcache\nmax-cache-ttl=1\nbind-interfaces\nlisten-address=192.168.33.220\n";
    let Some(world) = (Three { origin_dns, dnsmasq: None, ..Three::healthy() }).start() else { return };
    world.run("node1", &["ip", "address", "add", "192.168.33.220/24", "dev", "eth0"]);
    world.dnsmasq("node1", &[]);
    let run = world.debug(&[SERVICE, OUTSIDE]);
    let how = "dnsmasq 2.90 with `bind-interfaces` and `listen-address` of a second address";
    run.expect_alone().prove("F2", "dnsmasq-other-address", "dnsmasq", how);
    assert!(run.findings[0].message.contains("192.168.33.220:53"), "{}", run.findings[0].message);
}
