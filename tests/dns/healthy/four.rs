//! OpenShift 4.

use crate::scene::{Four, KNOWN, OUTSIDE, ROUTE, SERVICE};

#[test]
fn a_plain_cluster() {
    let Some(world) = Four::healthy().start() else { return };
    world.debug(&[SERVICE, ROUTE, OUTSIDE, KNOWN]).prove_healthy("4.18: pod, Service, two CoreDNS pods, one upstream");
}
