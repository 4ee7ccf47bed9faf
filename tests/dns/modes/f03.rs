//! F3: dnsmasq has lost the rule that leads cluster names to the node process.

use crate::scene::{OUTSIDE, SERVICE, Three};

#[test]
fn the_node_process_took_its_rule_back() {
    let Some(world) = (Three { cluster_rule: "", ..Three::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.prove(
        "F3",
        "cluster-rule-missing",
        "dnsmasq",
        "dnsmasq 2.90 without the rule, BIND with its own root behind Unbound",
    );
}
