//! OpenShift 3.

use crate::scene::{KNOWN, OUTSIDE, Pair, ROUTE, SERVICE, Three};
use crate::world::{SkyDns, Spec, World, Zone};

const NAMES: [&str; 4] = [SERVICE, ROUTE, OUTSIDE, KNOWN];

#[track_caller]
fn check(three: Three, what: &str) {
    let Some(world) = three.start() else { return };
    world.debug(&NAMES).prove_healthy(what);
}

#[test]
fn a_plain_node() {
    check(Three::healthy(), "3.11: pod, dnsmasq, SkyDNS, two upstreams");
}

#[test]
fn forwarders_in_another_order() {
    let upstream_dns = "server=10.9.0.2\nserver=10.9.0.1\n";
    check(Three { upstream_dns, ..Three::healthy() }, "dnsmasq's forwarders in another order than the node's file");
}

#[test]
fn negative_answers_are_kept_a_while() {
    let origin_dns = "no-resolv\ndomain-needed\nneg-ttl=1\nmax-cache-ttl=1\nenable-dbus\ndns-forward-max=10000\n\
                      cache-size=10000\nbind-dynamic\nmin-port=1024\nexcept-interface=lo\n";
    check(Three { origin_dns, ..Three::healthy() }, "dnsmasq with neg-ttl (openshift_node_dnsmasq_no_negcache=false)");
}

#[test]
fn all_servers_are_asked_at_once() {
    let origin_dns = "no-resolv\ndomain-needed\nno-negcache\nmax-cache-ttl=1\nenable-dbus\ndns-forward-max=10000\n\
                      cache-size=10000\nbind-dynamic\nmin-port=1024\nexcept-interface=lo\nall-servers\n";
    check(Three { origin_dns, ..Three::healthy() }, "dnsmasq with all-servers");
}

#[test]
fn the_files_of_3_6() {
    let origin_dns = "no-resolv\ndomain-needed\nno-negcache\nmax-cache-ttl=1\nenable-dbus\nbind-interfaces\nlisten-address=10.0.2.15\n";
    let node_resolv = "# nameserver updated by /etc/NetworkManager/dispatcher.d/99-origin-dns.sh\nsearch example.com cluster.local\n\
                       nameserver 10.0.2.15\n";
    check(
        Three { origin_dns, node_resolv, ..Three::healthy() },
        "3.6: listen-address, no min-port, cluster.local last",
    );
}

#[test]
fn six_suffixes() {
    let pod_resolv = "nameserver 10.0.2.15\nsearch team1.svc.cluster.local svc.cluster.local cluster.local a.example.com \
                      b.example.com example.com\noptions ndots:5\n";
    check(Three { pod_resolv, ..Three::healthy() }, "a search list of six suffixes");
}

#[test]
fn one_upstream_only() {
    let three =
        Three { upstream_dns: "server=10.9.0.1\n", origin_resolv: Some("nameserver 10.9.0.1\n"), ..Three::healthy() };
    check(three, "dnsmasq with one upstream");
}

#[test]
fn a_rule_for_a_zone_of_the_company() {
    let three = Three {
        upstream_dns: "server=10.9.0.1\nserver=/corp.example/10.9.0.2\n",
        up2: vec![Zone::new("corp.example", "git A 10.7.0.9")],
        origin_resolv: Some("nameserver 10.9.0.1\n"),
        ..Three::healthy()
    };
    let Some(world) = three.start() else { return };
    world
        .debug(&[SERVICE, "git.corp.example", OUTSIDE])
        .prove_healthy("split horizon: dnsmasq sends one zone elsewhere");
}

#[test]
fn the_rules_come_over_the_bus() {
    let Some(world) = (Three { cluster_rule: "", dnsmasq: None, ..Three::healthy() }).start() else { return };
    world.message_bus("node1");
    world.dnsmasq("node1", &[]);
    world.domain_servers("node1", &["/in-addr.arpa/127.0.0.1", "/cluster.local/127.0.0.1"]);
    world.debug(&NAMES).prove_healthy("3.10: dnsmasq has its rule for cluster.local from D-Bus, in no file");
}

#[test]
fn two_nodes() {
    let Some(world) = Pair::healthy().start() else { return };
    world.debug(&[SERVICE, OUTSIDE]).prove_healthy("3.11: two nodes, a pod on each");
}

#[test]
fn an_upstream_that_is_reached_by_ipv6_only() {
    let up = Spec::machine("up6", &["fd00:9::1/64"]);
    let Some(world) = World::new([Spec::pod(), Spec::node().and("fd00:2::15/64"), up]) else { return };
    world.recursor_with("up6", "interface: ::0", &Zone::outside());
    let three = Three::healthy();
    world.write("pod", "/etc/resolv.conf", three.pod_resolv);
    world.write("node1", "/etc/resolv.conf", three.node_resolv);
    world.write("node1", "/etc/origin/node/resolv.conf", "nameserver fd00:9::1\n");
    world.write("node1", "/etc/dnsmasq.d/origin-dns.conf", three.origin_dns);
    world.write("node1", "/etc/dnsmasq.d/origin-upstream-dns.conf", "server=fd00:9::1\n");
    world.write("node1", "/etc/dnsmasq.d/node-dnsmasq.conf", three.cluster_rule);
    world.skydns("node1", &SkyDns::new().with("kinesis.team1", "172.30.5.6"));
    world.idle_process("node1", "openshift");
    world.dnsmasq("node1", &[]);
    world.debug(&NAMES).prove_healthy("an upstream with an IPv6 address only");
}
