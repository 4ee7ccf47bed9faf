//! F54: nothing of the outside world resolves, or nip.io does not.

use crate::scene::{Home, NIP, OUTSIDE};

#[test]
fn a_workstation_is_offline() {
    let router = Some("no-resolv\nserver=10.9.0.99\n");
    let Some(world) = (Home { router, provider: Vec::new(), ..Home::healthy() }).start() else { return };
    let run = world.debug(&[OUTSIDE, NIP]);
    run.expect_alone();
    run.prove("F54", "no-outside-dns", "upstream-1", "dnsmasq 2.90 on a LAN's router whose provider is gone");
}

#[test]
fn a_resolver_reaches_nobody_and_says_so() {
    let Some(world) = (Home { router: None, provider: Vec::new(), ..Home::healthy() }).start() else { return };
    let forward = "forward-zone:\n  name: \".\"\n  forward-addr: 10.9.0.1@5399\n";
    world.unbound("router", "module-config: \"iterator\"", forward);
    world.debug(&[OUTSIDE, NIP]).expect_alone().expect_root("no-outside-dns", "upstream-1");
}

#[test]
fn a_filter_denies_nip_io() {
    let Some(world) = (Home { router: None, ..Home::healthy() }).start() else { return };
    let filter = "local-zone: \"nip.io.\" always_nxdomain\nmodule-config: \"iterator\"";
    world.unbound("router", filter, "forward-zone:\n  name: \".\"\n  forward-addr: 10.9.0.1\n");
    world.apps("192.168.64.2.nip.io", "192.168.64.2");
    let run = world.debug(&[NIP, OUTSIDE]);
    run.expect_alone();
    run.prove("F54", "no-outside-dns", "upstream-1", "Unbound 1.17 that denies nip.io");
}
