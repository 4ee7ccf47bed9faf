//! F38: TCP is blocked where answers are cut.

use lsdeploy::dns::classify::Confidence;

use crate::scene::{Four, OUTSIDE, SERVICE, Three};
use crate::world::{World, Zone};

/// An upstream with a name whose addresses do not fit into a datagram.
fn start(rule: &str) -> Option<World> {
    let many: String = (1..=90).map(|host| ["@ A 192.0.2.", &host.to_string(), "\n"].concat()).collect();
    let up1 = vec![Zone::root(""), Zone::new("example.com", ""), Zone::new("github.com", &many)];
    let world = (Four { up1, ..Four::healthy() }).start()?;
    if !rule.is_empty() {
        world.iptables("up1", &format!("-A INPUT -p tcp --dport 53 {rule}"));
    }
    Some(world)
}

#[test]
fn a_firewall_before_the_upstream_drops_tcp() {
    let Some(world) = start("-j DROP") else { return };
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove("F38", "tcp-blocked", "upstream-1", "iptables drops TCP to Unbound 1.17, whose UDP answer is cut");
    run.expect_alone();
}

#[test]
fn a_firewall_before_the_upstream_resets_tcp() {
    let Some(world) = start("-j REJECT --reject-with tcp-reset") else { return };
    world.time_out(1000);
    world.debug(&[OUTSIDE, SERVICE]).expect_also("tcp-blocked", "upstream-1", Confidence::Certain);
}

#[test]
fn cut_answers_that_come_by_tcp_are_fine() {
    let Some(world) = start("") else { return };
    world.debug(&[OUTSIDE, SERVICE]).prove_healthy("90 addresses: cut by UDP, whole by TCP");
}

#[test]
fn the_nodes_own_dnsmasq_is_not_reached_by_tcp() {
    let many = (1..=90).map(|host| format!("@ A 192.0.2.{host}")).collect::<Vec<_>>().join("\n");
    let zones = vec![Zone::root(""), Zone::new("example.com", ""), Zone::new("github.com", &many)];
    let Some(world) = (Three { up1: zones.clone(), up2: zones, ..Three::healthy() }).start() else { return };
    world.iptables("node1", "-A INPUT -p tcp -d 10.0.2.15 --dport 53 -j DROP");
    world.time_out(1000);
    world.debug(&[OUTSIDE, SERVICE]).expect_also("tcp-blocked", "dnsmasq", Confidence::Certain);
}
