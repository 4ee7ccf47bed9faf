//! F3: dnsmasq has lost the rule that leads cluster names to the node process.

use std::thread::sleep;
use std::time::Duration;

use crate::scene::{OUTSIDE, SERVICE, Three};

#[test]
fn the_node_process_took_its_rule_back() {
    let Some(world) = (Three { cluster_rule: "", ..Three::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    let how = "dnsmasq 2.90 without the rule, BIND with its own root behind Unbound";
    run.expect_alone().prove("F3", "cluster-rule-missing", "dnsmasq", how);
}

#[test]
fn a_rule_that_came_by_the_bus_goes_by_the_bus() {
    let Some(world) = (Three { cluster_rule: "", dnsmasq: None, ..Three::healthy() }).start() else { return };
    world.message_bus("node1");
    world.dnsmasq("node1", &[]);
    world.domain_servers("node1", &["/in-addr.arpa/127.0.0.1", "/cluster.local/127.0.0.1"]);
    world.debug(&[SERVICE, OUTSIDE]).expect_ok();
    world.domain_servers("node1", &[]);
    // For a second dnsmasq remembers.
    while world.run("pod", &["dig", "+short", "@10.0.2.15", SERVICE]).contains("172.30.5.6") {
        sleep(Duration::from_millis(100));
    }
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_alone().expect_root("cluster-rule-missing", "dnsmasq");
}
