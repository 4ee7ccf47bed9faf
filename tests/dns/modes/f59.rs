//! F59: an upstream offers no recursion.

use crate::scene::{Home, NIP, OUTSIDE, ROUTE};
use crate::world::Zone;

#[test]
fn an_authoritative_server_was_named_as_resolver() {
    let Some(world) = (Home { router: None, ..Home::healthy() }).start() else { return };
    world.named("router", "recursion no;", &[Zone::new("fritz.box", "nas A 192.168.1.9")]);
    let run = world.debug(&[OUTSIDE, ROUTE]);
    run.expect_alone();
    run.prove("F59", "upstream-no-recursion", "upstream-1", "BIND 9.18 with `recursion no`");
}

#[test]
fn a_resolver_does_not_know_these_clients() {
    let Some(world) = (Home { router: None, ..Home::healthy() }).start() else { return };
    let only = "access-control: 192.168.1.0/24 refuse\nmodule-config: \"iterator\"";
    world.unbound("router", only, "forward-zone:\n  name: \".\"\n  forward-addr: 10.9.0.1\n");
    world.debug(&[OUTSIDE, NIP]).expect_alone().expect_root("upstream-no-recursion", "upstream-1");
}
