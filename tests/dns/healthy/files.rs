//! Odd files in pods.

use crate::scene::{Four, KNOWN, OUTSIDE, ROUTE, SERVICE};

#[track_caller]
fn check(pod_resolv: &'static str, what: &str) {
    let Some(world) = (Four { pod_resolv, ..Four::healthy() }).start() else { return };
    world.debug(&[SERVICE, ROUTE, OUTSIDE, KNOWN]).prove_healthy(what);
}

#[test]
fn one_dot_is_enough() {
    check(
        "nameserver 172.30.0.10\nsearch team1.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:1\n",
        "ndots:1 in a pod",
    );
}

#[test]
fn no_search_list() {
    check("nameserver 172.30.0.10\n", "a pod without a search list");
}

#[test]
fn a_suffix_twice_and_dots_at_ends() {
    let text = "nameserver 172.30.0.10\nsearch team1.svc.cluster.local. svc.cluster.local. cluster.local. cluster.local\noptions ndots:5 use-vc\n";
    check(text, "suffixes with last dots, one twice, use-vc");
}

#[test]
fn comments_and_tabs() {
    let text = "; made by the kubelet\nnameserver\t172.30.0.10\nsearch\tteam1.svc.cluster.local\tsvc.cluster.local cluster.local\noptions\tndots:5\n";
    check(text, "tabs and comments in resolv.conf");
}

#[test]
fn a_pod_without_nsswitch() {
    let Some(world) = Four::healthy().start() else { return };
    world.remove("pod", "/etc/nsswitch.conf");
    world.debug(&[SERVICE, OUTSIDE]).prove_healthy("a minimal image without nsswitch.conf");
}
