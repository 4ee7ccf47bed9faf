//! Which container is looked from: a pod's, or that of a pod in a node's network. Reads only.

use serde_json::Value;

use super::PodName;
use crate::cluster::Cluster;
use crate::error::{CommandError, Result};
use crate::printable::printable;

/// Pods in their node's network, those that see most of it first: namespace and the start of the name.
const NODE_PODS: [(&str, &str); 6] = [
    ("openshift-dns", "node-resolver-"),
    ("openshift-sdn", "sdn-"),
    ("openshift-machine-config-operator", "machine-config-daemon-"),
    ("openshift-multus", "multus-"),
    ("openshift-ovn-kubernetes", "ovnkube-node-"),
    ("kube-proxy-and-dns", "proxy-and-dns-"),
];

/// A container that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its namespace and pod.
    pub pod: PodName,
    /// Its name.
    pub name: String,
    /// The node that it runs on.
    pub node: Option<String>,
}

impl Container {
    /// For people.
    pub fn shown(&self) -> String {
        format!("container {} of pod {}/{}", self.name, self.pod.namespace, self.pod.name)
    }
}

/// The container of a pod that is looked from.
///
/// # Errors
/// There is no such pod or container, it does not run, or it may not be read.
pub async fn of_pod(cluster: &Cluster, pod: &PodName) -> Result<Container> {
    let PodName { namespace, name, .. } = pod;
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
    match cluster.get_path(&path).await {
        Ok(Some(object)) => running(pod, &object),
        Ok(None) => Err(CommandError::new(format!("cannot look from pod {namespace}/{name}: there is no such pod"))
            .hint(format!("`kubectl get pods --namespace {namespace}` lists those there are"))),
        Err(fault) => Err(fault.explain(&format!("look from pod {namespace}/{name}"))),
    }
}

/// The container, when it runs.
fn running(pod: &PodName, object: &Value) -> Result<Container> {
    let PodName { namespace, name, container } = pod;
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let cannot = |why: String| {
        CommandError::new(format!("cannot look from pod {namespace}/{name}: {why}"))
            .hint("look from another pod (`--vantage pod=NAMESPACE/POD`), or from here alone (`--vantage workstation`)")
    };
    let phase = text("/status/phase").unwrap_or("Unknown");
    if phase != "Running" {
        let why = waits_for(object).map(|why| format!(" ({why})")).unwrap_or_default();
        return Err(cannot(format!("it is not running, its phase is {}{why}", printable(phase)))
            .hint(format!("`kubectl describe pod {name} --namespace {namespace}` says what it waits for")));
    }
    let names: Vec<&str> =
        object["spec"]["containers"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    let default = text("/metadata/annotations/kubectl.kubernetes.io~1default-container");
    let chosen = container.as_deref().or(default).or_else(|| names.first().copied()).unwrap_or_default();
    if !names.contains(&chosen) {
        return Err(cannot(format!("it has no container {chosen}, only {}", names.join(", "))));
    }
    let states = object.pointer("/status/containerStatuses").and_then(Value::as_array);
    let state = states.into_iter().flatten().find(|state| state["name"] == chosen);
    if state.is_none_or(|state| state.pointer("/state/running").is_none()) {
        let why = state.and_then(|state| {
            state.pointer("/state/waiting/reason").or_else(|| state.pointer("/state/terminated/reason"))?.as_str()
        });
        let why = why.map(|why| format!(" ({})", printable(why))).unwrap_or_default();
        return Err(cannot(format!("its container {chosen} is not running{why}"))
            .hint(format!("`kubectl logs {name} --container {chosen} --namespace {namespace}` says why")));
    }
    Ok(Container { pod: pod.clone(), name: chosen.to_owned(), node: text("/spec/nodeName").map(str::to_owned) })
}

/// What a pod that does not run waits for.
fn waits_for(object: &Value) -> Option<String> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let unmet = conditions.into_iter().flatten().find(|one| one["type"] == "PodScheduled" && one["status"] == "False");
    let of_condition = unmet.and_then(|one| one["message"].as_str().or_else(|| one["reason"].as_str()));
    let states = object.pointer("/status/containerStatuses").and_then(Value::as_array);
    let of_container = states.into_iter().flatten().find_map(|state| state.pointer("/state/waiting/reason")?.as_str());
    let of_pod = || object.pointer("/status/reason")?.as_str();
    of_condition.or(of_container).or_else(of_pod).map(printable)
}

/// The containers through which a node's network can be looked from, best first.
///
/// # Errors
/// There is no such node, or nothing of it may be seen.
pub async fn of_node(cluster: &Cluster, node: &str) -> Result<Vec<Container>> {
    let attempt = format!("look from node {node}");
    match cluster.get_path(&format!("/api/v1/nodes/{node}")).await {
        Ok(None) => {
            return Err(CommandError::new(format!("cannot {attempt}: there is no such node"))
                .hint("`kubectl get nodes` lists those there are"));
        }
        // Who may not read nodes may still have the right to look into pods.
        Err(fault) if fault.code() != Some(403) => return Err(fault.explain(&attempt)),
        _ => {}
    }
    let selector = format!("fieldSelector=spec.nodeName%3D{node}&limit=500");
    let mut pods = match cluster.get_path(&format!("/api/v1/pods?{selector}")).await {
        Ok(list) => items(list),
        Err(fault) if fault.code() == Some(403) => Vec::new(),
        Err(fault) => return Err(fault.explain(&attempt)),
    };
    if pods.is_empty() {
        for (namespace, _) in NODE_PODS {
            let list = cluster.get_path(&format!("/api/v1/namespaces/{namespace}/pods?{selector}")).await;
            pods.extend(items(list.ok().flatten()));
        }
    }
    let mut found: Vec<(usize, Container)> = pods.iter().filter_map(in_the_nodes_network).collect();
    found.sort_by_key(|(rank, _)| *rank);
    if found.is_empty() {
        return Err(CommandError::new(format!("cannot {attempt}: no pod in its network is to be seen"))
            .hint(format!("reach it in another way: `--vantage node=exec:'ssh core@{node}'`")));
    }
    Ok(found.into_iter().map(|(_, container)| container).collect())
}

fn items(list: Option<Value>) -> Vec<Value> {
    match list.map(|mut list| list["items"].take()) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// A running pod in its node's network that is known to be there for it, and its place in the order.
fn in_the_nodes_network(object: &Value) -> Option<(usize, Container)> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    if object.pointer("/spec/hostNetwork") != Some(&Value::Bool(true)) {
        return None;
    }
    let (namespace, name) = (text("/metadata/namespace")?.to_owned(), text("/metadata/name")?.to_owned());
    let rank = NODE_PODS.iter().position(|(place, start)| *place == namespace && name.starts_with(start))?;
    let pod = PodName { namespace, name, container: None };
    Some((rank, running(&pod, object).ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name() -> PodName {
        PodName { namespace: "team1".to_owned(), name: "moto-0".to_owned(), container: None }
    }

    fn pod(phase: &str, state: &Value) -> Value {
        json!({"metadata": {"namespace": "team1", "name": "moto-0"},
            "spec": {"nodeName": "n1", "containers": [{"name": "emulator"}, {"name": "side"}]},
            "status": {"phase": phase, "containerStatuses": [{"name": "emulator", "state": state}]}})
    }

    #[test]
    fn the_first_container_is_looked_from_unless_another_is_named() {
        let object = pod("Running", &json!({"running": {}}));
        let found = running(&name(), &object).unwrap();
        assert_eq!((found.name.as_str(), found.node.as_deref()), ("emulator", Some("n1")));
        let other = PodName { container: Some("other".to_owned()), ..name() };
        assert!(running(&other, &object).unwrap_err().message.contains("no container other, only emulator, side"));
    }

    #[test]
    fn a_pod_that_does_not_run_says_what_it_waits_for() {
        let mut object = pod("Pending", &json!({"waiting": {"reason": "ImagePullBackOff"}}));
        let error = running(&name(), &object).unwrap_err();
        assert!(error.message.ends_with("its phase is Pending (ImagePullBackOff)"), "{error}");
        object["status"]["conditions"] = json!([{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}]);
        assert!(running(&name(), &object).unwrap_err().message.ends_with("Pending (0/1 nodes)"));
        let crashed = pod("Running", &json!({"waiting": {"reason": "CrashLoopBackOff"}}));
        assert!(running(&name(), &crashed).unwrap_err().message.contains("emulator is not running (CrashLoopBackOff)"));
    }
}
