//! Deletes what an environment owns, and waits until it is gone.

use std::time::Duration;

use futures::future::try_join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams};
use kube::runtime::wait::{await_condition, conditions};
use serde_json::Value;
use tokio::time::Instant;

use super::{Cluster, Propagation, observe, project};
use crate::environment::{EnvName, NamespaceName};
use crate::error::{CommandError, Result};
use crate::events::{Events, What};
use crate::manifest::{Kind, ObjectId};
use crate::plan::{foreign_owner, uid};
use crate::render::instance_selector;

/// An environment that is to go.
#[derive(Debug, Clone, Copy)]
pub struct Doomed<'a> {
    /// Its name.
    pub env: &'a EnvName,
    /// Its namespace.
    pub namespace: &'a NamespaceName,
    /// Its namespace was requested as a project.
    pub is_project: bool,
    /// What the caller may not delete.
    pub keep: &'a [ObjectId],
}

/// Deletes every object of the environment and waits until none is left.
///
/// Returns how many objects were deleted: 0 where the environment was gone already.
///
/// # Errors
/// A deletion was refused, or something is still there after `timeout`: it is named with what holds it.
pub async fn remove(cluster: &Cluster, doomed: Doomed<'_>, timeout: Duration, events: &Events) -> Result<usize> {
    let Doomed { env, namespace, is_project, keep } = doomed;
    let mut live = observe::observe(cluster, env, namespace).await?;
    let home = ObjectId::new(Kind::Namespace, namespace.as_str());
    // A run that was killed early has left a project without an inventory.
    let is_project = |object: &Value| is_project || project::env_of(object) == Some(env.as_str());
    let project = live.objects.get(&home).is_some_and(is_project).then(|| live.objects.remove(&home)).flatten();
    let is_ours = |object: &Value| foreign_owner(env.as_str(), namespace.as_str(), object).is_none();
    let ours = live.objects.into_iter().filter(|(id, object)| is_ours(object) && !keep.contains(id));
    let ours: Vec<(ObjectId, Value)> = ours.collect();
    let owns_namespace = project.is_some() || ours.iter().any(|(id, _)| id.kind == Kind::Namespace);
    // The namespace takes everything in it along.
    let targets: Vec<(ObjectId, String)> = ours
        .into_iter()
        .filter(|(id, _)| !(owns_namespace && id.kind.is_namespaced()))
        .filter_map(|(id, object)| Some((id, uid(&object)?)))
        .collect();
    // The pod goes before the right to its SCC.
    let (workload, rest): (Vec<_>, Vec<_>) = targets.iter().partition(|(id, _)| id.kind == Kind::Deployment);
    stop_pods(cluster, env, namespace).await;
    for group in [workload, rest] {
        try_join_all(group.into_iter().map(|target| delete(cluster, namespace, target, events))).await?;
    }
    let deadline = Instant::now() + timeout;
    try_join_all(targets.iter().map(|target| wait_until_gone(cluster, namespace, target, deadline, events))).await?;
    if let Some(live) = &project {
        events.send(What::Object(home, "delete", Vec::new()));
        events.send(What::Waiting(format!("the project {namespace} to be gone")));
        project::delete(cluster, namespace, live, deadline).await?;
    }
    Ok(targets.len() + usize::from(project.is_some()))
}

/// Nothing of the environment is to be kept, so its pods need not have their whole grace period. The Deployment stays
/// visible until they are gone. A caller who may not do this waits a little longer.
async fn stop_pods(cluster: &Cluster, env: &EnvName, namespace: &NamespaceName) {
    let ours = ListParams::default().labels(&instance_selector(env.as_str()));
    let deployments: Api<Deployment> = Api::namespaced(cluster.client().clone(), namespace.as_str());
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace.as_str());
    if deployments.delete_collection(&DeleteParams::foreground(), &ours).await.is_ok() {
        let _ = pods.delete_collection(&DeleteParams::default().grace_period(1), &ours).await;
    }
}

async fn delete(
    cluster: &Cluster,
    namespace: &NamespaceName,
    (id, uid): &(ObjectId, String),
    events: &Events,
) -> Result<()> {
    let deleted = cluster.delete(namespace.as_str(), id, uid, Propagation::Foreground).await;
    match deleted {
        Ok(_) => events.send(What::Object(id.clone(), "delete", Vec::new())),
        // Another object has taken the name: ours is gone.
        Err(fault) if fault.code() == Some(409) => {}
        Err(fault) => return Err(fault.explain(&format!("delete {id}"))),
    }
    Ok(())
}

async fn wait_until_gone(
    cluster: &Cluster,
    namespace: &NamespaceName,
    (id, uid): &(ObjectId, String),
    deadline: Instant,
    events: &Events,
) -> Result<()> {
    events.send(What::Waiting(format!("{id} to be gone")));
    let api = cluster.api(id.kind, namespace.as_str());
    let gone = await_condition(api, &id.name, conditions::is_deleted(uid));
    match tokio::time::timeout_at(deadline, gone).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => {
            return Err(CommandError::new(format!("cannot see whether {id} is gone: {error}"))
                .hint("it is marked for deletion; run `lsdeploy down` again to go on waiting"));
        }
        Err(_) => {}
    }
    let live = cluster.get(id.kind, namespace.as_str(), &id.name).await;
    let live = live.map_err(|fault| fault.explain(&format!("see what holds {id}")))?;
    let Some(object) = live.filter(|object| crate::plan::uid(object).as_ref() == Some(uid)) else { return Ok(()) };
    Err(CommandError::new(format!("{id} is still there: {}", what_holds(&object)))
        .hint("it is marked for deletion and goes once that is cleared; lsdeploy never removes finalizers")
        .hint("run `lsdeploy down` again to go on waiting"))
}

/// Why an object that is being deleted is still there, in the words of its conditions.
fn what_holds(object: &Value) -> String {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let told: Vec<&str> = conditions
        .into_iter()
        .flatten()
        .filter(|condition| condition["status"] == "True")
        .filter_map(|condition| condition["message"].as_str())
        .collect();
    if !told.is_empty() {
        return crate::printable::printable(&told.join("; "));
    }
    let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    let names: Vec<&str> = finalizers.into_iter().flatten().filter_map(Value::as_str).collect();
    if names.is_empty() { "it is being deleted".to_owned() } else { format!("finalizers {}", names.join(", ")) }
}
