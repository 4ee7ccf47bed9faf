//! Paths on which no hop is wrong: which names are said to be missing all the same.

use lsdeploy::dns::missing::missing;

use crate::harness::Run;
use crate::scene::{Four, Home, OUTSIDE, ROUTE, SERVICE};

/// A dnsmasq that knows the apps domain and has no upstream: it refuses to say whether there is an AAAA.
const APPS_ONLY: &str = "no-resolv\nno-hosts\naddress=/apps.example.com/203.0.113.7\n";

#[track_caller]
fn expect_missing(run: &Run, said: &[&str]) {
    assert_eq!(missing(&run.evidence), said, "{}", run.story("upstream-1"));
}

#[track_caller]
fn expect_refused_aaaa(run: &Run, hop: &str) {
    let refused = |kind: &str| {
        run.evidence
            .observations
            .iter()
            .any(|seen| seen.hop == hop && seen.kind == kind && seen.name == ROUTE && seen.said("REFUSED"))
    };
    assert!(refused("AAAA") && !refused("A"), "{}", run.story(hop));
}

#[test]
fn a_workstation_whose_server_refuses_aaaa() {
    let Some(world) = (Home { router: Some(APPS_ONLY), provider: Vec::new(), ..Home::healthy() }).start() else {
        return;
    };
    let run = world.debug(&[ROUTE]);
    expect_refused_aaaa(&run, "upstream-1");
    run.prove_healthy("a dnsmasq without upstream that knows the apps domain, and refuses AAAA");
    expect_missing(&run, &[]);
}

#[test]
fn a_pod_whose_upstream_refuses_aaaa() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    world.write("up1", "/etc/dnsmasq.d/apps.conf", APPS_ONLY);
    world.dnsmasq("up1", &[]);
    let run = world.debug(&[ROUTE, SERVICE]);
    expect_refused_aaaa(&run, "coredns");
    run.prove_healthy("CoreDNS before a dnsmasq that knows the apps domain, and refuses AAAA");
    expect_missing(&run, &[]);
}

#[test]
fn names_that_nobody_has() {
    let Some(world) = Home::healthy().start() else { return };
    let run = world.debug(&[OUTSIDE, "no-such.example.com", "2.0.213.10.in-addr.arpa"]);
    run.prove_not_blamed("a name and an address's name that nobody has");
    expect_missing(&run, &["no hop knows an address of no-such.example.com", "no hop knows a name of 10.213.0.2"]);
}
