//! Reads what the cluster holds under the names that an environment uses.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use serde_json::Value;

use super::{Cluster, Fault};
use crate::environment::{EnvName, NamespaceName};
use crate::error::{CommandError, Result};
use crate::manifest::{Kind, ObjectId};
use crate::plan::LiveState;
use crate::render::{INVENTORY, instance_selector, names};

/// Reads all objects of an environment concurrently: the ones with fixed names one by one, so that a foreign object of
/// that name is seen, and the Routes of the namespace together. Nothing is looked for in a namespace that is not there.
pub async fn observe(cluster: &Cluster, env: &EnvName, namespace: &NamespaceName) -> Result<LiveState> {
    let namespace = namespace.as_str();
    let (home, scc) = tokio::try_join!(
        read(cluster, namespace, ObjectId::new(Kind::Namespace, namespace)),
        read(cluster, namespace, ObjectId::new(Kind::SecurityContextConstraints, env.scc())),
    )?;
    let is_absent = matches!(home, (_, Ok(None)));
    let (inside, routes) = if is_absent { Default::default() } else { look_inside(cluster, namespace).await? };
    let singles: Vec<Seen> = [home, scc].into_iter().chain(inside).collect();
    let hidden: BTreeSet<ObjectId> =
        singles.iter().filter(|(_, read)| read.is_err()).map(|(id, _)| id.clone()).collect();
    let read = singles.into_iter().filter_map(|(id, read)| Some((id, read.ok()??)));
    let objects: BTreeMap<ObjectId, Value> = read.chain(routes).collect();
    Ok(LiveState { objects, hidden, ..LiveState::default() })
}

/// The objects with fixed names, and the Routes, of a namespace.
async fn look_inside(cluster: &Cluster, namespace: &str) -> Result<(Vec<Seen>, Vec<(ObjectId, Value)>)> {
    let singles = [
        ObjectId::new(Kind::ServiceAccount, names::EMULATOR),
        ObjectId::new(Kind::Role, names::GRANT),
        ObjectId::new(Kind::RoleBinding, names::GRANT),
        ObjectId::new(Kind::RoleBinding, names::OWNER),
        ObjectId::new(Kind::Secret, names::AUTH),
        ObjectId::new(Kind::ConfigMap, INVENTORY),
        ObjectId::new(Kind::ConfigMap, names::INIT),
        ObjectId::new(Kind::PersistentVolumeClaim, names::CLAIM),
        ObjectId::new(Kind::ResourceQuota, names::LIMITS),
        ObjectId::new(Kind::LimitRange, names::LIMITS),
        ObjectId::new(Kind::NetworkPolicy, names::EMULATOR),
        ObjectId::new(Kind::Service, names::EMULATOR),
        ObjectId::new(Kind::Deployment, names::EMULATOR),
    ];
    tokio::try_join!(
        try_join_all(singles.into_iter().map(|id| read(cluster, namespace, id))),
        routes(cluster, namespace)
    )
}

/// The caller may not read the object.
struct Hidden;

/// What was seen of an object: `None` where there is none.
type Seen = (ObjectId, std::result::Result<Option<Value>, Hidden>);

async fn read(cluster: &Cluster, namespace: &str, id: ObjectId) -> Result<Seen> {
    match cluster.get(id.kind, namespace, &id.name).await {
        Ok(found) => Ok((id, Ok(found))),
        // Who may not read an object may still be allowed to make it; the API server has the last word.
        Err(fault) if is_hidden(&fault) => Ok((id, Err(Hidden))),
        Err(fault) => Err(explain(&fault, &id.to_string(), namespace)),
    }
}

/// Adds what carries the environment's labels in its namespace under any other name: what an earlier version made.
pub async fn add_labelled(
    cluster: &Cluster,
    env: &EnvName,
    namespace: &NamespaceName,
    live: &mut LiveState,
) -> Result<()> {
    let namespace = namespace.as_str();
    let selector = instance_selector(env.as_str());
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.is_namespaced());
    let lists = try_join_all(kinds.map(|kind| labelled(cluster, kind, namespace, &selector))).await?;
    for (id, object) in lists.into_iter().flatten() {
        live.objects.entry(id).or_insert(object);
    }
    Ok(())
}

async fn labelled(cluster: &Cluster, kind: Kind, namespace: &str, selector: &str) -> Result<Vec<(ObjectId, Value)>> {
    let found = match cluster.list(kind, Some(namespace), selector).await {
        Ok(found) => found,
        Err(fault) if is_hidden(&fault) || fault.code() == Some(404) => Vec::new(),
        Err(fault) => return Err(explain(&fault, kind.plural(), namespace)),
    };
    let named = found.into_iter().filter_map(|object| {
        let name = object.pointer("/metadata/name")?.as_str()?.to_owned();
        Some((ObjectId::new(kind, name), object))
    });
    Ok(named.collect())
}

async fn routes(cluster: &Cluster, namespace: &str) -> Result<Vec<(ObjectId, Value)>> {
    let found = match cluster.list(Kind::Route, Some(namespace), "").await {
        Ok(found) => found,
        Err(fault) if is_hidden(&fault) => Vec::new(),
        Err(fault) => return Err(explain(&fault, "the Routes", namespace)),
    };
    let named = found.into_iter().filter_map(|mut object| {
        let name = object.pointer("/metadata/name")?.as_str()?.to_owned();
        // Items of a list carry neither apiVersion nor kind.
        object["kind"] = "Route".into();
        Some((ObjectId::new(Kind::Route, name), object))
    });
    Ok(named.collect())
}

fn is_hidden(fault: &Fault) -> bool {
    fault.code() == Some(403)
}

fn explain(fault: &Fault, what: &str, namespace: &str) -> CommandError {
    fault.explain(&format!("read {what} in {namespace}"))
}
