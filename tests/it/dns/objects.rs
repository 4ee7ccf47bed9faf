//! Failure modes whose guilty hop is a real object of the API, a real kubelet, or a rule of the kernel behind a real policy.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::harness::{SERVICE, SHARED, debug, namespace, running_pod};
use crate::lab::{Lab, lab_variable, supervise};

#[test]
fn f27_a_kubelet_says_that_it_left_out_name_servers() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&[], &["dns-f27"]);
    namespace(&lab, "dns-f27");
    // Two of them are dead, and with the cluster's own there are four: the last is left out.
    let many = json!({"dnsConfig": {"nameservers": ["10.213.0.97", "10.213.0.98", "10.213.0.99"]}});
    running_pod(&lab, "dns-f27", "client", &many);
    let place = ["--vantage", "pod=dns-f27/client"];
    let Some(debugged) = debug(&lab, &[&[SERVICE], place.as_slice()].concat()) else { return };
    let events = debugged.seen(|seen| seen["name"].as_str().is_some_and(|name| name.starts_with("events/dns-f27/")));
    assert!(events[0]["text"].as_str().unwrap().contains("Nameserver limits were exceeded"), "{events:?}");
    debugged.prove("F27", "resolv-conf-limits", "pod", "event DNSConfigForming of a real kubelet, four name servers");
}

/// Drops what a pod sends to a port of other pods, as a network plugin does that enforces the policy.
struct Dropped {
    /// Enters the network namespace that the packets pass.
    enter: Vec<String>,
    from: String,
}

impl Dropped {
    fn new(enter: &[&str], from: &str) -> Self {
        let dropped = Self { enter: enter.iter().map(|word| (*word).to_owned()).collect(), from: from.to_owned() };
        dropped.each("-I");
        dropped
    }

    fn each(&self, verb: &str) {
        for protocol in ["udp", "tcp"] {
            let rule = ["iptables", verb, "FORWARD", "-s", &self.from, "-p", protocol, "--dport", "5353", "-j", "DROP"];
            let words: Vec<&str> = self.enter.iter().map(String::as_str).chain(rule).collect();
            assert!(Command::new(words[0]).args(&words[1..]).status().unwrap().success(), "{words:?}");
        }
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.each("-D");
    }
}

#[test]
fn f31_a_policy_admits_port_53_and_packets_to_5353_are_dropped() {
    let Some(lab) = Lab::shared() else { return };
    let Some(services) = lab_variable("LAB_SERVICES") else { return };
    let _clean = lab.clean(&[], &["dns-f31"]);
    namespace(&lab, "dns-f31");
    let ports = json!([{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]);
    lab.apply(
        &json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "dns-only", "namespace": "dns-f31"},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"],
                "egress": [{"to": [{"namespaceSelector": {}}], "ports": ports}]}})
        .to_string(),
    );
    running_pod(&lab, "dns-f31", "client", &json!({}));
    let address =
        lab.kubectl(&["get", "pod", "client", "--namespace", "dns-f31", "--output", "jsonpath={.status.podIP}"]);
    // To the Service's address packets go by the namespace of the Services; to a pod's own address over the bridge.
    let _service = Dropped::new(&["ip", "netns", "exec", &services], &address);
    let _bridge = Dropped::new(&[], &address);
    let places = ["--vantage", "pod=dns-f31/client", "--vantage", "node=lab"];
    let Some(debugged) = debug(&lab, &[&[SERVICE], places.as_slice()].concat()) else { return };
    let root = debugged.prove(
        "F31",
        "policy-blocks-5353",
        "coredns",
        "NetworkPolicy object and rules of the kernel (iptables DROP)",
    );
    assert!(root["message"].as_str().unwrap().contains("dns-only"), "{root:#}");
}

/// Puts a file back as it was.
struct Restored {
    path: String,
    text: String,
}

impl Restored {
    fn new(path: String, instead: &str) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, instead).unwrap();
        Self { path, text }
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        fs::write(&self.path, &self.text).unwrap();
    }
}

#[test]
fn f40_a_coredns_pod_keeps_the_resolv_conf_that_the_node_had_when_it_was_made() {
    let Some(lab) = Lab::alone() else { return };
    let Some(state) = lab_variable("LAB_STATE") else { return };
    let _turn = SHARED.lock();
    {
        // Nobody has this address; the node has the right one again when the pod is there.
        let _restored = Restored::new(format!("{state}/resolv.conf"), "nameserver 10.213.0.99\n");
        new_coredns_pod(&lab);
    }
    let _well = WellAgain(&lab);
    let coredns = coredns_pod(&lab);
    let Some(enter) = lab_variable("LAB_NODE").map(|node| format!("node=exec:{node}")) else { return };
    let pod = format!("pod=openshift-dns/{coredns}");
    let Some(debugged) = debug(&lab, &["any.apps.lab.test", "--vantage", &pod, "--vantage", &enter]) else { return };
    debugged.prove(
        "F40",
        "coredns-old-resolv-conf",
        &format!("coredns/{coredns}"),
        "a real CoreDNS pod, older than the node's file",
    );
}

fn new_coredns_pod(lab: &Lab) {
    let selector = "dns.operator.openshift.io/daemonset-dns=default";
    lab.kubectl(&["delete", "pods", "--namespace", "openshift-dns", "--selector", selector]);
    let set = ["rollout", "status", "--namespace", "openshift-dns", "daemonset/dns-default", "--timeout=60s"];
    lab.kubectl(&set);
}

/// CoreDNS as it was, whatever became of the test.
struct WellAgain<'a>(&'a Lab);

impl Drop for WellAgain<'_> {
    fn drop(&mut self) {
        new_coredns_pod(self.0);
    }
}

fn coredns_pod(lab: &Lab) -> String {
    let selector = "dns.operator.openshift.io/daemonset-dns=default";
    let name = "jsonpath={.items[0].metadata.name}";
    lab.kubectl(&["get", "pods", "--namespace", "openshift-dns", "--selector", selector, "--output", name])
}

#[test]
fn f44_a_pod_in_the_nodes_network_does_not_know_services() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&[], &["dns-f44"]);
    namespace(&lab, "dns-f44");
    running_pod(&lab, "dns-f44", "client", &json!({"hostNetwork": true}));
    let places = ["--vantage", "pod=dns-f44/client"];
    let Some(debugged) = debug(&lab, &[&[SERVICE], places.as_slice()].concat()) else { return };
    debugged.prove("F44", "host-network-pod", "pod", "a real pod with hostNetwork and dnsPolicy ClusterFirst");
    // With the policy that is meant for such pods all is well.
    running_pod(&lab, "dns-f44", "well", &json!({"hostNetwork": true, "dnsPolicy": "ClusterFirstWithHostNet"}));
    let Some(debugged) = debug(&lab, &[SERVICE, "--vantage", "pod=dns-f44/well"]) else { return };
    debugged.expect_ok();
}

#[test]
fn f45_a_pod_names_servers_that_know_no_service() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&[], &["dns-f45"]);
    namespace(&lab, "dns-f45");
    let own = json!({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.213.0.1"]}});
    running_pod(&lab, "dns-f45", "client", &own);
    let Some(debugged) = debug(&lab, &[SERVICE, "--vantage", "pod=dns-f45/client"]) else { return };
    debugged.prove("F45", "pod-resolv-conf-wrong", "pod", "a real pod with dnsPolicy None");
}

#[test]
fn f49_a_headless_service_has_no_ready_endpoint() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&[], &["dns-f49"]);
    namespace(&lab, "dns-f49");
    lab.apply(
        &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "dns-f49"},
            "spec": {"clusterIP": "None", "selector": {"app": "db"}, "ports": [{"port": 5432}]}})
        .to_string(),
    );
    running_pod(&lab, "dns-f49", "client", &json!({}));
    let never = json!([{"name": "main", "image": super::harness::IMAGE, "command": ["sleep", "600"],
        "readinessProbe": {"exec": {"command": ["false"]}}}]);
    super::harness::pod(&lab, "dns-f49", "db", &json!({"containers": never}));
    let started = "--for=condition=PodReadyToStartContainers";
    lab.kubectl(&["wait", "--namespace", "dns-f49", "pod/db", started, "--timeout=60s"]);
    let name = "db.dns-f49.svc.cluster.local";
    let Some(debugged) = debug(&lab, &[name, "--vantage", "pod=dns-f49/client"]) else { return };
    let root = debugged.prove(
        "F49",
        "service-without-endpoints",
        "coredns",
        "a real headless Service without a ready endpoint",
    );
    assert_eq!(root["names"], json!([name]));
}

#[test]
fn f51_pods_ask_an_address_that_is_not_the_dns_services() {
    let Some(lab) = Lab::alone() else { return };
    let Some(state) = lab_variable("LAB_STATE") else { return };
    let _turn = SHARED.lock();
    let _clean = lab.clean(&[], &["dns-f51"]);
    namespace(&lab, "dns-f51");
    // A kubelet that still has the address of another range.
    let file = format!("{state}/kubelet.yaml");
    let settings = fs::read_to_string(&file).unwrap();
    {
        let _restored = Restored::new(file, &settings.replace("172.30.0.10", "172.31.0.10"));
        supervise(&state, "restart", "kubelet");
        running_pod(&lab, "dns-f51", "client", &json!({}));
        let Some(debugged) = debug(&lab, &[SERVICE, "--vantage", "pod=dns-f51/client", "--vantage", "node=lab"]) else {
            return;
        };
        debugged.prove(
            "F51",
            "wrong-dns-address",
            "pod",
            "a real kubelet whose clusterDNS is not the Service's address",
        );
    }
    supervise(&state, "restart", "kubelet");
    lab.kubectl(&["wait", "--for=condition=Ready", "node/lab", "--timeout=60s"]);
}

#[test]
fn f52_the_operators_wishes_are_not_in_the_corefile() {
    let Some(lab) = Lab::alone() else { return };
    let _turn = SHARED.lock();
    let _clean = lab.clean(&[], &["dns-f52"]);
    namespace(&lab, "dns-f52");
    running_pod(&lab, "dns-f52", "client", &json!({}));
    let server = json!([{"name": "corp", "zones": ["corp.example"], "forwardPlugin": {"upstreams": ["10.213.0.1"]}}]);
    let wish = |servers: &Value, state: &str| {
        let patch = json!({"spec": {"servers": servers, "managementState": state}}).to_string();
        lab.kubectl(&["patch", "dnses.operator.openshift.io", "default", "--type=merge", "--patch", &patch]);
    };
    wish(&server, "Unmanaged");
    let debugged = debug(&lab, &["host.corp.example", SERVICE, "--vantage", "pod=dns-f52/client"]);
    wish(&json!([]), "Managed");
    let Some(debugged) = debugged else { return };
    debugged.prove(
        "F52",
        "corefile-drifted",
        "coredns",
        "a real dnses.operator.openshift.io object, Unmanaged, and a real ConfigMap",
    );
}
