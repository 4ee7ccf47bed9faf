//! OpenShift 3.

use crate::scene::{KNOWN, OUTSIDE, ROUTE, SERVICE, Three};

#[test]
fn a_plain_node() {
    let Some(world) = Three::healthy().start() else { return };
    world.debug(&[SERVICE, ROUTE, OUTSIDE, KNOWN]).prove_healthy("3.11: pod, dnsmasq, SkyDNS, two upstreams");
}
