//! F43: CoreDNS keeps an answer that was changed.

use crate::scene::{Four, OUTSIDE, SERVICE};
use crate::world::World;

fn with_address(world: &World, records: &str) -> std::rc::Rc<crate::world::Part> {
    world.unbound("up1", &format!("module-config: \"iterator\"\nlocal-zone: \".\" static\n{records}"), "")
}

fn ask(world: &World, pod: &str) -> String {
    world.run("pod", &["dig", "+short", "-p", "5353", &format!("@{pod}"), OUTSIDE])
}

#[test]
fn one_of_the_pods_keeps_the_old_address() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    let old = with_address(&world, "local-data: \"github.com. 600 IN A 192.0.2.1\"");
    world.settle();
    assert_eq!(ask(&world, "10.128.0.11").trim(), "192.0.2.1");
    old.stop();
    with_address(&world, "local-data: \"github.com. 600 IN A 140.82.112.3\"");
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove(
        "F43",
        "coredns-stale-answer",
        "coredns/coredns-1",
        "the cache of CoreDNS 1.11.3, Unbound 1.17 was changed",
    );
    run.expect_alone();
}
