//! F57: OpenShift Local in network mode `user`.

use crate::scene::{CRC, CRC_API, Home, OUTSIDE};
use crate::world::{Spec, crc_user_mode};

const HOSTS: &str = "127.0.0.1 localhost\n# Added by CRC\n127.0.0.1 api.crc.testing canary-openshift-ingress-canary.apps-crc.testing \
                     console-openshift-console.apps-crc.testing oauth-openshift.apps-crc.testing\n# End of CRC section\n";

#[test]
fn a_new_route_is_not_in_the_hosts_file() {
    let Some(world) = Home::healthy().start() else { return };
    world.write("workstation", "/etc/hosts", HOSTS);
    let run = world.debug(&[CRC, CRC_API, OUTSIDE]);
    run.prove(
        "F57",
        "crc-user-mode",
        "workstation",
        "the workstation's /etc/hosts; dnsmasq 2.90 and BIND know nothing of it",
    );
    run.expect_alone();
}

#[test]
fn names_that_stand_there_are_fine() {
    let Some(world) = Home::healthy().start() else { return };
    world.write("workstation", "/etc/hosts", HOSTS);
    world
        .debug(&[CRC_API, OUTSIDE])
        .prove_healthy("OpenShift Local, network mode user: names that stand in /etc/hosts only");
}

#[test]
fn the_gateway_of_the_vm_hides_what_fails() {
    let gateway = Spec::machine("gateway", &["192.168.127.1/24"]);
    let vm = Spec::machine("node1", &["192.168.127.2/24"]);
    let Some(world) = (Home { more: vec![gateway, vm], ..Home::healthy() }).start() else { return };
    world.write("workstation", "/etc/hosts", HOSTS);
    world.write("node1", "/etc/resolv.conf", "nameserver 192.168.127.1\n");
    world.serve("gateway", "192.168.127.1:53", |ask| crc_user_mode(ask, |_| None));
    world.apps("apps-crc.testing", "192.168.127.2");
    let run = world.debug(&[OUTSIDE, CRC_API]);
    run.prove("F57", "crc-user-mode", "upstream-2", "scripted: gvisor-tap-vsock comes with OpenShift Local only");
    run.expect_alone();
}
