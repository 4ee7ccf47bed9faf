//! Objects that carry our labels and belong to no environment that `list` shows: what killed runs and deletions by other
//! means left.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use serde_json::Value;

use super::inventory::Seen;
use super::lock::{self, Holder};
use super::{Cluster, Fault, project};
use crate::environment::{EnvName, NamespaceName};
use crate::error::Result;
use crate::manifest::Kind;
use crate::render::is_bundled;

/// Objects of all environments.
const OURS: &str = "app.kubernetes.io/managed-by=lsdeploy";

/// An object that belongs to no environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace; for a cluster-scoped object the one that it was made for.
    pub namespace: String,
    /// The environment that its labels name.
    pub env: String,
    /// When it was made (RFC 3339).
    pub created: Option<String>,
    /// Why it is an orphan.
    pub why: String,
    /// The command that removes it.
    pub command: String,
}

/// Finds the orphans among all objects that the caller may see. `seen`: the environments that there are; `holder`: who asks.
pub async fn find(cluster: &Cluster, seen: &Seen, holder: &Holder) -> Result<Vec<Orphan>> {
    let homes: BTreeMap<&str, &str> =
        seen.inventories.iter().map(|inventory| (inventory.namespace.as_str(), inventory.env.as_str())).collect();
    let places = if seen.only_projects { project::mine(cluster).await?.unwrap_or_default() } else { Vec::new() };
    let places: Vec<Option<&str>> =
        if seen.only_projects { places.iter().map(|place| Some(place.as_str())).collect() } else { vec![None] };
    let lists = places.iter().flat_map(|place| {
        let kinds = Kind::ALL.iter().filter(move |kind| place.is_none() || kind.is_namespaced());
        kinds.map(move |kind| list(cluster, *kind, *place))
    });
    let leases = places.iter().map(|place| list_leases(cluster, *place));
    let (lists, leases) = tokio::try_join!(try_join_all(lists), try_join_all(leases))?;
    let objects: Vec<(&str, Value)> = lists.into_iter().chain(leases).flatten().collect();
    let namespaces = namespaces(&objects);
    // A run that is on its way has a lock before it has an inventory.
    let held = objects.iter().filter(|(kind, object)| *kind == "Lease" && lock::is_held(object, holder));
    let held: BTreeSet<(String, String)> = held.filter_map(|(_, lease)| place(lease)).collect();
    let orphans = objects.iter().filter_map(|(kind, object)| judge(kind, object, &homes, &namespaces));
    let mut orphans: Vec<Orphan> =
        orphans.filter(|orphan| !held.contains(&(orphan.namespace.clone(), orphan.env.clone()))).collect();
    orphans.sort_by(|a, b| (&a.env, &a.namespace, &a.kind, &a.name).cmp(&(&b.env, &b.namespace, &b.kind, &b.name)));
    Ok(orphans)
}

async fn list(cluster: &Cluster, kind: Kind, place: Option<&str>) -> Result<Vec<(&'static str, Value)>> {
    let found = cluster.list(kind, place, OURS).await;
    named(kind.name(), found)
}

async fn list_leases(cluster: &Cluster, place: Option<&str>) -> Result<Vec<(&'static str, Value)>> {
    let place = place.map(|place| format!("/namespaces/{place}")).unwrap_or_default();
    let found = cluster.list_path(&format!("/apis/coordination.k8s.io/v1{place}/leases"), OURS).await;
    named("Lease", found)
}

/// What may not be listed, or is not served, is not there for the caller.
fn named(kind: &'static str, found: std::result::Result<Vec<Value>, Fault>) -> Result<Vec<(&'static str, Value)>> {
    match found {
        Ok(found) => Ok(found.into_iter().map(|object| (kind, object)).collect()),
        Err(fault) if matches!(fault.code(), Some(403 | 404)) => Ok(Vec::new()),
        Err(fault) => Err(fault.explain(&format!("list every {kind} of lsdeploy"))),
    }
}

/// The namespaces that are known to be there.
fn namespaces(objects: &[(&str, Value)]) -> BTreeSet<String> {
    let of =
        |pointer: &'static str| move |(_, object): &(&str, Value)| Some(object.pointer(pointer)?.as_str()?.to_owned());
    let own = objects.iter().filter(|(kind, _)| *kind == "Namespace").filter_map(of("/metadata/name"));
    own.chain(objects.iter().filter_map(of("/metadata/namespace"))).collect()
}

/// Where a lock is held, and of which environment.
fn place(lease: &Value) -> Option<(String, String)> {
    let text = |pointer: &str| Some(lease.pointer(pointer)?.as_str()?.to_owned());
    Some((text("/metadata/namespace")?, text("/metadata/labels/app.kubernetes.io~1instance")?))
}

/// The orphan that an object is, if it is one. `homes`: the environment of each namespace with an inventory.
fn judge(kind: &str, object: &Value, homes: &BTreeMap<&str, &str>, there: &BTreeSet<String>) -> Option<Orphan> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let name = text("/metadata/name")?;
    let env = text("/metadata/labels/app.kubernetes.io~1instance").unwrap_or_else(|| "?".to_owned());
    let home = text("/metadata/annotations/lsdeploy.dev~1namespace");
    let namespace = match kind {
        "Namespace" => name.clone(),
        _ => text("/metadata/namespace").or(home).unwrap_or_else(|| format!("localstack-{env}")),
    };
    let why = match homes.get(namespace.as_str()) {
        Some(owner) if *owner == env => return None,
        Some(owner) => format!("the namespace {namespace} is of the environment {owner}"),
        None if there.contains(&namespace) && is_bundled(object) => {
            "prepared by `admin-bundle`, and not used yet or not any more".to_owned()
        }
        None if there.contains(&namespace) => format!("the namespace {namespace} has no inventory"),
        None => format!("the namespace {namespace} is gone"),
    };
    let command = command(kind, &name, &namespace, &env);
    Some(Orphan {
        kind: kind.to_owned(),
        name,
        namespace,
        env,
        created: text("/metadata/creationTimestamp"),
        why,
        command,
    })
}

/// What removes it: `down` where the labels name an environment that can be, else kubectl.
fn command(kind: &str, name: &str, namespace: &str, env: &str) -> String {
    let (Ok(parsed), Ok(home)) = (EnvName::parse(env), NamespaceName::parse(namespace)) else {
        return format!("kubectl delete {} {name} --namespace {namespace}", kind.to_lowercase());
    };
    if parsed.default_namespace() == home.as_str() {
        format!("lsdeploy down --env {env}")
    } else {
        format!("lsdeploy down --env {env} --namespace {home}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn judged(kind: &str, object: &Value) -> Option<(String, String)> {
        let homes = BTreeMap::from([("localstack-team1", "team1"), ("lodge", "guest")]);
        let there = BTreeSet::from(["localstack-team1", "lodge", "localstack-half"].map(str::to_owned));
        judge(kind, object, &homes, &there).map(|orphan| (orphan.why, orphan.command))
    }

    fn of(env: &str, namespace: &str) -> Value {
        json!({"metadata": {"name": "x", "namespace": namespace, "labels": {"app.kubernetes.io/instance": env}}})
    }

    #[test]
    fn what_belongs_to_an_environment_is_no_orphan() {
        assert_eq!(judged("Service", &of("team1", "localstack-team1")), None);
        assert_eq!(judged("Service", &of("guest", "lodge")), None);
    }

    #[test]
    fn each_orphan_has_a_reason_and_a_command() {
        let (why, command) = judged("Service", &of("other", "lodge")).unwrap();
        assert_eq!(why, "the namespace lodge is of the environment guest");
        assert_eq!(command, "lsdeploy down --env other --namespace lodge");
        let (why, command) = judged("Service", &of("half", "localstack-half")).unwrap();
        assert_eq!(why, "the namespace localstack-half has no inventory");
        assert_eq!(command, "lsdeploy down --env half");
        let mut prepared = of("half", "localstack-half");
        prepared["metadata"]["annotations"] = json!({"lsdeploy.dev/admin-bundle": "true"});
        assert_eq!(
            judged("Role", &prepared).unwrap().0,
            "prepared by `admin-bundle`, and not used yet or not any more"
        );
        let mut scc = json!({"metadata": {"name": "lsdeploy-gone", "labels": {"app.kubernetes.io/instance": "gone"}}});
        assert_eq!(judged("SecurityContextConstraints", &scc).unwrap().0, "the namespace localstack-gone is gone");
        scc["metadata"]["annotations"] = json!({"lsdeploy.dev/namespace": "away"});
        let (why, command) = judged("SecurityContextConstraints", &scc).unwrap();
        assert_eq!(why, "the namespace away is gone");
        assert_eq!(command, "lsdeploy down --env gone --namespace away");
        let (_, command) = judged("Service", &of("Not_A_Name", "lodge")).unwrap();
        assert_eq!(command, "kubectl delete service x --namespace lodge");
    }
}
