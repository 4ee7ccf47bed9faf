//! F42: a zone's own servers fail for it.

use crate::scene::{COREFILE, Four, OUTSIDE, ROUTE, SERVICE};
use crate::world::{Spec, World, Zone};

const GIT: &str = "git.corp.example";

/// `zone` goes to 10.9.0.7, written so.
fn start(zone: &str, to: &str) -> Option<World> {
    let block = format!(
        "{zone}:5353 {{\n    forward . {to}\n    errors\n    bufsize 1232\n    cache 900 {{\n        denial 9984 30\n    }}\n}}\n"
    );
    let corefile: &'static str = Box::leak(format!("{block}{COREFILE}").into_boxed_str());
    (Four { corefile, more: vec![Spec::machine("corp", &["10.9.0.7/24"])], ..Four::healthy() }).start()
}

#[test]
fn the_server_of_the_zone_refuses() {
    let Some(world) = start("corp.example", "10.9.0.7") else { return };
    world.named("corp", "recursion no; allow-query-cache { none; };", &[Zone::new("other.example", "")]);
    let run = world.debug(&[GIT, OUTSIDE, SERVICE]);
    run.prove("F42", "zone-forward-fails", "coredns", "CoreDNS forwards a zone to BIND 9.18 that refuses it");
    run.expect_alone();
}

#[test]
fn the_server_of_the_zone_is_gone() {
    let Some(world) = start("corp.example", "10.9.0.7") else { return };
    world.silence("corp");
    world.time_out(1000);
    let run = world.debug(&[GIT, OUTSIDE, SERVICE]);
    run.expect_root("zone-forward-fails", "coredns");
    run.expect_alone();
}

#[test]
fn the_certificate_of_the_zones_server_is_not_known() {
    let Some(world) = start("corp.example", "tls://10.9.0.7 {\n        tls_servername dns.corp.example\n    }") else {
        return;
    };
    let key = ["-keyout", "/run/key.pem", "-out", "/run/cert.pem", "-subj", "/CN=dns.corp.example"];
    world
        .run("corp", &[&["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"][..], &key].concat());
    let tls = "interface: 0.0.0.0@853\ntls-port: 853\ntls-service-key: /run/key.pem\ntls-service-pem: /run/cert.pem";
    world.recursor_with("corp", tls, &[Zone::new("corp.example", "git A 10.9.0.80")]);
    let run = world.debug(&[GIT, OUTSIDE, SERVICE]);
    run.expect_root("zone-forward-fails", "coredns");
    run.expect_alone();
}

#[test]
fn a_zone_swallows_the_apps_domain() {
    let Some(world) = start("example.com", "10.9.0.7") else { return };
    world.recursor("corp", &[Zone::root(""), Zone::new("example.com", "intranet A 10.9.0.90")]);
    let run = world.debug(&[ROUTE, OUTSIDE]);
    run.expect_root("zone-forward-fails", "coredns");
    run.expect_alone();
}

#[test]
fn a_zone_whose_server_knows_it_is_fine() {
    let Some(world) = start("corp.example", "10.9.0.7") else { return };
    world.recursor("corp", &[Zone::new("corp.example", "git A 10.9.0.80")]);
    world.debug(&[GIT, OUTSIDE, SERVICE]).prove_healthy("a zone of spec.servers with an upstream of its own");
}
