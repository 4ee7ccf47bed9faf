//! Keeps of an object what says something of DNS, and nothing that is secret: no environment of containers, no keys of
//! Routes, no managed fields. Pure.

use serde_json::{Map, Value, json};

/// Fields of metadata that are kept.
const METADATA: [&str; 8] =
    ["name", "namespace", "labels", "creationTimestamp", "deletionTimestamp", "generation", "uid", "ownerReferences"];
/// Annotations that are kept: what else stands in them is nobody's business.
const ANNOTATIONS: [&str; 4] = [
    "service.kubernetes.io/topology-mode",
    "openshift.io/host.generated",
    "kubectl.kubernetes.io/default-container",
    "endpoints.kubernetes.io/over-capacity",
];
/// Top-level fields of any object, besides metadata.
const TOP: [&str; 14] = [
    "spec",
    "status",
    "data",
    "subsets",
    "endpoints",
    "ports",
    "addressType",
    "reason",
    "message",
    "involvedObject",
    "count",
    "type",
    "firstTimestamp",
    "lastTimestamp",
];

/// Trims an object of this resource.
pub(super) fn trim(resource: &str, object: Value) -> Value {
    match resource {
        "version" => return object,
        "apis" => return apis(&object),
        "kubelet" => return kubelet(&object),
        _ => {}
    }
    let mut kept = pick(&object, &TOP);
    kept["metadata"] = metadata(&object["metadata"]);
    match resource {
        "pods" => pod(&mut kept),
        "daemonsets" => daemon_set(&mut kept),
        "nodes" => node(&mut kept),
        "routes" => route(&mut kept),
        "configmaps" => config_map(&mut kept),
        _ => {}
    }
    kept
}

/// The fields of these names.
fn pick(object: &Value, names: &[&str]) -> Value {
    let found = names.iter().filter_map(|name| Some(((*name).to_owned(), object.get(name)?.clone())));
    Value::Object(found.collect::<Map<String, Value>>())
}

fn metadata(metadata: &Value) -> Value {
    let mut kept = pick(metadata, &METADATA);
    let annotations = pick(&metadata["annotations"], &ANNOTATIONS);
    if annotations.as_object().is_some_and(|annotations| !annotations.is_empty()) {
        kept["annotations"] = annotations;
    }
    kept
}

fn pod(pod: &mut Value) {
    let containers = containers(&pod["spec"]["containers"]);
    let names =
        ["dnsPolicy", "dnsConfig", "hostNetwork", "hostPID", "hostAliases", "nodeName", "hostname", "subdomain"];
    pod["spec"] = pick(&pod["spec"], &names);
    pod["spec"]["containers"] = containers;
    let names = ["phase", "reason", "message", "conditions", "podIP", "podIPs", "hostIP", "startTime"];
    let states = &pod["status"]["containerStatuses"];
    let states = each(states, |state| pick(state, &["name", "ready", "restartCount", "state"]));
    pod["status"] = pick(&pod["status"], &names);
    pod["status"]["containerStatuses"] = states;
}

fn daemon_set(set: &mut Value) {
    let template = &set["spec"]["template"]["spec"];
    let mut kept = pick(template, &["dnsPolicy", "hostNetwork", "nodeSelector", "tolerations"]);
    kept["containers"] = containers(&template["containers"]);
    set["spec"] = json!({"template": {"spec": kept}});
}

/// Containers without their environment, which may hold secrets.
fn containers(containers: &Value) -> Value {
    each(containers, |container| pick(container, &["name", "image", "ports", "command", "args"]))
}

fn each(list: &Value, keep: impl Fn(&Value) -> Value) -> Value {
    list.as_array().into_iter().flatten().map(keep).collect()
}

fn node(node: &mut Value) {
    node["spec"] = pick(&node["spec"], &["podCIDR", "unschedulable"]);
    let conditions = each(&node["status"]["conditions"], |one| pick(one, &["type", "status", "reason", "message"]));
    node["status"] = pick(&node["status"], &["addresses", "nodeInfo"]);
    node["status"]["conditions"] = conditions;
}

/// A Route may carry its private key.
fn route(route: &mut Value) {
    let termination = pick(&route["spec"]["tls"], &["termination"]);
    route["spec"] = pick(&route["spec"], &["host", "to", "port", "wildcardPolicy", "subdomain"]);
    if termination.as_object().is_some_and(|tls| !tls.is_empty()) {
        route["spec"]["tls"] = termination;
    }
}

/// Only data that is meant to be read by a resolver or a node, or a version.
fn config_map(map: &mut Value) {
    map["data"] = pick(&map["data"], &["Corefile", "node-config.yaml", "version", "major", "minor", "patch", "hosts"]);
}

/// The names of the groups.
fn apis(apis: &Value) -> Value {
    json!({"groups": each(&apis["groups"], |group| group["name"].clone())})
}

/// What the kubelet writes into pods' resolv.conf.
fn kubelet(configz: &Value) -> Value {
    pick(&configz["kubeletconfig"], &["clusterDNS", "clusterDomain", "resolvConf"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_kept() {
        let pod = json!({"metadata": {"name": "a", "managedFields": [1], "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "hunter2"}},
            "spec": {"nodeName": "n", "containers": [{"name": "c", "env": [{"name": "P", "value": "hunter2"}]}],
                "volumes": [{"secret": {"secretName": "hunter2"}}]}});
        let kept = trim("pods", pod);
        assert!(!kept.to_string().contains("hunter2"), "{kept}");
        assert_eq!(kept["spec"]["nodeName"], "n");
        assert_eq!(kept["spec"]["containers"][0]["name"], "c");
        let route = json!({"spec": {"host": "h", "tls": {"termination": "edge", "key": "hunter2"}}});
        let kept = trim("routes", route);
        assert!(!kept.to_string().contains("hunter2"), "{kept}");
        assert_eq!(kept["spec"], json!({"host": "h", "tls": {"termination": "edge"}}));
        let map = json!({"data": {"Corefile": ".:5353 {}", "password": "hunter2"}});
        assert_eq!(trim("configmaps", map)["data"], json!({"Corefile": ".:5353 {}"}));
    }

    #[test]
    fn a_kubelet_says_what_it_writes_into_pods() {
        let configz = json!({"kubeletconfig": {"clusterDNS": ["172.30.0.10"], "resolvConf": "/r", "port": 10250}});
        assert_eq!(trim("kubelet", configz), json!({"clusterDNS": ["172.30.0.10"], "resolvConf": "/r"}));
    }
}
