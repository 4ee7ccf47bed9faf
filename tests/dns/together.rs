//! Two faults at once: both are named, neither hides the other, and neither is made the effect of the other.

use lsdeploy::dns::chain::PlaceKind;
use lsdeploy::dns::classify::Confidence;

use crate::harness::Run;
use crate::scene::{Four, OUTSIDE, SERVICE, Three};

/// Both are causes of their own.
#[track_caller]
fn both(run: &Run, faults: [(&str, &str); 2]) {
    for (code, hop) in faults {
        let found = run.expect_also(code, hop, Confidence::Likely);
        assert_eq!(found.follows_from, None, "{code} is no effect\n{}", run.story(hop));
    }
    let root = run.root().unwrap();
    assert!(faults.iter().any(|(code, _)| *code == root.code), "{}", run.story(&root.hop));
    run.expect_same_when_saved();
}

#[test]
fn the_node_process_is_down_and_dnsmasq_has_no_upstream() {
    let Some(world) = (Three { skydns: None, upstream_dns: "", ..Three::healthy() }).start() else { return };
    let run = world.debug(&[SERVICE, OUTSIDE]);
    both(&run, [("node-resolver-down", "node"), ("dnsmasq-no-upstream", "dnsmasq")]);
}

#[test]
fn an_upstream_is_silent_and_the_nodes_hosts_file_is_corrupt() {
    let Some(world) = Four::healthy().start() else { return };
    world.settle();
    world.silence("up1");
    let registry = "image-registry.openshift-image-registry.svc";
    let marker = "# openshift-generated-node-resolver";
    let words = format!("connection timed out {registry} {registry}.cluster.local {marker}\n");
    world.write("node1", "/etc/hosts", &format!("127.0.0.1 localhost\n{words}"));
    world.asks_from(&[("pod", PlaceKind::Pod), ("node1", PlaceKind::Node)]);
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE, registry]);
    assert!(run.finding("hosts-file-corrupt").is_some(), "{}", run.story("node1"));
    both(&run, [("upstream-silent", "upstream-1"), ("hosts-file-corrupt", "node1")]);
}
