//! F53: a router throws private addresses away. Three programs do it in three ways.

use lsdeploy::dns::classify::Confidence;

use crate::scene::{Home, NIP, OUTSIDE};
use crate::world::{World, Zone};

#[track_caller]
fn check(world: &World, how: &str) {
    world.apps("192.168.64.2.nip.io", "192.168.64.2");
    let run = world.debug(&[NIP, OUTSIDE]);
    run.expect_alone();
    run.prove("F53", "nip-io-blocked", "upstream-1", how);
    assert_eq!(run.root().unwrap().confidence, Confidence::Certain, "{}", run.story("upstream-1"));
}

#[test]
fn dnsmasq_stops_rebinding() {
    let router = Some("no-resolv\nserver=10.9.0.1\nstop-dns-rebind\n");
    let Some(world) = (Home { router, ..Home::healthy() }).start() else { return };
    check(&world, "dnsmasq 2.90 on the LAN's router with stop-dns-rebind");
}

#[test]
fn unbound_keeps_private_addresses_to_itself() {
    let Some(world) = (Home { router: None, ..Home::healthy() }).start() else { return };
    let private = "private-address: 10.0.0.0/8\nprivate-address: 192.168.0.0/16\nmodule-config: \"iterator\"";
    world.unbound("router", private, "forward-zone:\n  name: \".\"\n  forward-addr: 10.9.0.1\n");
    check(&world, "Unbound 1.17 on the LAN's router with private-address");
}

#[test]
fn bind_denies_private_answers() {
    let Some(world) = (Home { router: None, ..Home::healthy() }).start() else { return };
    let options = "recursion yes; allow-recursion { any; }; forward only; forwarders { 10.9.0.1; };
                   deny-answer-addresses { 10.0.0.0/8; 192.168.0.0/16; };";
    world.named("router", options, &[]);
    check(&world, "BIND 9.18 on the LAN's router with deny-answer-addresses");
}

#[test]
fn a_response_policy_of_bind_rewrites_private_answers() {
    let Some(world) = (Home { router: None, ..Home::healthy() }).start() else { return };
    let options = "recursion yes; allow-recursion { any; }; forward only; forwarders { 10.9.0.1; };
                   response-policy { zone \"rpz\"; } qname-wait-recurse yes;";
    let policy = "16.0.0.168.192.rpz-ip CNAME .\n8.0.0.0.10.rpz-ip CNAME .";
    world.named("router", options, &[Zone::new("rpz", policy)]);
    check(&world, "BIND 9.18 on the LAN's router with a response policy for private addresses");
}

#[test]
fn the_stub_of_the_workstation_does_it() {
    let Some(world) = Home::healthy().with_stub("stop-dns-rebind\n").start() else { return };
    world.apps("192.168.64.2.nip.io", "192.168.64.2");
    world.debug(&[NIP, OUTSIDE]).expect_alone().expect_root("nip-io-blocked", "workstation-dns");
}
