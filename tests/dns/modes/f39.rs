//! F39: CoreDNS asks itself.

use crate::scene::{COREFILE, Four, OUTSIDE, SERVICE};

#[test]
fn the_pods_got_the_stub_resolver_of_their_node() {
    let Some(world) = (Four { node_resolv: "nameserver 127.0.0.53\n", ..Four::healthy() }).start() else { return };
    // On the node itself somebody listens there: everything is fine until a pod gets the same file.
    world.dnsmasq("node1", &["--listen-address=127.0.0.53", "--bind-interfaces", "--no-resolv", "--server=10.9.0.1"]);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F39", "upstream-is-loopback", "coredns", "CoreDNS 1.11.3 with the node's `nameserver 127.0.0.53`");
    run.expect_alone();
}

#[test]
fn the_corefile_leads_back_to_the_service() {
    let corefile = COREFILE.replace("forward . /etc/resolv.conf", "forward . 172.30.0.10");
    let corefile: &'static str = Box::leak(corefile.into_boxed_str());
    let Some(world) = (Four { corefile, ..Four::healthy() }).start() else { return };
    world.time_out(1000);
    world.debug(&[OUTSIDE, SERVICE]).expect_root("upstream-is-loopback", "coredns");
}
