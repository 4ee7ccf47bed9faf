//! Names with odd records.

use std::fmt::Write as _;

use crate::scene::{Four, Home, OUTSIDE, ROUTE, SERVICE, Three};
use crate::world::{World, Zone};

/// A cluster whose upstream knows these zones too.
fn with(zones: Vec<Zone>) -> Option<World> {
    Four { up1: Zone::outside().into_iter().chain(zones).collect(), ..Four::healthy() }.start()
}

#[test]
fn a_chain_of_names() {
    let corp = "app CNAME front\nfront CNAME lb.example.net.\n";
    let Some(world) =
        with(vec![Zone::new("corp.example", corp), Zone::new("example.net", "lb A 192.0.2.44\nlb AAAA 2001:db8::44")])
    else {
        return;
    };
    world.debug(&["app.corp.example", SERVICE]).prove_healthy("a chain of CNAMEs through two zones");
}

#[test]
fn a_route_that_leads_to_a_load_balancer() {
    let apps = "* CNAME lb-7.cloud.example.\n";
    let zones = vec![
        Zone::new("shop.example", ""),
        Zone::new("apps.shop.example", apps),
        Zone::new("cloud.example", "lb-7 A 198.51.100.7\nlb-7 A 198.51.100.8"),
    ];
    let Some(world) = with(zones) else { return };
    world.apps("apps.shop.example", "198.51.100.7");
    world
        .debug(&["kinesis-team1.apps.shop.example", SERVICE])
        .prove_healthy("a Route's host that is a CNAME to a load balancer");
}

#[test]
fn addresses_that_rotate() {
    let many: String = (1..=6).fold(String::new(), |mut text, number| {
        writeln!(text, "www A 192.0.2.{number}").unwrap();
        text
    });
    let zones = Zone::outside().into_iter().chain([Zone::new("corp.example", &many)]).collect::<Vec<_>>();
    let Some(world) = (Three { up1: Vec::new(), up2: Vec::new(), ..Three::healthy() }).start() else { return };
    for member in ["up1", "up2"] {
        world.recursor_with(member, "rrset-roundrobin: yes", &zones);
    }
    world.debug(&["www.corp.example", OUTSIDE]).prove_healthy("six addresses that rotate");
}

#[test]
fn nothing_may_be_kept() {
    let zone = Zone::new("corp.example", "www 0 A 192.0.2.5\nwww 0 AAAA 2001:db8::5");
    let Some(world) = with(vec![zone]) else { return };
    world.debug(&["www.corp.example", SERVICE]).prove_healthy("records with TTL 0");
}

#[test]
fn a_wildcard_that_is_in_no_search_list() {
    let Some(world) = with(vec![Zone::new("pages.example", "* A 192.0.2.77")]) else { return };
    world.debug(&["anything.pages.example", SERVICE, OUTSIDE]).prove_healthy("a wildcard record, in no search list");
}

#[test]
fn an_answer_too_large_for_a_datagram() {
    let many: String = (1..=90).fold(String::new(), |mut text, number| {
        writeln!(text, "all A 10.7.0.{number}").unwrap();
        text
    });
    let Some(world) = with(vec![Zone::new("corp.example", &many)]) else { return };
    let run = world.debug(&["all.corp.example", SERVICE]);
    let cut = |seen: &lsdeploy::dns::observation::Observation| seen.flag(|flags| flags.tc);
    assert!(run.evidence.observations.iter().any(cut), "{}", run.story("upstream-1"));
    run.prove_healthy("an answer that is truncated by UDP and whole by TCP");
}

#[test]
fn a_name_that_was_missing_until_just_now() {
    let zone = |records: &str| {
        Zone::new("corp.example", records).with_soa("ns.corp.example. hostmaster.corp.example. 1 3600 900 604800 1")
    };
    let zones = |records: &str| Zone::outside().into_iter().chain([zone(records)]).collect::<Vec<_>>();
    let Some(world) = (Three { up1: Vec::new(), up2: Vec::new(), ..Three::healthy() }).start() else { return };
    let mut servers = Vec::new();
    for member in ["up1", "up2"] {
        servers.push(world.named_on(member, 5300, "recursion no;", &zones("")));
        let stub = "stub-zone:\n  name: \".\"\n  stub-addr: 127.0.0.1@5300\n";
        world.unbound(
            member,
            "module-config: \"iterator\"\ncache-max-negative-ttl: 1\nlocal-zone: \"example.\" transparent",
            stub,
        );
    }
    world.settle();
    world.run("pod", &["sh", "-c", "dig +tries=1 +time=2 @10.0.2.15 new.corp.example | grep -q NXDOMAIN"]);
    for (member, server) in ["up1", "up2"].iter().zip(&servers) {
        server.stop();
        world.named_on(member, 5300, "recursion no;", &zones("new A 192.0.2.99"));
    }
    world.settle();
    // Until the denials are forgotten.
    world.run(
        "pod",
        &["sh", "-c", "until dig +tries=1 +time=2 @10.0.2.15 new.corp.example | grep -q 192.0.2.99; do :; done"],
    );
    world.run(
        "pod",
        &["sh", "-c", "until dig +tries=1 +time=2 @10.9.0.2 new.corp.example | grep -q 192.0.2.99; do :; done"],
    );
    world.debug(&["new.corp.example", SERVICE]).prove_healthy("a name whose denial has just been forgotten");
}

#[test]
fn a_name_that_does_not_exist() {
    let Some(world) = Four::healthy().start() else { return };
    world.debug(&["no-such-host.example.com", SERVICE]).prove_not_blamed("a name outside that does not exist");
}

#[test]
fn a_name_with_no_address() {
    let Some(world) = with(vec![Zone::new("corp.example", "www MX 10 www\nsix AAAA 2001:db8::9")]) else { return };
    world.debug(&["www.corp.example", SERVICE]).prove_not_blamed("a name outside without any address");
}

#[test]
fn two_views_of_one_name() {
    let outer = "*.apps A 198.51.100.200\nwww A 192.0.2.80";
    let provider = vec![Zone::root(""), Zone::new("example.com", outer), Zone::new("github.com", "@ A 140.82.112.3")];
    let more =
        vec![crate::world::Spec::node_at("node1", "10.0.2.15"), crate::world::Spec::up2(), crate::world::Spec::pod()];
    let Some(world) = (Home { provider, more, ..Home::healthy() }).start() else { return };
    world.recursor("up2", &Zone::outside());
    world.write("node1", "/etc/resolv.conf", "search example.com\nnameserver 10.9.0.2\n");
    world.write("pod", "/etc/resolv.conf", "search example.com\nnameserver 10.9.0.2\n");
    world
        .debug(&[ROUTE, OUTSIDE])
        .prove_healthy("split horizon: the Route's host has a public address outside, the router's inside");
}
