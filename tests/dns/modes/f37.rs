//! F37: an upstream sends more by UDP than was allowed.

use crate::scene::{COREFILE, Four, OUTSIDE, SERVICE};
use crate::world::{Ask, Reply, World};

/// More addresses than fit into 512 bytes, whatever the question allowed; nothing by TCP.
fn too_much(ask: &Ask) -> Reply {
    if ask.tcp {
        return Reply::silence();
    }
    match (ask.name.as_str(), ask.kind.as_str()) {
        ("github.com", "A") => {
            (1..=50).fold(ask.noerror(), |reply, host| reply.answer("A", &format!("192.0.2.{host}"), 60)).without_opt()
        }
        ("github.com", _) => ask.noerror().soa("github.com", "ns.github.com host.github.com 1 600 600 600 60", 60),
        _ => ask.nxdomain().soa(".", "a.root-servers.net nstld.verisign-grs.com 1 1800 900 604800 86400", 60),
    }
}

fn start(corefile: &'static str) -> Option<World> {
    let world = (Four { up1: Vec::new(), corefile, ..Four::healthy() }).start()?;
    world.serve("up1", "10.9.0.1:53", too_much);
    Some(world)
}

#[test]
fn an_upstream_ignores_the_size_that_was_offered() {
    let corefile: &'static str = Box::leak(COREFILE.replace("bufsize 1232", "bufsize 512").into_boxed_str());
    let Some(world) = start(corefile) else { return };
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    let how = "scripted: no server that can be had sends more than it may; behind CoreDNS with `bufsize 512`";
    run.prove("F37", "oversized-udp-answer", "upstream-1", how);
    run.expect_alone();
}

#[test]
fn an_answer_that_fits_the_offer_is_fine() {
    let Some(world) = start(COREFILE) else { return };
    world.time_out(1000);
    world.debug(&[OUTSIDE, SERVICE]).expect_ok();
}
