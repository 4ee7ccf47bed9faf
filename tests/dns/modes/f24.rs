//! F24: a wildcard record in the search list.

use crate::scene::{Four, OUTSIDE, SERVICE, Three};
use crate::world::Zone;

fn wildcard() -> Vec<Zone> {
    vec![Zone::root(""), Zone::new("github.com", "@ A 140.82.112.3"), Zone::new("example.com", "* A 203.0.113.7")]
}

#[test]
fn the_search_domain_of_the_nodes_has_a_wildcard_record() {
    let Some(world) = (Four { up1: wildcard(), ..Four::healthy() }).start() else { return };
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F24", "wildcard-in-search", "pod", "wildcard record in BIND 9.18, glibc's search list");
    run.expect_alone();
}

#[test]
fn an_old_node_with_the_same() {
    let three = Three::healthy();
    let Some(world) = (Three { up1: wildcard(), up2: wildcard(), ..three }).start() else { return };
    world.debug(&[OUTSIDE]).expect_root("wildcard-in-search", "pod");
}
