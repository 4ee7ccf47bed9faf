//! Writes one object, in the way that the server has: it applies the object by itself, or lsdeploy merges and sends the
//! difference.

use http::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::client::{CONFLICT_PAUSES, collection_path, object_path};
use super::{Cluster, Fault};
use crate::level::Writing;
use crate::manifest::{Kind, ObjectId};
use crate::plan::merge::{self, Change, LAST_APPLIED_PATH};
use crate::plan::{self, guard};
use crate::render::INVENTORY;

/// Somebody else may write in between so often.
const TRIES: usize = 5;

/// A version that no object has: the first write of a store makes the second. An object that is applied with it is created where
/// there is none, and a conflict where there is one.
const OF_NO_OBJECT: &str = "1";

/// One object that is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The namespace of the environment.
    pub namespace: &'a str,
    /// Which object.
    pub id: &'a ObjectId,
    /// As it is to be.
    pub desired: &'a Value,
    /// The paths in which the plan found it to differ.
    pub changes: &'a [String],
    /// The version that it must still have; any where there is none.
    pub version: Option<&'a str>,
}

impl Wanted<'_> {
    /// The plan found none. The inventory may have been made for the lock meanwhile.
    fn is_new(self) -> bool {
        self.changes.is_empty() && self.id.name != INVENTORY
    }
}

/// Writes the object and returns it as stored.
///
/// # Errors
/// The server refused it; or, where lsdeploy merges, it was changed in other fields than the plan said, or the server
/// dropped a field that protects.
pub async fn write(cluster: &Cluster, writing: Writing, wanted: Wanted<'_>) -> Result<Value, Fault> {
    match writing {
        Writing::Applied => apply(cluster, wanted).await,
        Writing::Merged => {
            let stored = merge(cluster, wanted).await?;
            // Such a server drops what it does not know without a word.
            match guard::lost(wanted.id.kind, wanted.desired, &stored) {
                lost if lost.is_empty() => Ok(stored),
                lost => Err(Fault::Lost(lost)),
            }
        }
    }
}

async fn apply(cluster: &Cluster, wanted: Wanted<'_>) -> Result<Value, Fault> {
    let Wanted { namespace, id, desired, changes, version } = wanted;
    if wanted.is_new() {
        return make(cluster, wanted).await;
    }
    if let Some(version) = version {
        let mut same = desired.clone();
        same["metadata"]["resourceVersion"] = version.into();
        return cluster.apply_once(id.kind, namespace, &id.name, &same).await;
    }
    let was_merged = changes.iter().any(|path| path == LAST_APPLIED_PATH);
    if !was_merged {
        return cluster.apply(id.kind, namespace, &id.name, desired).await;
    }
    if let Some(live) = cluster.get(id.kind, namespace, &id.name).await? {
        change(cluster, wanted, live, |live| merge::forget(id.kind, desired, live)).await?;
    }
    let stored = cluster.apply(id.kind, namespace, &id.name, desired).await?;
    // The record goes last: a run that ends before is gone on with by the next one, which finds it.
    change(cluster, wanted, stored, merge::hand_over).await
}

/// Changes what is live, anew from what it is by then where somebody else wrote in between.
async fn change(
    cluster: &Cluster,
    wanted: Wanted<'_>,
    mut live: Value,
    change: impl Fn(&Value) -> Change,
) -> Result<Value, Fault> {
    let Wanted { namespace, id, .. } = wanted;
    let mut last = None;
    for _ in 0..TRIES {
        match change(&live) {
            Change::None => return Ok(live),
            change => match send(cluster, namespace, id, change).await {
                Err(fault) if fault.code() == Some(409) => last = Some(fault),
                answer => return answer,
            },
        }
        match cluster.get(id.kind, namespace, &id.name).await? {
            Some(found) => live = found,
            None => break,
        }
    }
    last.map_or(Ok(live), Err)
}

/// Creates the object. One that has appeared under its name meanwhile, or that the caller may not see, is left alone unless it says
/// that it is ours and is as wanted: then an answer was lost, or another run of this environment was faster.
async fn make(cluster: &Cluster, wanted: Wanted<'_>) -> Result<Value, Fault> {
    let Wanted { namespace, id, desired, .. } = wanted;
    let mut new = desired.clone();
    new["metadata"]["resourceVersion"] = OF_NO_OBJECT.into();
    let mut pauses = CONFLICT_PAUSES.into_iter();
    loop {
        let fault = match cluster.apply_once(id.kind, namespace, &id.name, &new).await {
            Err(fault) if fault.code() == Some(409) => fault,
            answer => return answer,
        };
        if let Some(live) = see(cluster, wanted).await? {
            check_unchanged(wanted, &live)?;
            let mut same = desired.clone();
            same["metadata"]["uid"] = live["metadata"]["uid"].clone();
            return cluster.apply(id.kind, namespace, &id.name, &same).await;
        }
        // It is something else that is written at the same time, e.g. what is left of a quota.
        match pauses.next() {
            Some(pause) => sleep_until(Instant::now() + pause).await,
            None => return Err(fault),
        }
    }
}

/// Creates the object, or brings the live one into line.
async fn merge(cluster: &Cluster, wanted: Wanted<'_>) -> Result<Value, Fault> {
    let Wanted { namespace, id, desired, version, .. } = wanted;
    // What the plan found to be missing is made without another look.
    let mut live = if wanted.is_new() { None } else { cluster.get(id.kind, namespace, &id.name).await? };
    let mut last = None;
    for _ in 0..TRIES {
        let answer = match &live {
            None => create(cluster, wanted).await,
            Some(live) => {
                check_unchanged(wanted, live)?;
                if version.is_some_and(|version| live["metadata"]["resourceVersion"] != version) {
                    return Err(Fault::Changed(Vec::new()));
                }
                match merge::change(id.kind, desired, live, cluster.run_id()) {
                    Change::None => return Ok(live.clone()),
                    change => send(cluster, namespace, id, change).await,
                }
            }
        };
        match answer {
            Ok(stored) => return Ok(stored),
            Err(fault) if fault.code() == Some(409) => last = Some(fault),
            Err(fault) => return Err(fault),
        }
        live = see(cluster, wanted).await?;
    }
    Err(last.unwrap_or_else(|| Fault::Changed(Vec::new())))
}

/// What is in the way.
async fn see(cluster: &Cluster, wanted: Wanted<'_>) -> Result<Option<Value>, Fault> {
    let Wanted { namespace, id, .. } = wanted;
    match cluster.get(id.kind, namespace, &id.name).await {
        Err(fault) if fault.code() == Some(403) => {
            Err(Fault::conflict("there is one already, which you may not see".to_owned()))
        }
        found => found,
    }
}

/// What is live may differ from what is wanted only as the plan said, and must not be somebody else's.
fn check_unchanged(wanted: Wanted<'_>, live: &Value) -> Result<(), Fault> {
    let Wanted { id, desired, changes, .. } = wanted;
    // The inventory is lsdeploy's own, and every run writes to it.
    if id.kind == Kind::ConfigMap && id.name == INVENTORY {
        return Ok(());
    }
    // Where the plan found nothing, somebody has made it meanwhile: with other labels it is theirs.
    // The owner of an SCC is known only once the namespace is made.
    let is_planned = |path: &String| changes.contains(path) || path.starts_with("/metadata/ownerReferences");
    let unexpected: Vec<String> =
        plan::differences(desired, live).into_iter().filter(|path| !is_planned(path)).collect();
    if unexpected.is_empty() { Ok(()) } else { Err(Fault::Changed(unexpected)) }
}

async fn create(cluster: &Cluster, wanted: Wanted<'_>) -> Result<Value, Fault> {
    let Wanted { namespace, id, desired, .. } = wanted;
    cluster.post(&collection_path(id.kind, Some(namespace)), &merge::created(desired, cluster.run_id())).await
}

async fn send(cluster: &Cluster, namespace: &str, id: &ObjectId, change: Change) -> Result<Value, Fault> {
    let path = object_path(id.kind, namespace, &id.name);
    let (method, content_type, body) = match change {
        Change::None => return Ok(Value::Null),
        Change::Strategic(body) => (Method::PATCH, "application/strategic-merge-patch+json", body),
        Change::Merge(body) => (Method::PATCH, "application/merge-patch+json", body),
        Change::Whole(body) => (Method::PUT, "application/json", body),
    };
    cluster.send(method, &path, content_type, Some(&body)).await
}
