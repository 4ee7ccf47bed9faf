//! Workstations.

use crate::scene::{Home, NIP, OUTSIDE, ROUTE};
use crate::world::{Ready, Spec};

#[test]
fn a_plain_one() {
    let Some(world) = Home::healthy().start() else { return };
    world.debug(&[OUTSIDE, ROUTE]).prove_healthy("a workstation that asks the router");
}

#[test]
fn names_of_addresses() {
    let Some(world) = Home::healthy().start() else { return };
    world.apps("192.168.64.2.nip.io", "192.168.64.2");
    world.debug(&[NIP, OUTSIDE]).prove_healthy("minishift: nip.io through a router without protection");
}

#[test]
fn a_router_with_an_exception() {
    let router = Some(
        "no-resolv\nserver=10.9.0.1\nstop-dns-rebind\nrebind-domain-ok=/nip.io/\ndomain-needed\nbogus-priv\nfilterwin2k\n",
    );
    let Some(world) = (Home { router, ..Home::healthy() }).start() else { return };
    world.apps("192.168.64.2.nip.io", "192.168.64.2");
    world
        .debug(&[NIP, OUTSIDE])
        .prove_healthy("a router with rebind protection, domain-needed, bogus-priv, and an exception for nip.io");
}

#[test]
fn network_managers_dnsmasq() {
    let Some(world) = Home::healthy().with_stub("").start() else { return };
    world.debug(&[OUTSIDE, ROUTE]).prove_healthy("NetworkManager's dnsmasq on 127.0.0.1");
}

#[test]
fn a_stub_like_systemd_resolved() {
    let resolv = "# This is /run/systemd/resolve/stub-resolv.conf managed by man:systemd-resolved(8).\nnameserver 127.0.0.53\n\
                  options edns0 trust-ad\nsearch fritz.box\n";
    let Some(world) = (Home { resolv, ..Home::healthy() }).start() else { return };
    world.write("workstation", "/run/systemd/resolve/resolv.conf", "nameserver 192.168.1.1\nsearch fritz.box\n");
    world.write("workstation", "/etc/nsswitch.conf", "hosts: files mdns4_minimal [NOTFOUND=return] dns\n");
    world.dnsmasq(
        "workstation",
        &["--no-resolv", "--bind-interfaces", "--listen-address=127.0.0.53", "--server=192.168.1.1", "--domain-needed"],
    );
    world.debug(&[OUTSIDE, ROUTE]).prove_healthy("a stub on 127.0.0.53, as systemd-resolved has it");
}

#[test]
fn an_unbound_of_its_own() {
    let resolv = "nameserver 127.0.0.1\n";
    let Some(world) = (Home { resolv, ..Home::healthy() }).start() else { return };
    world.unbound(
        "workstation",
        "module-config: \"iterator\"\nhide-version: yes\nhide-identity: yes",
        "forward-zone:\n  name: \".\"\n  forward-addr: 192.168.1.1\n",
    );
    world.debug(&[OUTSIDE, ROUTE]).prove_healthy("a workstation with an Unbound of its own that hides its version");
}

#[test]
fn an_administrators_line_that_agrees() {
    let Some(world) = Home::healthy().start() else { return };
    world.write("workstation", "/etc/hosts", "127.0.0.1 localhost workstation\n140.82.112.3 github.com\n203.0.113.7 kinesis-team1.apps.example.com # for tests\n");
    world.debug(&[OUTSIDE, ROUTE]).prove_healthy("lines of /etc/hosts that agree with the servers");
}

#[test]
fn one_server_of_three() {
    let resolv = "nameserver 192.168.1.1\nnameserver 10.9.0.3\nnameserver 10.9.0.4\noptions timeout:1 attempts:1\n";
    let Some(world) = (Home { resolv, more: vec![Spec::dead()], ..Home::healthy() }).start() else { return };
    // The C library asks the first one and is content; the others would do harm only if it failed.
    world.debug(&[OUTSIDE, ROUTE]).prove_healthy("the first of three name servers answers, the others are gone");
}

#[test]
fn odd_options() {
    let resolv = "nameserver 192.168.1.1\ndomain fritz.box\noptions ndots:15 rotate single-request-reopen edns0 trust-ad timeout:30\n";
    let Some(world) = (Home { resolv, ..Home::healthy() }).start() else { return };
    world.debug(&[OUTSIDE, ROUTE]).prove_healthy("ndots:15, rotate, single-request-reopen, a domain line");
}

#[test]
fn two_resolvers_on_two_addresses() {
    let resolv = "nameserver 127.0.0.1\n";
    let Some(world) = (Home { resolv, ..Home::healthy() }).start() else { return };
    world.dnsmasq(
        "workstation",
        &[
            "--no-resolv",
            "--bind-interfaces",
            "--listen-address=127.0.0.1",
            "--server=192.168.1.1",
            "--conf-file=/dev/null",
        ],
    );
    // libvirt's, for its machines.
    world.run("workstation", &["ip", "addr", "add", "192.168.122.1/24", "dev", "eth0"]);
    let own = [
        "dnsmasq",
        "-k",
        "--log-facility=-",
        "--user=root",
        "--bind-interfaces",
        "--listen-address=192.168.122.1",
        "--no-resolv",
        "--conf-file=/dev/null",
    ];
    world.start("workstation", &own, Ready::Says("started"));
    world.debug(&[OUTSIDE, ROUTE]).prove_healthy("libvirt's dnsmasq beside the workstation's own");
}
