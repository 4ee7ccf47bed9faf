//! F29: one search suffix fails, and musl stops there.

use crate::scene::{Four, OUTSIDE, SERVICE};
use crate::world::{World, Zone};

const SEARCH: &str = "search team1.svc.cluster.local corp.example svc.cluster.local cluster.local\n\
                      nameserver 172.30.0.10\noptions ndots:5\n";

/// A path whose upstream does this with `corp.example`.
fn start(local_zone: &str) -> Option<World> {
    let world = (Four { up1: Vec::new(), pod_resolv: SEARCH, ..Four::healthy() }).start()?;
    world.recursor_with("up1", &format!("local-zone: \"corp.example.\" {local_zone}"), &Zone::outside());
    Some(world)
}

#[test]
fn a_refused_suffix_ends_the_search_of_musl() {
    let Some(world) = start("refuse") else { return };
    if !world.musl("pod") {
        return;
    }
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F29", "search-suffix-fails", "pod", "Unbound 1.17 that refuses a suffix, musl's resolver");
    run.expect_alone();
}

#[test]
fn glibc_goes_on() {
    let Some(world) = start("refuse") else { return };
    world.debug(&[OUTSIDE, SERVICE]).prove_healthy("one search suffix is REFUSED; glibc passes over it");
}

#[test]
fn a_refused_suffix_hides_the_later_ones_from_glibc() {
    let Some(world) = start("refuse") else { return };
    let short = "kinesis.team1.svc";
    let run = world.debug(&[short, OUTSIDE]);
    let found = run.expect_root("search-suffix-fails", "pod");
    assert_eq!(found.names, [OUTSIDE, short]);
    run.expect_alone();
}
