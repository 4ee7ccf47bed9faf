//! Deletes what an environment owns, and waits until it is gone.

mod holds;

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::try_join_all;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams};
use kube::runtime::watcher::watch_object;
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::lock::{self, Holder, Lock, Locks, Wanted};
use super::{Cluster, Propagation, observe, project};
use crate::environment::{EnvName, NamespaceName};
use crate::error::{CommandError, Result};
use crate::events::{Events, What};
use crate::manifest::{Kind, ObjectId};
use crate::plan::record::{self, EXPIRES};
use crate::plan::{LiveState, foreign_owner, foreign_owner_of, uid};
use crate::render::{INVENTORY, instance_selector};

/// How soon something is looked at again whose watch has broken.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often a deletion is tried that meets another writer.
const TRIES: usize = 5;

/// An environment that is to go.
#[derive(Debug, Clone, Copy)]
pub struct Doomed<'a> {
    /// Its name.
    pub env: &'a EnvName,
    /// Its namespace.
    pub namespace: &'a NamespaceName,
    /// A namespace of ours is to be deleted as a project: as a namespace the caller may not.
    pub as_project: bool,
    /// What the caller may not delete.
    pub keep: &'a [ObjectId],
    /// It is to go only if its time is over by then.
    pub only_if_over: Option<Timestamp>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone: so many objects were deleted; 0 where it was gone already.
    Gone(usize),
    /// Its time is not over any more: nothing was deleted.
    Extended,
}

/// Who removes it, and how long that may take.
#[derive(Clone, Copy)]
pub struct Remover<'a> {
    /// The locks of this run.
    pub locks: &'a Locks,
    /// How it signs them.
    pub holder: &'a Holder,
    /// For all of it.
    pub timeout: Duration,
    /// What happens is told here.
    pub events: &'a Events,
}

type Target = (ObjectId, String);

/// What is to be deleted, in groups: each begins when the one before is on its way.
struct Targets {
    /// The pod goes before the right to its SCC.
    workload: Vec<Target>,
    rest: Vec<Target>,
    /// It says where the environment is: it stays until everything else in a namespace that stays is gone.
    inventory: Vec<Target>,
    /// It takes everything in it along.
    namespace: Vec<Target>,
    /// Deleted as a project.
    project: Option<Value>,
    /// Nothing can be made or changed in the namespace: it is gone, or about to be.
    is_closed: bool,
    /// What is asked to be over is not.
    is_extended: bool,
}

impl Targets {
    fn of(live: LiveState, doomed: Doomed<'_>) -> Self {
        let Doomed { env, namespace, as_project, keep, only_if_over } = doomed;
        let mut live = live;
        let is_ours = |id: &ObjectId, object: &Value| {
            foreign_owner_of(id.kind, env.as_str(), namespace.as_str(), object).is_none()
        };
        let home = ObjectId::new(Kind::Namespace, namespace.as_str());
        let there = live.objects.get(&home);
        let is_closed = match there {
            Some(object) => object.pointer("/metadata/deletionTimestamp").is_some(),
            // One that the caller may not see may well be there.
            None => !live.hidden.contains(&home),
        };
        let inventory = live.objects.get(&ObjectId::new(Kind::ConfigMap, INVENTORY));
        let is_over = |now| inventory.is_none_or(|found| record::is_over(found["data"][EXPIRES].as_str(), now));
        let is_extended = only_if_over.is_some_and(|now| !is_over(now));
        // The namespace itself says so, which an editor of what is in it cannot change; an inventory is not asked.
        let is_project =
            |object: &Value| as_project && is_ours(&home, object) || project::env_of(object) == Some(env.as_str());
        let project = there.is_some_and(is_project).then(|| live.objects.remove(&home)).flatten();
        let ours = live.objects.into_iter().filter(|(id, object)| is_ours(id, object) && !keep.contains(id));
        let ours: Vec<(ObjectId, Value)> = ours.collect();
        let owns_namespace = project.is_some() || ours.iter().any(|(id, _)| id.kind == Kind::Namespace);
        let mut targets = Self {
            workload: vec![],
            rest: vec![],
            inventory: vec![],
            namespace: vec![],
            project,
            is_closed,
            is_extended,
        };
        let goes_along = |id: &ObjectId| owns_namespace && id.kind.is_namespaced();
        for (id, object) in ours.into_iter().filter(|(id, _)| !goes_along(id)) {
            let group = match id.kind {
                Kind::Namespace => &mut targets.namespace,
                Kind::Deployment => &mut targets.workload,
                Kind::ConfigMap if id.name == INVENTORY => &mut targets.inventory,
                _ => &mut targets.rest,
            };
            group.extend(uid(&object).map(|uid| (id, uid)));
        }
        targets
    }

    fn len(&self) -> usize {
        let groups = [&self.workload, &self.rest, &self.inventory, &self.namespace];
        groups.iter().map(|group| group.len()).sum::<usize>() + usize::from(self.project.is_some())
    }
}

/// Deletes every object of the environment and waits until none is left.
///
/// # Errors
/// Another run is changing it, a deletion was refused, or something is still there after the timeout: it is named with what
/// holds it.
pub async fn remove(cluster: &Cluster, doomed: Doomed<'_>, remover: Remover<'_>) -> Result<Removal> {
    let Doomed { env, namespace, .. } = doomed;
    let deadline = Instant::now() + remover.timeout;
    let targets = look(cluster, doomed).await?;
    let is_nothing = targets.len() == 0;
    if is_nothing && (targets.is_closed || !lock::is_left(cluster, env, namespace).await) {
        return Ok(Removal::Gone(0));
    }
    if targets.is_closed {
        delete_all(cluster, doomed, &targets, remover, deadline).await?;
        return Ok(Removal::Gone(targets.len()));
    }
    let wanted = Wanted { env, namespace, holder: remover.holder, inventory: None };
    let lock = remover.locks.take(cluster, wanted, remover.timeout, remover.events).await?;
    // Another run may have been at work until now.
    let targets = look(cluster, doomed).await?;
    if targets.is_extended {
        give_back(lock, false).await;
        return Ok(Removal::Extended);
    }
    let work = delete_all(cluster, doomed, &targets, remover, deadline);
    let takes_lock_along = !targets.namespace.is_empty() || targets.project.is_some();
    let done = match &lock {
        // The lock goes with the namespace, before that is gone.
        Some(lock) if !takes_lock_along => lock.guard(work).await,
        _ => work.await,
    };
    give_back(lock, takes_lock_along && done.is_ok()).await;
    done.map(|()| Removal::Gone(targets.len() + usize::from(is_nothing)))
}

/// What there is to delete. A namespace of ours takes everything along; in any other one, what is ours is looked for.
async fn look(cluster: &Cluster, doomed: Doomed<'_>) -> Result<Targets> {
    let Doomed { env, namespace, .. } = doomed;
    let mut live = observe::observe(cluster, env, namespace).await?;
    let home = live.objects.get(&ObjectId::new(Kind::Namespace, namespace.as_str()));
    // A caller who may not see the namespace may still see what is in it.
    if home.is_none_or(|home| foreign_owner(env.as_str(), namespace.as_str(), home).is_some()) {
        observe::add_labelled(cluster, env, namespace, &mut live).await?;
    }
    Ok(Targets::of(live, doomed))
}

async fn give_back(lock: Option<Lock>, is_gone: bool) {
    match lock {
        Some(lock) if is_gone => lock.forget(),
        Some(lock) => lock.release().await,
        None => {}
    }
}

async fn delete_all(
    cluster: &Cluster,
    doomed: Doomed<'_>,
    targets: &Targets,
    remover: Remover<'_>,
    deadline: Instant,
) -> Result<()> {
    let Doomed { env, namespace, .. } = doomed;
    let Remover { events, .. } = remover;
    let Targets { workload, rest, inventory, namespace: home, project, .. } = targets;
    let place = Place { cluster, namespace, deadline, remover };
    stop_pods(cluster, env, namespace).await;
    place.delete(workload).await?;
    place.delete(rest).await?;
    if !inventory.is_empty() {
        tokio::try_join!(place.wait(workload), place.wait(rest))?;
        place.delete(inventory).await?;
    }
    place.delete(home).await?;
    tokio::try_join!(place.wait(workload), place.wait(rest), place.wait(inventory), place.wait(home))?;
    if let Some(live) = project {
        events.send(What::Object(ObjectId::new(Kind::Namespace, namespace.as_str()), "delete", Vec::new()));
        events.send(What::Waiting(format!("the project {namespace} to be gone")));
        project::delete(cluster, namespace, live, deadline).await?;
    }
    Ok(())
}

/// Where objects are deleted, and until when.
struct Place<'a> {
    cluster: &'a Cluster,
    namespace: &'a NamespaceName,
    deadline: Instant,
    remover: Remover<'a>,
}

impl Place<'_> {
    async fn delete(&self, group: &[Target]) -> Result<()> {
        let deletions = group.iter().map(|target| delete(self.cluster, self.namespace, target, self.remover.events));
        try_join_all(deletions).await.map(drop)
    }

    async fn wait(&self, group: &[Target]) -> Result<()> {
        let Self { cluster, namespace, deadline, remover } = *self;
        try_join_all(group.iter().map(|target| wait_until_gone(cluster, namespace, target, deadline, remover)))
            .await
            .map(drop)
    }
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

async fn delete(cluster: &Cluster, namespace: &NamespaceName, (id, uid): &Target, events: &Events) -> Result<()> {
    for _ in 0..TRIES {
        match cluster.delete(namespace.as_str(), id, uid, Propagation::Foreground).await {
            Ok(_) => {
                events.send(What::Object(id.clone(), "delete", Vec::new()));
                return Ok(());
            }
            Err(fault) if fault.code() == Some(409) => {}
            Err(fault) => return Err(fault.explain(&format!("delete {id}"))),
        }
        // Another object has taken the name, and ours is gone; or somebody wrote to ours at the same time.
        let live = cluster.get(id.kind, namespace.as_str(), &id.name).await;
        let live = live.map_err(|fault| fault.explain(&format!("see whether {id} is gone")))?;
        if live.is_none_or(|object| crate::plan::uid(&object).as_ref() != Some(uid)) {
            return Ok(());
        }
    }
    Err(CommandError::new(format!("cannot delete {id}: something writes to it all the time"))
        .hint("run `lsdeploy down` again; `kubectl get --watch` shows what changes it"))
}

async fn wait_until_gone(
    cluster: &Cluster,
    namespace: &NamespaceName,
    target: &Target,
    deadline: Instant,
    remover: Remover<'_>,
) -> Result<()> {
    let (id, uid) = target;
    remover.events.send(What::Waiting(format!("{id} to be gone")));
    if let Ok(gone) = timeout_at(deadline, until_gone(cluster, namespace, target)).await {
        return gone;
    }
    let live = cluster.get(id.kind, namespace.as_str(), &id.name).await;
    let live = live.map_err(|fault| fault.explain(&format!("see what holds {id}")))?;
    match live.filter(|object| crate::plan::uid(object).as_ref() == Some(uid)) {
        Some(object) => Err(holds::explain(cluster, namespace, id, &object, remover.timeout).await),
        None => Ok(()),
    }
}

/// Watches an object until it is gone or another one has its name. A watch that breaks or is refused is no reason to end:
/// the object is looked at, and watched again.
async fn until_gone(cluster: &Cluster, namespace: &NamespaceName, (id, uid): &Target) -> Result<()> {
    let is_other = |object: &Value| crate::plan::uid(object).as_ref() != Some(uid);
    loop {
        let mut watch = std::pin::pin!(watch_object(cluster.api(id.kind, namespace.as_str()), &id.name));
        while let Some(Ok(seen)) = watch.next().await {
            if seen.is_none_or(|object| object.metadata.uid.as_ref() != Some(uid)) {
                return Ok(());
            }
        }
        let live = cluster.get(id.kind, namespace.as_str(), &id.name).await;
        let live = live.map_err(|fault| fault.explain(&format!("see whether {id} is gone")));
        let live =
            live.map_err(|error| error.hint("it is marked for deletion; run `lsdeploy down` again to go on waiting"))?;
        if live.as_ref().is_none_or(is_other) {
            return Ok(());
        }
        sleep_until(Instant::now() + LOOK_AGAIN).await;
    }
}

#[cfg(test)]
mod tests;
