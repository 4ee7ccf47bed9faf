//! Upstreams with habits of their own.

use crate::scene::{Four, Home, OUTSIDE, ROUTE, SERVICE, Three};
use crate::world::{Relay, Reply, World, Zone};

/// OpenShift 4 whose upstream is BIND on port 5300, behind dnsdist with these rules.
fn behind(rules: &str) -> Option<World> {
    let world = (Four { up1: Vec::new(), ..Four::healthy() }).start()?;
    world.named_on("up1", 5300, "recursion no;", &Zone::outside());
    let lua = format!(
        "setLocal('10.9.0.1:53')\nsetACL('0.0.0.0/0')\nnewServer({{address='127.0.0.1:5300', checkInterval=5}})\n{rules}\n"
    );
    world.dnsdist("up1", &lua);
    Some(world)
}

#[test]
fn twenty_milliseconds() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    world.named_on("up1", 5300, "recursion no;", &Zone::outside());
    world.relay("up1", "10.9.0.1:53", "127.0.0.1:5300", Relay { delay: 20, lose_every: 0 });
    world.debug(&[SERVICE, OUTSIDE, ROUTE]).prove_healthy("an upstream 20 ms away that speaks UDP only");
}

#[test]
fn one_packet_in_ten_is_lost() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    world.named_on("up1", 5300, "recursion no;", &Zone::outside());
    world.relay("up1", "10.9.0.1:53", "127.0.0.1:5300", Relay { delay: 5, lose_every: 10 });
    world.debug(&[SERVICE, OUTSIDE, ROUTE]).prove_healthy("a way to the upstream that loses one packet in ten");
}

#[test]
fn nine_hundred_milliseconds() {
    let Some(world) = behind("addAction(AllRule(), DelayAction(900))") else { return };
    world.debug(&[OUTSIDE, ROUTE, SERVICE]).prove_healthy("an upstream that takes 900 ms");
}

#[test]
fn chaos_is_dropped() {
    let Some(world) = behind("addAction(QClassRule(DNSClass.CHAOS), DropAction())") else { return };
    world.debug(&[SERVICE, OUTSIDE, ROUTE]).prove_healthy("an upstream that drops questions of class CH");
}

#[test]
fn tcp_is_refused() {
    let Some(world) = Four::healthy().start() else { return };
    world.iptables("up1", "-I INPUT -p tcp --dport 53 -j REJECT --reject-with tcp-reset");
    world.debug(&[OUTSIDE, SERVICE, ROUTE]).prove_healthy("an upstream without TCP, whose answers are small");
}

#[test]
fn edns_is_not_known() {
    let Some(world) = (Three { up1: Vec::new(), up2: Vec::new(), ..Three::healthy() }).start() else { return };
    for (member, address) in [("up1", "10.9.0.1:53"), ("up2", "10.9.0.2:53")] {
        world.serve(member, address, |ask| {
            let known = match ask.name.as_str() {
                OUTSIDE => Some("140.82.112.3"),
                _ if ask.below("apps.example.com") => Some("203.0.113.7"),
                _ => None,
            };
            let soa = "a.root-servers.net nstld.verisign-grs.com 1 1800 900 604800 86400";
            let reply = match known {
                _ if ask.chaos => ask.refused(),
                Some(address) if ask.kind == "A" => ask.noerror().answer("A", address, 60),
                Some(_) => ask.noerror().soa(".", soa, 60),
                None => ask.nxdomain().soa(".", soa, 60),
            };
            reply.without_opt()
        });
    }
    world.debug(&[OUTSIDE, ROUTE, SERVICE]).prove_healthy("upstreams that know no EDNS (scripted)");
}

#[test]
fn letters_come_back_in_any_case() {
    let Some(world) = (Home { router: None, ..Home::healthy() }).start() else { return };
    world.unbound(
        "router",
        "module-config: \"iterator\"\nuse-caps-for-id: yes",
        "forward-zone:\n  name: \".\"\n  forward-addr: 10.9.0.1\n",
    );
    world.debug(&[OUTSIDE, ROUTE]).prove_healthy("a resolver that asks in random case (0x20)");
}

#[test]
fn answers_in_another_case_than_the_question() {
    let Some(world) = (Home { router: None, ..Home::healthy() }).start() else { return };
    world.serve("router", "192.168.1.1:53", |ask| {
        let soa = "a.root-servers.net nstld.verisign-grs.com 1 1800 900 604800 86400";
        match ask.name.as_str() {
            OUTSIDE if ask.kind == "A" => ask.noerror().record("GitHub.COM", "A", "140.82.112.3", 60),
            OUTSIDE => ask.noerror().soa("COM", soa, 60),
            _ if ask.chaos => Reply::silence(),
            _ => ask.nxdomain().soa(".", soa, 60),
        }
    });
    world.debug(&[OUTSIDE]).prove_healthy("owners in another case than the question (scripted)");
}

#[test]
fn a_note_beside_the_answer() {
    let Some(world) = (Home { router: None, ..Home::healthy() }).start() else { return };
    world.serve("router", "192.168.1.1:53", |ask| {
        let soa = "a.root-servers.net nstld.verisign-grs.com 1 1800 900 604800 86400";
        match ask.name.as_str() {
            _ if ask.chaos => ask.refused(),
            OUTSIDE if ask.kind == "A" => ask.noerror().answer("A", "140.82.112.3", 30).extended_error(3),
            OUTSIDE => ask.noerror().soa("com", soa, 60).extended_error(29),
            _ => ask.nxdomain().soa(".", soa, 60).extended_error(29),
        }
    });
    let run = world.debug(&[OUTSIDE]);
    assert!(run.evidence.observations.iter().any(|seen| seen.ede.iter().any(|error| error.code == 3)));
    run.prove_healthy("extended errors that only inform: 3 (stale answer), 29 (synthesized); scripted");
}

#[test]
fn it_signs_and_validates() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    let (zone, anchor) = world.signed("up1", &Zone::new("signed.example", "www A 192.0.2.90"), "");
    let zones: Vec<Zone> = Zone::outside().into_iter().chain([zone]).collect();
    world.named_on("up1", 5300, "recursion no;", &zones);
    let server = format!(
        "trust-anchor: \"{anchor}\"\nmodule-config: \"validator iterator\"\nlocal-zone: \"example.\" transparent"
    );
    world.unbound("up1", &server, "stub-zone:\n  name: \".\"\n  stub-addr: 127.0.0.1@5300\n");
    world
        .debug(&["www.signed.example", OUTSIDE, SERVICE])
        .prove_healthy("a signed zone behind CoreDNS and an upstream that validates");
}
