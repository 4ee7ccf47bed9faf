//! F15: one upstream answers SERVFAIL, the other has the answer.

use crate::scene::{OUTSIDE, SERVICE, Three};

const LAME: &str = "setLocal('10.9.0.1:53')\nsetACL('0.0.0.0/0')\naddAction(AllRule(), RCodeAction(DNSRCode.SERVFAIL))";

#[test]
fn one_upstream_fails() {
    let Some(world) = (Three { up1: Vec::new(), ..Three::healthy() }).start() else { return };
    world.dnsdist("up1", LAME);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    let how = "dnsdist 1.7 answers SERVFAIL beside Unbound, behind dnsmasq 2.90";
    run.expect_alone().prove("F15", "upstream-servfail", "upstream-1", how);
}

#[test]
fn one_upstream_refuses_and_nobody_is_hurt() {
    let refusing = LAME.replace("SERVFAIL", "REFUSED");
    let Some(world) = (Three { up1: Vec::new(), ..Three::healthy() }).start() else { return };
    world.dnsdist("up1", &refusing);
    world.debug(&[OUTSIDE, SERVICE]).expect_ok();
}
