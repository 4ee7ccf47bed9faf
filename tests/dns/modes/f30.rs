//! F30: A is answered, AAAA is not.

use crate::scene::{Four, OUTSIDE, SERVICE};
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
