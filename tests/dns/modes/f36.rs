//! F36: an upstream of CoreDNS says nothing.

use lsdeploy::dns::chain::PlaceKind;
use lsdeploy::dns::classify::Confidence;

use crate::scene::{Four, OUTSIDE, SERVICE, Three};
use crate::world::Spec;

#[test]
fn the_only_upstream_vanished() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    world.silence("up1");
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F36", "upstream-silent", "upstream-1", "iptables DROP before the upstream of CoreDNS 1.11.3");
    run.expect_alone();
}

#[test]
fn nothing_listens_at_the_only_upstream() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.expect_root("upstream-silent", "upstream-1");
    run.expect_alone();
}

#[test]
fn the_first_of_two_upstreams_is_dead() {
    let resolv = "search example.com\nnameserver 10.9.0.3\nnameserver 10.9.0.1\n";
    let Some(world) = (Four { node_resolv: resolv, more: vec![Spec::dead()], ..Four::healthy() }).start() else {
        return;
    };
    world.silence("dead");
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    let dead = &run.evidence.chain.hops.iter().find(|hop| hop.address == "10.9.0.3:53".parse().ok()).unwrap().id;
    run.expect_root("upstream-silent", dead);
    run.expect_alone();
}

#[test]
fn both_upstreams_of_an_old_node_are_dead() {
    let Some(world) = Three::healthy().start() else { return };
    world.silence("up1");
    world.silence("up2");
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.expect_root("upstream-silent", "upstream-1");
    run.expect_also("upstream-silent", "upstream-2", Confidence::Likely);
    let others = run.others();
    assert!(others.iter().all(|other| other.contains("upstream-silent")), "{}", run.story("dnsmasq"));
}

#[test]
fn an_upstream_that_only_refuses_pods_is_fine() {
    let Some(world) = Four::healthy().start() else { return };
    world.iptables("up1", "-A INPUT -s 10.128.0.5 -p udp --dport 53 -j DROP");
    world.asks_from(&[("pod", PlaceKind::Pod), ("node1", PlaceKind::Node)]);
    world.debug(&[OUTSIDE, SERVICE]).prove_healthy("the upstream answers nodes only, not pods");
}
