//! OpenShift 3.11: pod -> dnsmasq on 10.0.2.15 -> SkyDNS on 127.0.0.1, or the upstreams 10.9.0.1 and 10.9.0.2.

use serde_json::json;

use super::ROUTER;
use crate::world::{SkyDns, Spec, World, Zone};

/// An OpenShift 3 node and its pod. All fields are what the real files hold.
#[derive(Debug, Clone)]
pub(crate) struct Three {
    /// `/etc/dnsmasq.d/origin-dns.conf`.
    pub(crate) origin_dns: &'static str,
    /// `/etc/dnsmasq.d/origin-upstream-dns.conf`.
    pub(crate) upstream_dns: &'static str,
    /// `/etc/dnsmasq.d/node-dnsmasq.conf`: the rule that leads cluster names to the node process.
    pub(crate) cluster_rule: &'static str,
    /// `/etc/resolv.conf` of the pod.
    pub(crate) pod_resolv: &'static str,
    /// `/etc/resolv.conf` of the node.
    pub(crate) node_resolv: &'static str,
    /// `/etc/origin/node/resolv.conf`, where there is one.
    pub(crate) origin_resolv: Option<&'static str>,
    /// Whether dnsmasq runs.
    pub(crate) dnsmasq: Option<&'static [&'static str]>,
    /// What SkyDNS knows, where it runs.
    pub(crate) skydns: Option<SkyDns>,
    /// What the first upstream serves; empty: the scenario starts a resolver of its own there.
    pub(crate) up1: Vec<Zone>,
    /// The same of the second.
    pub(crate) up2: Vec<Zone>,
    /// Members beside pod, node, up1 and up2.
    pub(crate) more: Vec<Spec>,
}

impl Three {
    /// Nothing is wrong with it.
    pub(crate) fn healthy() -> Self {
        Self {
            origin_dns: "no-resolv\ndomain-needed\nno-negcache\nmax-cache-ttl=1\nenable-dbus\ndns-forward-max=10000\n\
                         cache-size=10000\nbind-dynamic\nmin-port=1024\nexcept-interface=lo\n",
            upstream_dns: "server=10.9.0.1\nserver=10.9.0.2\n",
            cluster_rule: "server=/in-addr.arpa/127.0.0.1\nserver=/cluster.local/127.0.0.1\n",
            pod_resolv: "nameserver 10.0.2.15\nsearch team1.svc.cluster.local svc.cluster.local cluster.local example.com\n\
                         options ndots:5\n",
            node_resolv: "# nameserver updated by /etc/NetworkManager/dispatcher.d/99-origin-dns.sh\n\
                          search cluster.local example.com\nnameserver 10.0.2.15\n",
            origin_resolv: Some("nameserver 10.9.0.1\nnameserver 10.9.0.2\n"),
            dnsmasq: Some(&[]),
            skydns: Some(SkyDns::new().with("kinesis.team1", "172.30.5.6")),
            up1: Zone::outside(),
            up2: Zone::outside(),
            more: Vec::new(),
        }
    }

    /// Starts it; `None` where there can be no worlds. Whatever the scenario adds starts beside it.
    pub(crate) fn start(self) -> Option<World> {
        let specs = [Spec::pod(), Spec::node(), Spec::up1(), Spec::up2()];
        let world = World::new(specs.into_iter().chain(self.more.clone()))?;
        self.files(&world);
        for (member, zones) in [("up1", &self.up1), ("up2", &self.up2)] {
            if !zones.is_empty() {
                world.recursor(member, zones);
            }
        }
        if let Some(sky) = &self.skydns {
            world.skydns("node1", sky);
            world.idle_process("node1", "openshift");
        }
        if let Some(arguments) = self.dnsmasq {
            world.dnsmasq("node1", arguments);
        }
        world.object("services/default/kubernetes", json!({ "spec": { "clusterIP": "172.30.0.1" } }));
        world.object("services/team1/kinesis", json!({ "spec": { "clusterIP": "172.30.5.6" } }));
        world.apps("apps.example.com", ROUTER);
        Some(world)
    }

    fn files(&self, world: &World) {
        world.write("node1", "/etc/dnsmasq.d/origin-dns.conf", self.origin_dns);
        world.write("node1", "/etc/dnsmasq.d/origin-upstream-dns.conf", self.upstream_dns);
        if !self.cluster_rule.is_empty() {
            world.write("node1", "/etc/dnsmasq.d/node-dnsmasq.conf", self.cluster_rule);
        }
        world.write("node1", "/etc/resolv.conf", self.node_resolv);
        world.write("node1", "/etc/origin/node/node-config.yaml", NODE_CONFIG);
        if let Some(text) = self.origin_resolv {
            world.write("node1", "/etc/origin/node/resolv.conf", text);
        }
        world.write("pod", "/etc/resolv.conf", self.pod_resolv);
    }
}

const NODE_CONFIG: &str = "apiVersion: v1\nkind: NodeConfig\ndnsBindAddress: 127.0.0.1:53\ndnsDomain: cluster.local\n\
                           dnsIP: 10.0.2.15\ndnsRecursiveResolvConf: /etc/origin/node/resolv.conf\n";
