//! F46: what the node-resolver wrote into a node's hosts file is garbage, or old.

use lsdeploy::dns::classify::Confidence;

use crate::scene::{Four, OUTSIDE, SERVICE};

const NAMES: &str = "image-registry.openshift-image-registry.svc image-registry.openshift-image-registry.svc.cluster.local \
                     # openshift-generated-node-resolver";

#[test]
fn words_of_a_failed_dig_stand_for_addresses() {
    let Some(world) = Four::healthy().start() else { return };
    let words = ["connection", "timed", "out;", "no"].map(|word| format!("{word} {NAMES}\n")).concat();
    world.write("node1", "/etc/hosts", &format!("127.0.0.1 localhost\n{words}"));
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.prove("F46", "hosts-file-corrupt", "node1", "an /etc/hosts with the words of a failed dig");
    run.expect_alone();
}

#[test]
fn the_registry_has_another_address_by_now() {
    let Some(world) = Four::healthy().start() else { return };
    world.write("node1", "/etc/hosts", &format!("127.0.0.1 localhost\n172.30.1.1 {NAMES}\n"));
    // Nobody may read the Service: CoreDNS is asked in the second round.
    let run = world.debug(&[SERVICE, OUTSIDE]);
    run.prove("F46", "hosts-file-corrupt", "node1", "an old address in /etc/hosts, against CoreDNS 1.11.3");
    assert_eq!(run.root().unwrap().confidence, Confidence::Certain);
    run.expect_alone();
}
