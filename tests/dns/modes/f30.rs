//! F30: A is answered, AAAA is not.

use lsdeploy::dns::classify::Confidence;

use crate::scene::{Four, OUTSIDE, SERVICE, Three};
use crate::world::{Spec, World, Zone};

/// Unbound behind a dnsdist that does this with AAAA.
fn start(action: &str) -> Option<World> {
    let world = (Four { up1: Vec::new(), more: vec![Spec::up2()], ..Four::healthy() }).start()?;
    world.recursor("up2", &Zone::outside());
    world.settle();
    world.time_out(800);
    let lua = format!(
        "setLocal('10.9.0.1:53')\nsetACL('0.0.0.0/0')\nnewServer('10.9.0.2:53')\naddAction(QTypeRule(DNSQType.AAAA), {action})\n"
    );
    world.dnsdist("up1", &lua);
    Some(world)
}

#[test]
fn an_upstream_drops_aaaa() {
    let Some(world) = start("DropAction()") else { return };
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F30", "aaaa-broken", "upstream-1", "dnsdist 1.7 that drops AAAA, behind CoreDNS");
    run.expect_alone();
}

#[test]
fn an_upstream_denies_the_name_to_aaaa() {
    let Some(world) = start("RCodeAction(DNSRCode.NXDOMAIN)") else { return };
    world.debug(&[OUTSIDE, SERVICE]).expect_root("aaaa-broken", "upstream-1");
}

#[test]
fn an_upstream_of_an_old_node_fails_for_aaaa() {
    let three = Three { up1: Vec::new(), up2: Vec::new(), more: vec![Spec::dead()], ..Three::healthy() };
    let Some(world) = three.start() else { return };
    world.recursor("dead", &Zone::outside());
    world.settle();
    for (member, address) in [("up1", "10.9.0.1"), ("up2", "10.9.0.2")] {
        let lua = format!(
            "setLocal('{address}:53')\nsetACL('0.0.0.0/0')\nnewServer('10.9.0.3:53')\n\
             addAction(QTypeRule(DNSQType.AAAA), RCodeAction(DNSRCode.NXDOMAIN))\n"
        );
        world.dnsdist(member, &lua);
    }
    world.debug(&[OUTSIDE, SERVICE]).expect_also("aaaa-broken", "upstream-1", Confidence::Certain);
}
