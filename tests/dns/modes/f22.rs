//! F22: dnsmasq withholds private addresses.

use crate::scene::{OUTSIDE, SERVICE, Three};
use crate::world::Zone;

const PRIVATE: &str = "console.10.0.0.1.nip.io";

fn outside() -> Vec<Zone> {
    let mut zones = Zone::outside();
    zones.push(Zone::new("nip.io", "*.10.0.0.1 A 10.0.0.1\n*.8.8.8.8 A 8.8.8.8"));
    zones
}

#[test]
fn a_private_address_does_not_come_through() {
    // Without exceptions it withholds Services too, and this world's example.com: their addresses are private.
    let dnsmasq = Some(&["--stop-dns-rebind", "--rebind-domain-ok=/cluster.local/example.com/"][..]);
    let scene = Three { dnsmasq, up1: outside(), up2: outside(), ..Three::healthy() };
    let Some(world) = scene.start() else { return };
    let run = world.debug(&[PRIVATE, OUTSIDE, SERVICE]);
    run.expect_alone().prove(
        "F22",
        "rebind-blocked",
        "dnsmasq",
        "dnsmasq 2.90 with `stop-dns-rebind` (extended error 15)",
    );
}

#[test]
fn addresses_of_services_do_not_come_through() {
    let Some(world) = (Three { dnsmasq: Some(&["--stop-dns-rebind"]), ..Three::healthy() }).start() else { return };
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.expect_alone().expect_root("rebind-blocked", "dnsmasq");
}

#[test]
fn an_excepted_domain_comes_through() {
    let dnsmasq = Some(&["--stop-dns-rebind", "--rebind-domain-ok=/nip.io/cluster.local/example.com/"][..]);
    let Some(world) = (Three { dnsmasq, up1: outside(), up2: outside(), ..Three::healthy() }).start() else { return };
    world.debug(&[PRIVATE, OUTSIDE, SERVICE]).expect_ok();
}
