//! F48: an IPv6 address is tried first, and leads nowhere.

use lsdeploy::dns::classify::Confidence;

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

#[test]
fn a_default_route_leads_nowhere() {
    let node_resolv = "search example.com\nnameserver 10.9.0.1\n";
    let pod_resolv = "search team1.svc.cluster.local svc.cluster.local cluster.local\nnameserver 172.30.0.10\nnameserver 2001:db8:53::1\n\
                      options ndots:5\n";
    let Some(world) = (Four { up1: zones(), node_resolv, pod_resolv, ..Four::healthy() }).start() else { return };
    world.run("pod", &["ip", "-6", "addr", "add", "2001:db8:1::5/64", "dev", "eth0", "nodad"]);
    world.run("pod", &["ip", "-6", "route", "add", "default", "via", "2001:db8:1::1", "dev", "eth0"]);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.expect_also("ipv6-unroutable", "pod", Confidence::Likely);
}
