//! F5: dnsmasq sends cluster names to the masters, of which one is dead.

use crate::scene::{OUTSIDE, SERVICE, Three};
use crate::world::{SkyDns, Spec};

#[test]
fn one_of_two_masters_is_dead() {
    let cluster_rule = "server=/cluster.local/172.30.0.1\nserver=/30.172.in-addr.arpa/172.30.0.1\n";
    let more = vec![Spec::machine("master1", &["10.9.1.1/24"]), Spec::machine("master2", &["10.9.1.2/24"])];
    let Some(world) = (Three { cluster_rule, more, ..Three::healthy() }).start() else { return };
    let sky = SkyDns::new().with("kinesis.team1", "172.30.5.6");
    world.serve("master1", "10.9.1.1:8053", move |ask| sky.reply(ask));
    world.iptables("master2", "-A INPUT -p udp --dport 8053 -j DROP");
    world.service("node1", "172.30.0.1:53", &["10.9.1.1:8053".to_owned(), "10.9.1.2:8053".to_owned()]);
    let run = world.debug(&[SERVICE, OUTSIDE]);
    let how = "dnsmasq 2.90 with `server=/cluster.local/172.30.0.1`, iptables DNAT to two masters, one drops";
    run.expect_alone().prove("F5", "cluster-rule-to-master", "dnsmasq", how);
}
