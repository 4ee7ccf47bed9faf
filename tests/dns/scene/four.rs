//! OpenShift 4: pod -> Service 172.30.0.10 -> one of the CoreDNS pods, port 5353 -> what the node's `resolv.conf` names.

use std::fmt::Write as _;

use serde_json::json;

use super::ROUTER;
use crate::world::{Api, Spec, World, Zone};

/// Where CoreDNS asks for Services.
const API: &str = "10.0.2.15:8080";

/// An OpenShift 4 node, its pod, and the CoreDNS pods on it.
#[derive(Debug, Clone)]
pub(crate) struct Four {
    /// The Corefile, with `API` where the API server's address belongs.
    pub(crate) corefile: &'static str,
    /// How many CoreDNS pods there are: `coredns-1` at 10.128.0.11, and so on.
    pub(crate) pods: u8,
    /// `/etc/resolv.conf` of the pod.
    pub(crate) pod_resolv: &'static str,
    /// `/etc/resolv.conf` of the node, which the CoreDNS pods were given as well.
    pub(crate) node_resolv: &'static str,
    /// What the API server knows; `None`: none answers.
    pub(crate) api: Option<Api>,
    /// What the first upstream serves; empty: the scenario starts a resolver of its own there.
    pub(crate) up1: Vec<Zone>,
    /// Members beside pod, node, CoreDNS pods and up1.
    pub(crate) more: Vec<Spec>,
}

/// As the DNS operator renders it from 4.14 on, with the API server's address.
pub(crate) const COREFILE: &str = ".:5353 {
    bufsize 1232
    errors
    log . {
        class error
    }
    health :8080 {
        lameduck 1s
    }
    ready :8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        endpoint http://API
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    prometheus 127.0.0.1:9153
    forward . /etc/resolv.conf {
        policy sequential
    }
    cache 900 {
        denial 9984 30
    }
    reload
}
hostname.bind:5353 {
    chaos
}
";

impl Four {
    /// Nothing is wrong with it.
    pub(crate) fn healthy() -> Self {
        Self {
            corefile: COREFILE,
            pods: 2,
            pod_resolv: "search team1.svc.cluster.local svc.cluster.local cluster.local example.com\nnameserver 172.30.0.10\n\
                         options ndots:5\n",
            node_resolv: "search example.com\nnameserver 10.9.0.1\n",
            api: Some(Api::new()),
            up1: Zone::outside(),
            more: Vec::new(),
        }
    }

    /// Starts it; `None` where there can be no worlds. Whatever the scenario adds starts beside it.
    pub(crate) fn start(self) -> Option<World> {
        let pods = (1..=self.pods).map(|number| Spec::pod_on(&name(number), &address(number), "node1"));
        let specs = [Spec::pod(), Spec::node(), Spec::up1()].into_iter().chain(pods);
        let world = World::new(specs.chain(self.more.clone()))?;
        world.write("pod", "/etc/resolv.conf", self.pod_resolv);
        world.write("node1", "/etc/resolv.conf", self.node_resolv);
        if let Some(api) = &self.api {
            world.api("node1", API, api);
        }
        if !self.up1.is_empty() {
            world.recursor("up1", &self.up1);
        }
        let corefile = self.corefile.replace("API", API);
        for pod in (1..=self.pods).map(name) {
            world.write(&pod, "/etc/resolv.conf", self.node_resolv);
            world.coredns(&pod, 5353, &corefile);
        }
        let addresses: Vec<String> = (1..=self.pods).map(|number| format!("{}:5353", address(number))).collect();
        world.service("node1", "172.30.0.10:53", &addresses);
        self.objects(&world, &corefile);
        Some(world)
    }

    fn objects(&self, world: &World, corefile: &str) {
        let endpoint = |number| {
            json!({ "addresses": [address(number)], "nodeName": "node1", "conditions": { "ready": true },
                "targetRef": { "kind": "Pod", "namespace": "openshift-dns", "name": name(number) } })
        };
        let slice = json!({ "metadata": { "labels": { "kubernetes.io/service-name": "dns-default" } },
            "ports": [{ "name": "dns", "port": 5353, "protocol": "UDP" }, { "name": "dns-tcp", "port": 5353, "protocol": "TCP" }],
            "endpoints": (1..=self.pods).map(endpoint).collect::<Vec<_>>() });
        world.object("endpointslices/openshift-dns/dns-default-x7b2p", slice);
        world.object("services/openshift-dns/dns-default", json!({ "spec": { "clusterIP": "172.30.0.10" } }));
        // What the API holds is without the address, which is the worlds' own.
        let rendered =
            corefile.lines().filter(|line| !line.contains("endpoint http")).fold(String::new(), |mut text, line| {
                writeln!(text, "{line}").unwrap();
                text
            });
        world.object("configmaps/openshift-dns/dns-default", json!({ "data": { "Corefile": rendered } }));
        world.object(
            "clusterversions.config.openshift.io/version",
            json!({ "status": { "desired": { "version": "4.18.9" } } }),
        );
        world.object("services/default/kubernetes", json!({ "spec": { "clusterIP": "172.30.0.1" } }));
        world.object("services/team1/kinesis", json!({ "spec": { "clusterIP": "172.30.5.6" } }));
        world.apps("apps.example.com", ROUTER);
    }
}

fn name(number: u8) -> String {
    format!("coredns-{number}")
}

fn address(number: u8) -> String {
    format!("10.128.0.{}", 10 + number)
}
