//! F60: a signed zone does not validate.

use crate::scene::{Home, OUTSIDE};
use crate::world::{World, Zone};

const SIGNED: &str = "www.signed.example";

/// The provider serves `signed.example`, signed by its own key for this time; the router's Unbound trusts that key.
fn signed(validity: &str) -> Option<World> {
    let world = (Home { router: None, provider: Vec::new(), ..Home::healthy() }).start()?;
    let (zone, anchor) = world.signed("up1", &Zone::new("signed.example", "www A 192.0.2.90"), validity);
    world.named("up1", "recursion no;", &[Home::zones(), vec![zone]].concat());
    let server = format!("trust-anchor: \"{anchor}\"\nmodule-config: \"validator iterator\"\nval-permissive-mode: no");
    world.unbound("router", &server, "forward-zone:\n  name: \".\"\n  forward-addr: 10.9.0.1\n");
    Some(world)
}

#[test]
fn the_signatures_have_expired() {
    let Some(world) = signed("-s 20240101000000 -e 20240201000000") else { return };
    let run = world.debug(&[SIGNED, OUTSIDE]);
    run.prove("F60", "dnssec-bogus", "upstream-1", "Unbound 1.17 that validates, BIND with signatures of 2024");
    run.expect_alone();
}

#[test]
fn a_zone_that_validates_is_fine() {
    let Some(world) = signed("") else { return };
    world.debug(&[SIGNED, OUTSIDE]).prove_healthy("a signed zone behind a resolver that validates");
}
