//! OpenShift 3.11 with two nodes, `node1` (10.0.2.15) and `node2` (10.0.2.16), a pod on each, and one upstream.

use serde_json::json;

use crate::world::{SkyDns, Spec, World, Zone};

/// Two nodes and their pods.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// What SkyDNS of each node knows, where it runs.
    pub(crate) skydns: [Option<SkyDns>; 2],
    /// Whether dnsmasq of each node runs.
    pub(crate) dnsmasq: [bool; 2],
}

impl Pair {
    /// Nothing is wrong with it.
    pub(crate) fn healthy() -> Self {
        let sky = || Some(SkyDns::new().with("kinesis.team1", "172.30.5.6"));
        Self { skydns: [sky(), sky()], dnsmasq: [true, true] }
    }

    /// Starts it; `None` where there can be no worlds.
    pub(crate) fn start(self) -> Option<World> {
        let world = World::new([
            Spec::pod(),
            Spec::node(),
            Spec::up1(),
            Spec::node_at("node2", "10.0.2.16"),
            Spec::pod_on("pod2", "10.129.0.5", "node2"),
        ])?;
        world.recursor("up1", &Zone::outside());
        let members = [("node1", "pod", "10.0.2.15"), ("node2", "pod2", "10.0.2.16")];
        for ((member, sky), dnsmasq) in members.into_iter().zip(self.skydns).zip(self.dnsmasq) {
            let (node, pod, address) = member;
            world.write(node, "/etc/resolv.conf", &format!("{WATERMARK}search cluster.local\nnameserver {address}\n"));
            world.write(node, "/etc/origin/node/resolv.conf", "nameserver 10.9.0.1\n");
            world.write(node, "/etc/dnsmasq.d/origin-dns.conf", DNSMASQ);
            world.write(pod, "/etc/resolv.conf", &format!("nameserver {address}\n{SEARCH}"));
            if let Some(sky) = sky {
                world.skydns(node, &sky);
                world.idle_process(node, "openshift");
            }
            if dnsmasq {
                world.dnsmasq(node, &[]);
            }
        }
        world.object("services/default/kubernetes", json!({ "spec": { "clusterIP": "172.30.0.1" } }));
        world.object("services/team1/kinesis", json!({ "spec": { "clusterIP": "172.30.5.6" } }));
        Some(world)
    }
}

const WATERMARK: &str = "# nameserver updated by /etc/NetworkManager/dispatcher.d/99-origin-dns.sh\n";
const SEARCH: &str = "search team1.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n";
const DNSMASQ: &str = "no-resolv\nserver=10.9.0.1\nserver=/in-addr.arpa/127.0.0.1\nserver=/cluster.local/127.0.0.1\n\
                       domain-needed\nno-negcache\nmax-cache-ttl=1\nbind-dynamic\nmin-port=1024\nexcept-interface=lo\n";
