//! The same faults of an OpenShift 3 node with nothing but the pod in sight: what can be told, and how surely.

use lsdeploy::dns::chain::PlaceKind;
use lsdeploy::dns::classify::Confidence;

use crate::harness::Run;
use crate::scene::{OUTSIDE, SERVICE, Three};
use crate::world::World;

fn from_the_pod(world: &World) -> Run {
    world.asks_from(&[("pod", PlaceKind::Pod)]);
    world.debug(&[SERVICE, OUTSIDE])
}

#[track_caller]
fn expect(run: &Run, code: &str, confidence: Confidence) {
    let root = run.expect_alone().expect_root(code, "dnsmasq");
    assert_eq!(root.confidence, confidence, "{}", run.story("dnsmasq"));
}

#[test]
fn a_healthy_node_is_not_blamed() {
    let Some(world) = Three::healthy().start() else { return };
    from_the_pod(&world).expect_ok();
}

#[test]
fn dnsmasq_was_stopped() {
    let Some(world) = (Three { dnsmasq: None, ..Three::healthy() }).start() else { return };
    expect(&from_the_pod(&world), "dnsmasq-not-running", Confidence::Likely);
}

#[test]
fn the_rule_for_the_cluster_is_missing() {
    let Some(world) = (Three { cluster_rule: "", ..Three::healthy() }).start() else { return };
    expect(&from_the_pod(&world), "cluster-rule-missing", Confidence::Certain);
}

#[test]
fn the_node_process_is_down() {
    let Some(world) = (Three { skydns: None, ..Three::healthy() }).start() else { return };
    expect(&from_the_pod(&world), "node-resolver-down", Confidence::Likely);
}

#[test]
fn dnsmasq_has_no_upstream() {
    let Some(world) = (Three { upstream_dns: "", ..Three::healthy() }).start() else { return };
    expect(&from_the_pod(&world), "dnsmasq-no-upstream", Confidence::Certain);
}

#[test]
fn dnsmasq_ignores_its_own_address() {
    // Only its file names it; dnsmasq itself lists no server then, and that is what can be seen.
    let Some(world) = (Three { upstream_dns: "server=10.0.2.15\n", ..Three::healthy() }).start() else { return };
    expect(&from_the_pod(&world), "dnsmasq-no-upstream", Confidence::Certain);
}

#[test]
fn a_firewall_rejects() {
    let Some(world) = Three::healthy().start() else { return };
    for protocol in ["udp", "tcp"] {
        let rule = format!("-A INPUT -s 10.128.0.0/14 -p {protocol} --dport 53 -j REJECT");
        world.iptables("node1", &format!("{rule} --reject-with icmp-admin-prohibited"));
    }
    expect(&from_the_pod(&world), "node-firewall", Confidence::Likely);
}

#[test]
fn addresses_of_services_are_withheld() {
    let Some(world) = (Three { dnsmasq: Some(&["--stop-dns-rebind"]), ..Three::healthy() }).start() else { return };
    expect(&from_the_pod(&world), "rebind-blocked", Confidence::Likely);
}

#[test]
fn pods_are_not_served() {
    let origin_dns = "no-resolv\nbind-dynamic\nlocal-service\n";
    let Some(world) = (Three { origin_dns, skydns: None, ..Three::healthy() }).start() else { return };
    expect(&from_the_pod(&world), "dnsmasq-local-only", Confidence::Likely);
}
