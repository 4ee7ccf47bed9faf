//! What of an environment the caller may not delete, asked before the first deletion. Asks, never writes but for the
//! binding that a bundle gave: that goes last, as the caller's rights may hang on it.

use futures::future::join_all;

use super::{Cluster, Propagation, observe, preflight, project};
use crate::environment::{EnvName, NamespaceName};
use crate::error::Result;
use crate::events::{Events, What};
use crate::manifest::{Kind, ObjectId};
use crate::plan::{LiveState, foreign_owner, foreign_owner_of, uid};
use crate::render::bundle::BENEFICIARY;
use crate::rights::{Right, is_of_scc};

/// What a removal must leave.
#[derive(Debug, Clone, Default)]
pub struct Leave {
    /// Not to be touched.
    pub keep: Vec<ObjectId>,
    /// Objects that are there, and stay.
    pub left: Vec<ObjectId>,
    /// Objects that may be there: the caller may not see them.
    pub unseen: Vec<ObjectId>,
    /// The namespace is to be deleted as a project: as a namespace it may not be.
    pub as_project: bool,
}

/// Asks what the caller may delete; one question where that is everything.
///
/// # Errors
/// The server does not answer.
pub async fn ask(cluster: &Cluster, env: &EnvName, namespace: &NamespaceName) -> Result<Leave> {
    if preflight::may_everything(cluster).await? {
        return Ok(Leave::default());
    }
    let live = observe::observe(cluster, env, namespace).await?;
    let home = ObjectId::new(Kind::Namespace, namespace.as_str());
    let beneficiary = ObjectId::new(Kind::RoleBinding, BENEFICIARY);
    let is_ours = |id: &ObjectId| {
        let owner = |one| foreign_owner_of(id.kind, env.as_str(), namespace.as_str(), one);
        live.objects.get(id).is_some_and(|one| owner(one).is_none())
    };
    let is_project = live.objects.get(&home).and_then(project::env_of) == Some(env.as_str());
    let may_home = may_delete(cluster, namespace, &home).await?;
    let may_project = !may_home && is_ours(&home) && may_delete_project(cluster, namespace).await?;
    let mut leave = Leave { as_project: may_project, keep: vec![beneficiary], ..Leave::default() };
    let takes_all_along = is_project || is_ours(&home) && (may_home || may_project);
    if is_ours(&home) && !takes_all_along {
        leave.keep.push(home.clone());
        leave.left.push(home.clone());
    }
    // What is in a namespace goes with it, now or once somebody else deletes it.
    let goes_along = |id: &ObjectId| takes_all_along && id.kind.is_namespaced() || id.kind == Kind::Namespace;
    let ours: Vec<&ObjectId> = live.objects.keys().filter(|id| is_ours(id) && !goes_along(id)).collect();
    let answers = join_all(ours.iter().map(|id| may_delete(cluster, namespace, id))).await;
    for (id, may) in ours.into_iter().zip(answers) {
        if !may? {
            leave.keep.push(id.clone());
            if !(is_ours(&home) && id.kind.is_namespaced()) {
                leave.left.push(id.clone());
            }
        }
    }
    leave.unseen = unseen(&live, is_ours(&home) || takes_all_along);
    Ok(leave)
}

/// The SCC, and in a namespace that stays its grant, where they may not be read.
fn unseen(live: &LiveState, goes_along: bool) -> Vec<ObjectId> {
    let hidden = live.hidden.iter().filter(|id| is_of_scc(id));
    hidden.filter(|id| !(goes_along && id.kind.is_namespaced())).cloned().collect()
}

async fn may_delete(cluster: &Cluster, namespace: &NamespaceName, id: &ObjectId) -> Result<bool> {
    let right = Right {
        verb: "delete".into(),
        group: id.kind.group().into(),
        resource: id.kind.plural().into(),
        name: Some(id.name.clone()),
        // A right to a namespace may be given inside of it.
        namespaced: id.kind.is_namespaced() || id.kind == Kind::Namespace,
    };
    preflight::may(cluster, namespace, &right).await
}

async fn may_delete_project(cluster: &Cluster, namespace: &NamespaceName) -> Result<bool> {
    let right = Right {
        verb: "delete".into(),
        group: "project.openshift.io".into(),
        resource: "projects".into(),
        name: Some(namespace.to_string()),
        namespaced: true,
    };
    // Who may not see a project there has none to delete: a server without projects answers in the same way.
    Ok(preflight::may(cluster, namespace, &right).await?
        && project::mine(cluster).await?.is_some_and(|mine| mine.iter().any(|name| name == namespace.as_str())))
}

/// What became of the binding that a bundle gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// There was none of ours, or it may not be seen.
    Nothing,
    /// It is gone.
    Deleted,
    /// The caller may not delete it.
    Left(ObjectId),
}

/// Deletes the binding that let the caller work in a namespace that stays. It is no part of the environment, and nothing
/// comes after it.
///
/// # Errors
/// The server does not answer.
pub async fn release(cluster: &Cluster, env: &EnvName, namespace: &NamespaceName, events: &Events) -> Result<Released> {
    let id = ObjectId::new(Kind::RoleBinding, BENEFICIARY);
    let found = match cluster.get(id.kind, namespace.as_str(), &id.name).await {
        Ok(found) => found,
        Err(fault) if fault.code() == Some(403) => return Ok(Released::Nothing),
        Err(fault) => return Err(fault.explain(&format!("read {id}"))),
    };
    let ours = found.filter(|object| foreign_owner(env.as_str(), namespace.as_str(), object).is_none());
    let Some(uid) = ours.as_ref().and_then(uid) else { return Ok(Released::Nothing) };
    match cluster.delete(namespace.as_str(), &id, &uid, Propagation::Background).await {
        Ok(_) => {
            events.send(What::Object(id, "delete", Vec::new()));
            Ok(Released::Deleted)
        }
        Err(fault) if fault.code() == Some(403) => Ok(Released::Left(id)),
        Err(fault) => Err(fault.explain(&format!("delete {id}"))),
    }
}

/// The namespace in which an environment says it was, by its SCC: the rest of it may be gone.
///
/// # Errors
/// The server does not answer.
pub async fn home_of_scc(cluster: &Cluster, env: &EnvName) -> Result<Option<String>> {
    let found = match cluster.get(Kind::SecurityContextConstraints, "", &env.scc()).await {
        Ok(found) => found,
        Err(fault) if fault.code() == Some(403) => return Ok(None),
        Err(fault) => return Err(fault.explain(&format!("read the SCC {}", env.scc()))),
    };
    let home = found.as_ref().and_then(|scc| scc.pointer("/metadata/annotations/lsdeploy.dev~1namespace")?.as_str());
    let is_ours = |home: &&str| found.as_ref().is_some_and(|scc| foreign_owner(env.as_str(), home, scc).is_none());
    Ok(home.filter(is_ours).map(str::to_owned))
}
