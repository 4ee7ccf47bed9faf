//! What the cluster's API says of its DNS. What comes in: which pods, nodes and names a run is about. What goes out: one
//! observation per object, those that are absent or may not be read too. Reads only; nothing here waits longer than a few
//! seconds, however slow the API is.

pub mod exec;
pub mod pods;
mod read;
pub mod session;
mod trim;
mod wants;

use std::collections::BTreeSet;

use serde_json::Value;

use super::Cluster;
use crate::dns::observation::Observation;

/// The vantage of every observation of the API.
pub const VANTAGE: &str = "api";

/// A pod, and a container of it where one is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The container to look from.
    pub container: Option<String>,
}

/// Around what is read.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Pods that are vantages.
    pub pods: Vec<PodName>,
    /// Nodes that are vantages.
    pub nodes: Vec<String>,
    /// Namespaces in which Routes may be.
    pub namespaces: Vec<String>,
}

/// Reads what every cluster may have, and what the vantages are.
pub async fn survey(cluster: &Cluster, scope: &Scope) -> Vec<Observation> {
    let mut seen = read::all(cluster, wants::first(scope)).await;
    once_each(&mut seen);
    seen
}

/// Reads what hangs on that: kubelets, and the Services and Routes behind names.
pub async fn look_behind(cluster: &Cluster, scope: &Scope, names: &[String], seen: &mut Vec<Observation>) {
    let more = wants::second(scope, names, &Known::of(seen));
    seen.extend(read::all(cluster, more).await);
    once_each(seen);
}

/// Lists may hold what was read alone already.
fn once_each(seen: &mut Vec<Observation>) {
    let mut names = BTreeSet::new();
    seen.retain(|observation| names.insert(observation.name.clone()));
}

/// What the first step tells the second.
#[derive(Debug, Default)]
struct Known {
    /// The domain of Services.
    cluster_domain: String,
    /// All nodes.
    nodes: Vec<String>,
    /// The nodes of the pods that are vantages.
    nodes_of_pods: Vec<String>,
}

impl Known {
    fn of(seen: &[Observation]) -> Self {
        let objects: Vec<(&str, Value)> = seen.iter().filter_map(object).collect();
        let text = |name: &str, pointer: &str| {
            let found = objects.iter().find(|(known, _)| *known == name)?;
            Some(found.1.pointer(pointer)?.as_str()?.to_owned())
        };
        let below = |prefix: &str| {
            let prefix = prefix.to_owned();
            objects.iter().filter(move |(name, _)| name.starts_with(&prefix))
        };
        let node_of = |(_, pod): &(&str, Value)| Some(pod.pointer("/spec/nodeName")?.as_str()?.to_owned());
        Self {
            cluster_domain: text("dnses.operator.openshift.io/default", "/status/clusterDomain")
                .unwrap_or_else(|| "cluster.local".to_owned()),
            nodes: below("nodes/").filter_map(|(name, _)| Some(name.strip_prefix("nodes/")?.to_owned())).collect(),
            nodes_of_pods: below("pods/").filter_map(node_of).collect(),
        }
    }
}

/// The object that an observation holds.
pub fn object(observation: &Observation) -> Option<(&str, Value)> {
    Some((&observation.name, serde_json::from_str(observation.text.as_deref()?).ok()?))
}
