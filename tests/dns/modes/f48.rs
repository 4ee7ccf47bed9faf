//! F48: an IPv6 address is tried first, and leads nowhere.

use crate::scene::{Four, OUTSIDE, SERVICE};
use crate::world::Zone;

fn zones() -> Vec<Zone> {
    vec![Zone::root(""), Zone::new("github.com", "@ A 140.82.112.3\n@ AAAA 2001:db8:5::1")]
}

#[test]
fn an_interface_has_an_address_and_no_router() {
    let Some(world) = (Four { up1: zones(), ..Four::healthy() }).start() else { return };
    // The prefix is too wide: everything seems to be on the link.
    world.run("pod", &["ip", "-6", "addr", "add", "2001:db8::5/32", "dev", "eth0", "nodad"]);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F48", "ipv6-unroutable", "pod", "the kernel's routes, and glibc's order of addresses");
    run.expect_alone();
}

#[test]
fn without_any_ipv6_the_address_does_no_harm() {
    let Some(world) = (Four { up1: zones(), ..Four::healthy() }).start() else { return };
    world.debug(&[OUTSIDE, SERVICE]).prove_healthy("a name with AAAA where there is no IPv6: glibc puts IPv4 first");
}
