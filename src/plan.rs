//! Manifests and live objects in, steps out. Pure: nothing is asked and nothing is written here.
//!
//! A field that lsdeploy sends must be live as sent; a field that it applied once and sends no more must go. All other
//! fields belong to others (defaults, autoscalers, admission, sidecars) and never count as a difference.

mod compare;
pub mod guard;
pub mod merge;
pub mod owned_fields;
pub mod record;
pub mod shown;
pub mod strict;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::level::Writing;
use crate::manifest::{Kind, Manifest, ManifestSet, ObjectId};
pub use compare::differences;

/// The name under which lsdeploy owns fields (server-side apply).
pub const FIELD_MANAGER: &str = "lsdeploy";

/// Fields that cannot be changed once they are written.
const FIXED: [(Kind, &str); 2] = [(Kind::Deployment, "/spec/selector"), (Kind::RoleBinding, "/roleRef")];

/// What the cluster holds under the names that an environment uses, and whatever else carries its labels.
#[derive(Debug, Clone, Default)]
pub struct LiveState {
    /// The live objects.
    pub objects: BTreeMap<ObjectId, Value>,
    /// How their server is written to.
    pub writing: Writing,
    /// Objects that the caller may not read: they may be there, and be anything.
    pub hidden: BTreeSet<ObjectId>,
}

/// What is done with one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It does not exist.
    Create,
    /// It differs.
    Update,
    /// It differs in a field that cannot be changed, or is being deleted: created again once it is gone.
    Replace,
    /// It is somebody else's, and the caller named it to be taken over.
    Adopt,
    /// The same, and it differs in a field that cannot be changed: created again once it is gone.
    AdoptAnew,
    /// It is as it should be.
    Unchanged,
    /// It is ours and no longer wanted.
    Delete,
}

impl Action {
    /// The same done with an object that was somebody else's.
    fn of_foreign(self) -> Self {
        match self {
            Self::Update => Self::Adopt,
            Self::Replace => Self::AdoptAnew,
            other => other,
        }
    }

    /// Whether the live object is deleted and made again.
    pub fn is_anew(self) -> bool {
        matches!(self, Self::Replace | Self::AdoptAnew)
    }

    /// The word in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update | Self::Replace => "update",
            Self::Adopt | Self::AdoptAnew => "adopt",
            Self::Unchanged => "unchanged",
            Self::Delete => "delete",
        }
    }
}

/// One object and what is done with it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Which object.
    pub id: ObjectId,
    /// What is done.
    pub action: Action,
    /// The object as it is to be; `Null` for a deletion.
    pub desired: Value,
    /// The paths that differ.
    pub changes: Vec<String>,
    /// The uid of the live object, where there is one: deletions are bound to it.
    pub uid: Option<String>,
}

/// Everything `apply` is to do, in order.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The steps, deletions last.
    pub steps: Vec<Step>,
    /// How the server is written to.
    pub writing: Writing,
}

impl Plan {
    /// Whether anything would be written.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::Unchanged)
    }
}

/// An object under one of our names that is not this environment's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Which object.
    pub id: ObjectId,
    /// Whose it is, as far as its labels say.
    pub owner: String,
    /// It carries the labels of another environment: it cannot be adopted.
    pub of_another: bool,
}

/// Compares what is wanted with what is there.
///
/// # Errors
/// Every object that belongs to somebody else and is not named in `adopted`, all at once.
pub fn plan(
    env: &str,
    namespace: &str,
    set: ManifestSet,
    live: &LiveState,
    adopted: &[ObjectId],
) -> Result<Plan, Vec<Conflict>> {
    let conflicts: Vec<Conflict> = set
        .manifests
        .iter()
        .filter_map(|manifest| {
            let object = live.objects.get(&manifest.id)?;
            let owner = foreign_owner_of(manifest.id.kind, env, namespace, object)?;
            let of_another = is_managed(object);
            (of_another || !adopted.contains(&manifest.id)).then(|| Conflict {
                id: manifest.id.clone(),
                owner,
                of_another,
            })
        })
        .collect();
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    let wanted: Vec<ObjectId> = set.manifests.iter().map(|manifest| manifest.id.clone()).collect();
    let mut steps: Vec<Step> = set.manifests.into_iter().map(|manifest| step(manifest, live)).collect();
    let is_foreign = |step: &&mut Step| live.objects.get(&step.id).is_some_and(|object| !is_managed(object));
    for step in steps.iter_mut().filter(is_foreign) {
        step.action = step.action.of_foreign();
    }
    let mut leftover: Vec<Step> = live
        .objects
        .iter()
        .filter(|(id, object)| {
            let is_ours = || foreign_owner_of(id.kind, env, namespace, object).is_none();
            !wanted.contains(id) && id.kind != Kind::Namespace && is_ours()
        })
        .map(|(id, object)| Step {
            id: id.clone(),
            action: Action::Delete,
            desired: Value::Null,
            changes: Vec::new(),
            uid: uid(object),
        })
        .collect();
    // What others refer to goes last.
    leftover.sort_by(|a, b| b.id.cmp(&a.id));
    steps.extend(leftover);
    Ok(Plan { steps, writing: live.writing })
}

fn step(manifest: Manifest, live: &LiveState) -> Step {
    let Manifest { id, object: desired } = manifest;
    let Some(object) = live.objects.get(&id) else {
        return Step { id, action: Action::Create, desired, changes: Vec::new(), uid: None };
    };
    let uid = uid(object);
    // It is on its way out: what is wanted can only be made anew.
    if object.pointer("/metadata/deletionTimestamp").is_some() && id.kind != Kind::Namespace {
        let changes = vec!["/metadata/deletionTimestamp".to_owned()];
        return Step { id, action: Action::Replace, desired, changes, uid };
    }
    let mut changes = compare::differences(&desired, object);
    changes.extend(gone(id.kind, &desired, object, live.writing));
    let action = if changes.is_empty() {
        Action::Unchanged
    } else if FIXED.iter().any(|(kind, field)| id.kind == *kind && changes.iter().any(|path| path.starts_with(field))) {
        Action::Replace
    } else {
        Action::Update
    };
    Step { id, action, desired, changes, uid }
}

/// The paths at which the live SCC of an environment says something else than it is to say, metadata aside; none where there is
/// none, or it cannot be seen.
pub fn scc_differs(set: &ManifestSet, live: &LiveState) -> Vec<String> {
    let wanted = set.find(Kind::SecurityContextConstraints).cloned();
    let changes = wanted.map(|wanted| step(wanted, live).changes).unwrap_or_default();
    changes.into_iter().filter(|path| !path.starts_with("/metadata/")).collect()
}

/// The paths of a live object that are to go: they stand in no object that is sent.
pub fn gone(kind: Kind, desired: &Value, live: &Value, writing: Writing) -> Vec<String> {
    let mut gone = owned_fields::dropped(desired, live, FIELD_MANAGER);
    gone.extend(merge::dropped(desired, live));
    if writing == Writing::Applied && merge::is_recorded(live) {
        // It was made when the server was older, and is carried over once.
        gone.push(merge::LAST_APPLIED_PATH.to_owned());
    }
    gone.extend(strict::widened(kind, desired, live));
    gone
}

/// The owner of an SCC with the labels of an environment that says of no namespace that it is its own.
pub const HOMELESS: &str = "somebody else (it names no namespace)";

/// Who owns a live object of any kind, unless it is this environment's: an SCC must name the environment's namespace too.
pub fn foreign_owner_of(kind: Kind, env: &str, namespace: &str, object: &Value) -> Option<String> {
    let home = object.pointer("/metadata/annotations/lsdeploy.dev~1namespace").and_then(Value::as_str);
    let is_homeless = kind == Kind::SecurityContextConstraints && home.is_none();
    foreign_owner(env, namespace, object).or_else(|| is_homeless.then(|| HOMELESS.to_owned()))
}

/// Who owns a live object that is no SCC, unless it is this environment's: the labels must name it, and so must the
/// namespace that it says.
pub fn foreign_owner(env: &str, namespace: &str, object: &Value) -> Option<String> {
    let label = |key: &str| object.pointer("/metadata/labels")?.get(key)?.as_str();
    let manager = label("app.kubernetes.io/managed-by");
    let instance = label("app.kubernetes.io/instance");
    if manager != Some("lsdeploy") {
        return Some(
            manager.map_or_else(|| "somebody else (it has no lsdeploy labels)".to_owned(), |name| format!("`{name}`")),
        );
    }
    if instance != Some(env) {
        return Some(format!("the environment `{}`", instance.unwrap_or("?")));
    }
    let home = object.pointer("/metadata/annotations")?.get("lsdeploy.dev/namespace")?.as_str()?;
    (home != namespace).then(|| format!("the environment `{env}` in namespace {home}"))
}

/// True for an object of any environment of lsdeploy.
fn is_managed(object: &Value) -> bool {
    let labels = object.pointer("/metadata/labels");
    labels.and_then(|labels| labels.get("app.kubernetes.io/managed-by")).is_some_and(|manager| manager == "lsdeploy")
}

/// The uid of a live object.
pub fn uid(object: &Value) -> Option<String> {
    object.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests;
