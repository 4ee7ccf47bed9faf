//! F12: queries from low ports get lost.

use crate::scene::{OUTSIDE, SERVICE, Three};

#[test]
fn a_firewall_drops_what_comes_from_low_ports() {
    let origin_dns =
        "no-resolv\ndomain-needed\nno-negcache\nmax-cache-ttl=1\nbind-dynamic\nquery-port=900\nexcept-interface=lo\n";
    let Some(world) = (Three { origin_dns, ..Three::healthy() }).start() else { return };
    for upstream in ["up1", "up2"] {
        world.iptables(upstream, "-A INPUT -p udp --sport 1:1023 --dport 53 -j DROP");
    }
    let run = world.debug(&[OUTSIDE, SERVICE]);
    let how = "dnsmasq 2.90 with `query-port=900`, iptables DROP of low source ports at both upstreams";
    run.expect_alone().prove("F12", "low-source-port", "dnsmasq", how);
}

#[test]
fn an_old_configuration_allows_low_ports() {
    let origin_dns =
        "no-resolv\nno-negcache\nmax-cache-ttl=1\nbind-dynamic\nmin-port=1\nmax-port=1023\nexcept-interface=lo\n";
    let Some(world) = (Three { origin_dns, upstream_dns: "server=10.9.0.1\n", ..Three::healthy() }).start() else {
        return;
    };
    world.iptables("up1", "-A INPUT -p udp --sport 1:1023 --dport 53 -j DROP");
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.expect_alone().expect_root("low-source-port", "dnsmasq");
}
