//! F56: the workstation's rule for the cluster's domain is missing.

use lsdeploy::dns::classify::Confidence;

use crate::scene::{CRC, CRC_API, Home, OUTSIDE};
use crate::world::{Spec, World};

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
