//! F56: the workstation's rule for the cluster's domain is missing.

use lsdeploy::dns::classify::Confidence;

use crate::scene::{CRC, CRC_API, Four, Home, OUTSIDE, ROUTE};
use crate::world::{Spec, World, Zone};

const RULES: &str = "server=/apps-crc.testing/192.168.130.11\nserver=/crc.testing/192.168.130.11\n";
const VM: &str = "no-resolv\nserver=192.168.1.1\naddress=/apps-crc.testing/192.168.130.11\nhost-record=api.crc.testing,192.168.130.11\nlocal=/crc.testing/\n";

fn crc(rules: &'static str) -> Option<World> {
    let vm = Spec::machine("vm", &["192.168.130.11/24"]);
    let world = (Home { more: vec![vm], ..Home::healthy() }).with_stub(rules).start()?;
    world.write("vm", "/etc/dnsmasq.d/crc.conf", VM);
    world.dnsmasq("vm", &[]);
    world.apps("apps-crc.testing", "192.168.130.11");
    Some(world)
}

#[test]
fn network_manager_lost_the_rule() {
    let Some(world) = crc("") else { return };
    let run = world.debug(&[CRC, CRC_API, OUTSIDE]);
    run.prove("F56", "split-dns-missing", "workstation-dns", "dnsmasq 2.90 of the workstation without the rule");
    assert_eq!(run.root().unwrap().confidence, Confidence::Certain);
    run.expect_alone();
}

#[test]
fn with_the_rule_nothing_is_wrong() {
    let Some(world) = crc(RULES) else { return };
    world
        .debug(&[CRC, CRC_API, OUTSIDE])
        .prove_healthy("OpenShift Local, network mode system: split DNS in NetworkManager's dnsmasq");
}

/// A cluster whose pods get the names of its domain, and a workstation that asks the office's router.
fn office(router: &str) -> Option<World> {
    let zones = Zone::outside().into_iter().chain([Zone::new("corp.example", "db A 192.0.2.53")]).collect();
    let more = vec![Spec::workstation(), Spec::lan_router(), Spec::up2()];
    let world = (Four { up1: zones, more, ..Four::healthy() }).start()?;
    world.recursor("up2", &Zone::outside());
    world.write("workstation", "/etc/resolv.conf", "nameserver 192.168.1.1\n");
    world.write("router", "/etc/dnsmasq.d/router.conf", router);
    world.dnsmasq("router", &[]);
    Some(world)
}

#[test]
fn the_router_denies_the_apps_domain_without_a_soa() {
    let Some(world) = office("no-resolv\nserver=10.9.0.2\nlocal=/example.com/\n") else { return };
    // Nothing that is asked needs TCP, so this is nobody's fault.
    world.iptables("router", "-A INPUT -p tcp --dport 53 -j REJECT --reject-with tcp-reset");
    let run = world.debug(&[ROUTE, OUTSIDE]);
    run.prove("F56", "split-dns-missing", "workstation", "dnsmasq 2.90 of an office that denies the apps domain");
    run.expect_alone();
    assert_eq!(run.root().unwrap().names, [ROUTE]);
    assert!(run.finding("tcp-blocked").is_none(), "{}", run.story("upstream-1"));
}

#[test]
fn only_the_clusters_servers_know_a_name() {
    let Some(world) = office("no-resolv\nserver=10.9.0.2\n") else { return };
    let run = world.debug(&["db.corp.example", OUTSIDE]);
    run.prove(
        "F56",
        "split-dns-missing",
        "workstation",
        "Unbound 1.17 of the world, BIND of the cluster with the domain",
    );
    run.expect_alone();
    assert_eq!(run.root().unwrap().names, ["db.corp.example"]);
}
