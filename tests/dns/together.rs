//! Two faults at once: both are named, neither hides the other, and neither is made the effect of the other.

use lsdeploy::dns::chain::PlaceKind;
use lsdeploy::dns::classify::Confidence;

use crate::harness::Run;
use crate::scene::{CRC, Four, Home, NIP, OUTSIDE, SERVICE, Three};
use crate::world::{Spec, Zone};

/// Both are causes of their own.
#[track_caller]
fn both(run: &Run, faults: [(&str, &str); 2]) {
    for (code, hop) in faults {
        let found = run.expect_also(code, hop, Confidence::Likely);
        assert_eq!(found.follows_from, None, "{code} is no effect\n{}", run.story(hop));
    }
    let causes = run.findings.iter().filter(|finding| finding.follows_from.is_none());
    let causes: Vec<(&str, &str)> = causes
        .filter(|finding| finding.confidence > Confidence::Possible)
        .map(|finding| (finding.code.as_str(), finding.hop.as_str()))
        .collect();
    assert!(causes.iter().all(|cause| faults.contains(cause)), "{causes:?}\n{}", run.story(faults[0].1));
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

#[test]
fn a_lost_rule_and_signatures_that_expired() {
    let three = Three {
        cluster_rule: "",
        upstream_dns: "server=10.9.0.1\n",
        origin_resolv: Some("nameserver 10.9.0.1\n"),
        up1: Vec::new(),
        ..Three::healthy()
    };
    let Some(world) = three.start() else { return };
    let (zone, anchor) =
        world.signed("up1", &Zone::new("signed.example", "www A 192.0.2.90"), "-s 20240101000000 -e 20240201000000");
    let zones: Vec<Zone> = Zone::outside().into_iter().chain([zone]).collect();
    world.named_on("up1", 5300, "recursion no;", &zones);
    let server = format!("trust-anchor: \"{anchor}\"\nmodule-config: \"validator iterator\"");
    world.unbound("up1", &server, "stub-zone:\n  name: \".\"\n  stub-addr: 127.0.0.1@5300\n");
    let run = world.debug(&[SERVICE, "www.signed.example", OUTSIDE]);
    both(&run, [("cluster-rule-missing", "dnsmasq"), ("dnssec-bogus", "upstream-1")]);
}

#[test]
fn a_missing_rule_of_the_workstation_and_a_router_that_blocks() {
    let router = Some("no-resolv\nserver=10.9.0.1\nstop-dns-rebind\n");
    let vm = Spec::machine("vm", &["192.168.130.11/24"]);
    let Some(world) = (Home { router, more: vec![vm], ..Home::healthy() }).with_stub("").start() else { return };
    world.write(
        "vm",
        "/etc/dnsmasq.d/crc.conf",
        "no-resolv\nserver=192.168.1.1\naddress=/apps-crc.testing/192.168.130.11\n",
    );
    world.dnsmasq("vm", &[]);
    let run = world.debug(&[CRC, NIP, OUTSIDE]);
    both(&run, [("split-dns-missing", "workstation-dns"), ("nip-io-blocked", "upstream-1")]);
}

#[test]
fn an_old_line_of_a_node_and_an_upstream_that_resolves_nothing() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    let line = "172.30.1.1 image-registry.openshift-image-registry.svc # openshift-generated-node-resolver\n";
    world.write("node1", "/etc/hosts", &format!("127.0.0.1 localhost\n{line}"));
    world.named("up1", "recursion no;", &[Zone::new("example.org", "www A 192.0.2.1")]);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    both(&run, [("hosts-file-corrupt", "node1"), ("upstream-no-recursion", "upstream-1")]);
}
