//! Carries out a plan: in order, the objects of one wave side by side.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, interval};

use super::preflight::NOTHING_WRITTEN;
use super::write::{self, Wanted};
use super::{Cluster, Fault, Propagation};
use crate::error::CommandError;
use crate::events::{Events, What};
use crate::level::Writing;
use crate::manifest::{Kind, ObjectId, Wave};
use crate::plan::{self, Action, Plan, Step};

/// How many requests are under way at once. Each write waits for etcd's disk, so many side by side take two thirds of the
/// time of 8; an API server takes 200 writes at once by default.
const PARALLEL: usize = 32;

/// How long an object that is being deleted may take before another one has its name, and how often it is looked at.
const GONE_WITHIN: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often a list is read anew that somebody else wrote meanwhile.
const TRIES: usize = 5;

/// What was written.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// The objects as the server stored them, without the deleted ones.
    pub stored: BTreeMap<ObjectId, Value>,
    /// How many objects were written or deleted.
    pub writes: usize,
}

/// Makes the place for everything else, where there is none yet: that alone comes before the environment's lock, which is
/// kept in it.
///
/// # Errors
/// It could not be made.
pub async fn make_place(
    cluster: &Cluster,
    namespace: &str,
    plan: &Plan,
    events: &Events,
) -> Result<Applied, CommandError> {
    let mut applied = Applied::default();
    let is_new = |step: &&Step| step.id.kind.wave() == Wave::Place && step.action == Action::Create;
    let steps = plan.steps.iter().filter(is_new).collect();
    carry_out(cluster, namespace, (plan.writing, steps), events, &mut applied).await?;
    Ok(applied)
}

/// Carries out every step of the plan that is not among what was applied `before`. Calling it again after a failure goes on
/// where it stopped.
///
/// # Errors
/// The first step that failed; its hints say what had been written before.
pub async fn apply(
    cluster: &Cluster,
    namespace: &str,
    plan: &Plan,
    before: Applied,
    events: &Events,
) -> Result<Applied, CommandError> {
    let mut applied = before;
    for wave in Wave::ALL {
        let steps = plan.steps.iter().filter(|step| step.id.kind.wave() == wave && step.action != Action::Delete);
        let steps = steps.filter(|step| !applied.stored.contains_key(&step.id)).collect();
        carry_out(cluster, namespace, (plan.writing, steps), events, &mut applied).await?;
    }
    // What is no longer wanted goes last: a Deployment leaves its old SCC before the SCC is deleted.
    for kind in Kind::ALL.into_iter().rev() {
        let steps = plan.steps.iter().filter(|step| step.id.kind == kind && step.action == Action::Delete);
        carry_out(cluster, namespace, (plan.writing, steps.collect()), events, &mut applied).await?;
    }
    Ok(applied)
}

/// Writes what changes of a plan while it is as it was `seen`, which is the inventory alone: what another run recorded meanwhile
/// would be lost.
///
/// # Errors
/// The server refused it; a conflict where it was changed.
pub async fn record(
    cluster: &Cluster,
    namespace: &str,
    plan: &Plan,
    seen: &Value,
    events: &Events,
) -> Result<Applied, Fault> {
    let version = seen.pointer("/metadata/resourceVersion").and_then(Value::as_str);
    let place = Place { namespace, owner: None, writing: plan.writing, version };
    let mut applied = Applied::default();
    for step in plan.steps.iter().filter(|step| step.action != Action::Unchanged) {
        let stored = write(cluster, place, step).await?;
        events.send(What::Object(step.id.clone(), step.action.word(), step.changes.clone()));
        applied.writes += 1;
        applied.stored.extend(stored.map(|object| (step.id.clone(), object)));
    }
    Ok(applied)
}

async fn carry_out(
    cluster: &Cluster,
    namespace: &str,
    (writing, steps): (Writing, Vec<&Step>),
    events: &Events,
    applied: &mut Applied,
) -> Result<(), CommandError> {
    let owner = applied.stored.get(&ObjectId::new(Kind::Namespace, namespace)).and_then(plan::uid);
    let written = stream::iter(steps.into_iter().filter(|step| step.action != Action::Unchanged))
        .map(|step| {
            let owner = owner.as_deref();
            let place = Place { namespace, owner, writing, version: None };
            async move { (step, write(cluster, place, step).await) }
        })
        .buffer_unordered(PARALLEL);
    let mut written = std::pin::pin!(written);
    let mut failure = None;
    while let Some((step, result)) = written.next().await {
        match result {
            Ok(object) => {
                events.send(What::Object(step.id.clone(), step.action.word(), step.changes.clone()));
                applied.writes += 1;
                if let Some(object) = object {
                    applied.stored.insert(step.id.clone(), object);
                }
            }
            // The other requests of this wave are under way: what they wrote must be said too.
            Err(fault) => {
                let attempt = format!("{} {} in {namespace}", step.action.word(), step.id);
                failure.get_or_insert_with(|| fault.explain(&attempt));
            }
        }
    }
    match failure {
        Some(error) => Err(interrupted(error, applied.writes)),
        None => Ok(()),
    }
}

/// Where and how a step is carried out.
#[derive(Clone, Copy)]
struct Place<'a> {
    namespace: &'a str,
    /// The uid of the namespace, if this run wrote it.
    owner: Option<&'a str>,
    writing: Writing,
    /// The version that the object must still have.
    version: Option<&'a str>,
}

async fn write(cluster: &Cluster, place: Place<'_>, step: &Step) -> Result<Option<Value>, Fault> {
    let Place { namespace, owner, writing, version } = place;
    let Step { id, changes, .. } = step;
    let uid = step.uid.as_deref().unwrap_or_default();
    match step.action {
        Action::Unchanged => Ok(None),
        Action::Delete => cluster.delete(namespace, id, uid, Propagation::Background).await.map(|_| None),
        Action::Replace | Action::AdoptAnew => {
            cluster.delete(namespace, id, uid, Propagation::Background).await?;
            until_gone(cluster, namespace, id, uid).await?;
            let anew = Step { action: Action::Create, changes: Vec::new(), uid: None, ..step.clone() };
            Box::pin(write(cluster, Place { version: None, ..place }, &anew)).await
        }
        Action::Create | Action::Update | Action::Adopt => {
            take_away(cluster, step).await?;
            let mut desired = step.desired.clone();
            if let (Kind::SecurityContextConstraints, Some(owner)) = (id.kind, owner) {
                own_by_namespace(&mut desired, namespace, owner);
            }
            if let (Writing::Applied, Some(uid)) = (writing, &step.uid) {
                // Not to another object that has taken the name meanwhile.
                desired["metadata"]["uid"] = uid.as_str().into();
            }
            if id.kind == Kind::ServiceAccount {
                return write_account(cluster, place, step, desired).await.map(Some);
            }
            let wanted = Wanted { namespace, id, desired: &desired, changes, version };
            write::write(cluster, writing, wanted).await.map(Some)
        }
    }
}

/// A ServiceAccount without, then with its pull secrets: server-side apply would own that list as a whole, and with it what
/// OpenShift puts there, and a merge would replace it. So it is read, changed, and written if nobody else did meanwhile.
async fn write_account(cluster: &Cluster, place: Place<'_>, step: &Step, mut desired: Value) -> Result<Value, Fault> {
    let Place { namespace, writing, .. } = place;
    let Step { id, changes, .. } = step;
    let pulls = desired.as_object_mut().and_then(|account| account.remove("imagePullSecrets"));
    let wanted = Wanted { namespace, id, desired: &desired, changes, version: None };
    let mut stored = write::write(cluster, writing, wanted).await?;
    let Some(pulls) = pulls else { return Ok(stored) };
    let path =
        format!("/api/v1/namespaces/{namespace}/serviceaccounts/{}?fieldManager={}", id.name, plan::FIELD_MANAGER);
    let mut conflict = None;
    for _ in 0..TRIES {
        let Some(listed) = with_pulls(&stored, &pulls) else { return Ok(stored) };
        let version = &stored["metadata"]["resourceVersion"];
        let change = json!({"metadata": {"resourceVersion": version}, "imagePullSecrets": listed});
        match cluster.patch(&path, &change).await {
            Err(fault) if fault.code() == Some(409) => {
                conflict = Some(fault);
                stored = cluster.get(Kind::ServiceAccount, namespace, &id.name).await?.unwrap_or(stored);
            }
            written => return written,
        }
    }
    // Without the secret in the list the image cannot be pulled.
    conflict.map_or(Ok(stored), Err)
}

/// The account's list as it is to be: what others have in it stays. `None` where it is so already.
fn with_pulls(account: &Value, pulls: &Value) -> Option<Vec<Value>> {
    let listed = account.get("imagePullSecrets").and_then(Value::as_array).cloned().unwrap_or_default();
    let (gone, wanted): (Vec<&Value>, Vec<&Value>) =
        pulls.as_array().into_iter().flatten().partition(|pull| pull.get("$patch").is_some());
    let has = |list: &[Value], pull: &Value| list.iter().any(|item| item["name"] == pull["name"]);
    let mut list: Vec<Value> =
        listed.iter().filter(|item| gone.iter().all(|pull| pull["name"] != item["name"])).cloned().collect();
    let missing: Vec<Value> = wanted.into_iter().filter(|pull| !has(&list, pull)).cloned().collect();
    list.extend(missing);
    (list != listed).then_some(list)
}

/// Fields of an SCC that others added and that let more in than it is to: applying alone would leave them.
async fn take_away(cluster: &Cluster, step: &Step) -> Result<(), Fault> {
    let paths = plan::strict::taken_away(step);
    if paths.is_empty() {
        return Ok(());
    }
    let test = step.uid.iter().map(|uid| json!({"op": "test", "path": "/metadata/uid", "value": uid}));
    let remove = paths.into_iter().map(|path| json!({"op": "remove", "path": path}));
    let operations: Vec<Value> = test.chain(remove).collect();
    cluster.patch_fields(step.id.kind, &step.id.name, &Value::from(operations)).await.map(drop)
}

/// A name is free once the object that had it is gone: what others finish first may take a moment.
async fn until_gone(cluster: &Cluster, namespace: &str, id: &ObjectId, uid: &str) -> Result<(), Fault> {
    let deadline = Instant::now() + GONE_WITHIN;
    let mut look = interval(LOOK_AGAIN);
    loop {
        look.tick().await;
        let live = cluster.get(id.kind, namespace, &id.name).await?;
        let Some(live) = live.filter(|live| plan::uid(live).as_deref() == Some(uid)) else { return Ok(()) };
        if Instant::now() >= deadline {
            let held = live.pointer("/metadata/finalizers").map(Value::to_string).unwrap_or_default();
            let seconds = GONE_WITHIN.as_secs();
            return Err(Fault::conflict(format!(
                "the old one is still there after {seconds} s, with finalizers {held}"
            )));
        }
    }
}

/// Makes a cluster-scoped object go with its namespace, even when that is deleted by other means than `lsdeploy down`.
pub fn own_by_namespace(object: &mut Value, namespace: &str, uid: &str) {
    object["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "v1", "kind": "Namespace", "name": namespace, "uid": uid}]);
}

/// The error with what had been written before it.
pub fn interrupted(mut error: CommandError, writes: usize) -> CommandError {
    let says_nothing = error.message.strip_prefix(NOTHING_WRITTEN).map(str::to_owned);
    match (writes, says_nothing) {
        (0, Some(_)) => return error,
        (0, None) => return error.hint("none of its objects was written"),
        (_, Some(rest)) => error.message = rest,
        (_, None) => {}
    }
    error.hint(format!(
        "{writes} {} written before; run `lsdeploy up` again to go on, or `lsdeploy down` to remove them",
        if writes == 1 { "object was" } else { "objects were" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_truly_what_was_written_before() {
        let error = || CommandError::new(format!("{NOTHING_WRITTEN}you may not"));
        assert_eq!(interrupted(error(), 0), error());
        let after = interrupted(error(), 2);
        assert_eq!(after.message, "you may not");
        assert!(after.hints[0].starts_with("2 objects were written before;"), "{:?}", after.hints);
        assert_eq!(interrupted(CommandError::new("no"), 0).hints, ["none of its objects was written"]);
    }

    #[test]
    fn pull_secrets_of_others_stay_in_the_list() {
        let account = json!({"imagePullSecrets": [{"name": "emulator-dockercfg-x"}, {"name": "old"}]});
        let pulls = json!([{"name": "hub"}, {"$patch": "delete", "name": "old"}]);
        let list = with_pulls(&account, &pulls).unwrap();
        assert_eq!(list, [json!({"name": "emulator-dockercfg-x"}), json!({"name": "hub"})]);
        assert_eq!(with_pulls(&json!({"imagePullSecrets": list}), &pulls), None);
        assert_eq!(with_pulls(&json!({}), &json!([{"name": "hub"}])).unwrap().len(), 1);
    }
}
