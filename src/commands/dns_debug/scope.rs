//! What a run is about, as the cluster knows it: the environment's pod and hosts, and names where none were given.

use std::time::Duration;

use serde_json::Value;

use super::super::Context;
use super::names::Name;
use crate::cluster::dns::{PodName, Scope};
use crate::cluster::{Cluster, inventory};
use crate::dns::chain::{Chain, Place, PlaceKind, discover};
use crate::dns::evidence::Evidence;
use crate::dns::files::proc;
use crate::dns::observation::Observation;
use crate::dns::seen::Seen;
use crate::environment::{EDGE, EnvName};
use crate::error::{CommandError, Result};
use crate::manifest::Kind;
use crate::render::{instance_selector, names};

/// How long the API may take to say that it is there.
const HELLO: Duration = Duration::from_secs(5);

/// The cluster, when there is one and it answers; else why not.
pub(super) enum Api {
    /// It answers.
    Answers(Cluster),
    /// It is known, and does not answer: its name may be what does not resolve.
    Silent { cluster: Cluster, why: String },
    /// No kubeconfig names one.
    None(CommandError),
}

impl Api {
    /// Looks for the cluster.
    pub(super) async fn look(context: &Context) -> Self {
        let cluster = match context.connect().await {
            Ok(cluster) => cluster,
            Err(error) => return Self::None(error),
        };
        match tokio::time::timeout(HELLO, cluster.get_path("/version")).await {
            Ok(Err(fault)) if fault.code().is_none() => Self::Silent { cluster, why: fault.words() },
            Err(_) => Self::Silent { cluster, why: format!("no answer within {} s", HELLO.as_secs()) },
            Ok(_) => Self::Answers(cluster),
        }
    }

    /// The cluster, when it answers.
    pub(super) fn cluster(&self) -> Option<&Cluster> {
        match self {
            Self::Answers(cluster) => Some(cluster),
            Self::Silent { .. } | Self::None(_) => None,
        }
    }

    /// The API's host, where it is a name.
    pub(super) fn host(&self) -> Option<String> {
        let (Self::Answers(cluster) | Self::Silent { cluster, .. }) = self else { return None };
        let host = cluster.server.parse::<http::Uri>().ok()?.host()?.to_owned();
        host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_err().then_some(host)
    }
}

/// An environment of the cluster: where it is, and its pod.
pub(super) struct Env {
    pub(super) namespace: String,
    /// Its newest pod, where it may be seen.
    pub(super) pod: Option<PodName>,
    /// The host of its first Route.
    pub(super) host: Option<String>,
}

/// Finds the environment.
pub(super) async fn environment(cluster: &Cluster, env: &str, namespace: Option<&str>) -> Result<Env> {
    let name = EnvName::parse(env)?;
    let found = inventory::find(cluster, &name, namespace).await?.existing(&name)?;
    let namespace = found.namespace;
    let selector = instance_selector(name.as_str());
    let (pods, routes) =
        tokio::join!(cluster.pods(&namespace, &name), cluster.list(Kind::Route, Some(&namespace), &selector));
    let pods = pods.unwrap_or_default();
    let newest = pods.iter().max_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str());
    let pod = newest.and_then(|pod| pod["metadata"]["name"].as_str()).map(|pod| PodName {
        namespace: namespace.clone(),
        name: pod.to_owned(),
        container: Some(names::EMULATOR.to_owned()),
    });
    Ok(Env { pod, host: first_host(&routes.unwrap_or_default()), namespace })
}

/// The host of the first Route that stands for a service.
fn first_host(routes: &[Value]) -> Option<String> {
    let host = |route: &Value| {
        let admitted = route.pointer("/status/ingress/0/host").or_else(|| route.pointer("/spec/host"));
        Some(admitted?.as_str()?.to_owned())
    };
    let mut named: Vec<(&str, String)> =
        routes.iter().filter_map(|route| Some((route.pointer("/metadata/name")?.as_str()?, host(route)?))).collect();
    named.sort_by_key(|(name, _)| (*name == EDGE, *name));
    named.into_iter().next().map(|(_, host)| host)
}

/// What everybody wants to know, where no name was given.
pub(super) fn usual_names(
    facts: &Chain,
    label: &str,
    env: Option<&Env>,
    has_cluster: bool,
    api: Option<&str>,
) -> Vec<Name> {
    let of_env = env.and_then(|env| env.host.clone());
    let any_route = facts.apps_domain.as_ref().map(|domain| format!("{label}.{domain}"));
    let service = has_cluster.then(|| format!("kubernetes.default.svc.{}", facts.cluster_domain));
    let names = [of_env, any_route, service, api.map(str::to_owned)].into_iter().flatten();
    names.map(|name| Name { name, is_address: false, note: None, is_external: false }).collect()
}

/// What the objects alone say of the path: its platform and its domains.
pub(super) fn facts(seen: &[Observation]) -> Chain {
    discover::discover(&Evidence { observations: seen.to_vec(), ..Evidence::default() })
}

/// A place that has a node's address is that node, whatever command led there.
pub(super) fn name_nodes(evidence: &mut Evidence) {
    let seen = Seen::new(evidence);
    let nodes: Vec<(String, Vec<String>)> = seen
        .objects("nodes/")
        .filter_map(|(at, node)| Some((at.name.strip_prefix("nodes/")?.to_owned(), addresses(&node))))
        .collect();
    let node_of = |place: &Place| {
        let own =
            seen.file(&place.name, "/proc/net/fib_trie").map_or_else(Vec::new, |(_, text)| proc::ipv4_addresses(text));
        let own: Vec<String> = own.iter().map(ToString::to_string).collect();
        let fits = |(_, addresses): &&(String, Vec<String>)| addresses.iter().any(|address| own.contains(address));
        nodes.iter().find(fits).map(|(node, _)| node.clone())
    };
    let is_open = |place: &Place| place.node.is_none() && matches!(place.kind, PlaceKind::Node | PlaceKind::Other);
    let found: Vec<Option<String>> =
        evidence.places.iter().map(|place| is_open(place).then(|| node_of(place)).flatten()).collect();
    for (place, node) in evidence.places.iter_mut().zip(found) {
        if node.is_some() {
            (place.kind, place.node) = (PlaceKind::Node, node);
        }
    }
}

fn addresses(node: &Value) -> Vec<String> {
    let all = node.pointer("/status/addresses").and_then(Value::as_array).into_iter().flatten();
    all.filter(|one| one["type"] == "InternalIP").filter_map(|one| Some(one["address"].as_str()?.to_owned())).collect()
}

/// Around what the API is read.
pub(super) fn around(pods: Vec<PodName>, nodes: Vec<String>, env: Option<&Env>) -> Scope {
    let mut namespaces: Vec<String> = env.map(|env| env.namespace.clone()).into_iter().collect();
    namespaces.extend(pods.iter().map(|pod| pod.namespace.clone()));
    namespaces.sort();
    namespaces.dedup();
    Scope { pods, nodes, namespaces }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_route_of_a_service_gives_the_host() {
        let route = |name: &str| json!({"metadata": {"name": name}, "spec": {"host": format!("{name}.apps")}});
        assert_eq!(first_host(&[route("edge"), route("s3"), route("kinesis")]).as_deref(), Some("kinesis.apps"));
        assert_eq!(first_host(&[]), None);
    }
}
