//! F16: dnsmasq forgets denials, and a client floods it with names that do not exist.

use std::thread::sleep;
use std::time::Duration;

use crate::scene::{OUTSIDE, SERVICE, Three};
use crate::world::Ready;

/// A query for the address of `nx.svc.cluster.local`, again and again: some hundreds a second, after a first burst. The node
/// process denies it, so that no upstream suffers on a busy machine.
const FLOOD: &str = r"
ask() { printf '\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02nx\x03svc\x07cluster\x05local\x00\x00\x01\x00\x01' >/dev/udp/10.0.2.15/53; }
for number in {1..1100}; do ask; done
while :; do for number in {1..4}; do ask; done; sleep 0.01; done
";

#[test]
fn a_flood_of_denied_names_goes_through() {
    let Some(world) = Three::healthy().start() else { return };
    world.settle();
    world.start("pod", &["bash", "-c", FLOOD], Ready::AtOnce);
    let counted =
        || world.run("pod", &["sh", "-c", "dig +short +tries=1 +time=1 @10.0.2.15 CH TXT misses.bind || true"]);
    while counted().trim().trim_matches('"').parse::<u64>().map_or(true, |count| count < 1000) {
        sleep(Duration::from_millis(50));
    }
    let run = world.debug(&[OUTSIDE, SERVICE]);
    let how = "dnsmasq 2.90 with `no-negcache` under a flood of one denied name from the pod";
    run.expect_alone().prove("F16", "negative-answers-uncached", "dnsmasq", how);
}
