//! F47: the C library of a place says something else than its servers.

use lsdeploy::dns::classify::Confidence;

use crate::scene::{Four, KNOWN, OUTSIDE, SERVICE};

#[test]
fn a_line_of_the_hosts_file_is_wrong() {
    let Some(world) = Four::healthy().start() else { return };
    let hosts = format!("127.0.0.1 localhost\n# Entries added by HostAliases.\n172.30.9.9\t{SERVICE}\n");
    world.write("pod", "/etc/hosts", &hosts);
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.prove("F47", "libc-differs", "pod", "a line of /etc/hosts, as glibc reads it, against CoreDNS 1.11.3");
    assert_eq!(run.root().unwrap().confidence, Confidence::Certain);
    run.expect_alone();
}

#[test]
fn the_order_of_sources_does_not_reach_dns() {
    let Some(world) = Four::healthy().start() else { return };
    world.write("pod", "/etc/nsswitch.conf", "hosts: files myhostname\n");
    let run = world.debug(&[SERVICE, OUTSIDE, KNOWN]);
    run.prove("F47", "libc-differs", "pod", "an nsswitch.conf without `dns`, as glibc reads it");
    run.expect_alone();
}

#[test]
fn a_source_before_dns_ends_the_search() {
    let Some(world) = Four::healthy().start() else { return };
    world.write("pod", "/etc/nsswitch.conf", "hosts: files [NOTFOUND=return] dns\n");
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.expect_root("libc-differs", "pod");
    run.expect_alone();
}
