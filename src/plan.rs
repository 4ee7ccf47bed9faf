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
    /// It is as it should be.
    Unchanged,
    /// It is ours and no longer wanted.
    Delete,
}

impl Action {
    /// The word in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update | Self::Replace => "update",
            Self::Adopt => "adopt",
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
    for step in steps.iter_mut().filter(|step| step.action == Action::Update) {
        if live.objects.get(&step.id).is_some_and(|object| !is_managed(object)) {
            step.action = Action::Adopt;
        }
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

/// Who owns a live object of any kind, unless it is this environment's: an SCC must name the environment's namespace too.
pub fn foreign_owner_of(kind: Kind, env: &str, namespace: &str, object: &Value) -> Option<String> {
    let home = object.pointer("/metadata/annotations/lsdeploy.dev~1namespace").and_then(Value::as_str);
    let is_homeless = kind == Kind::SecurityContextConstraints && home.is_none();
    foreign_owner(env, namespace, object)
        .or_else(|| is_homeless.then(|| "somebody else (it names no namespace)".to_owned()))
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
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(object: Value) -> Manifest {
        let kind = Kind::of(&object).unwrap();
        let name = object.pointer("/metadata/name").unwrap().as_str().unwrap().to_owned();
        Manifest { id: ObjectId::new(kind, name), object }
    }

    fn ours(extra: Value) -> Value {
        let mut object = json!({"kind": "Service", "metadata": {"name": "emulator", "uid": "u1", "labels": {
            "app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "team1"}}});
        object["spec"] = extra;
        object
    }

    fn live(objects: Vec<Value>) -> LiveState {
        let objects = objects.into_iter().map(|object| (manifest(object.clone()).id, object)).collect();
        LiveState { objects, ..LiveState::default() }
    }

    fn actions(wanted: Vec<Value>, there: Vec<Value>) -> Vec<(String, Action)> {
        let set = ManifestSet { manifests: wanted.into_iter().map(manifest).collect() };
        let plan = plan("team1", "localstack-team1", set, &live(there), &[]).unwrap();
        plan.steps.iter().map(|step| (step.id.to_string(), step.action)).collect()
    }

    #[test]
    fn what_is_missing_is_created_and_what_is_left_over_is_deleted() {
        let mut route = ours(json!({}));
        route["kind"] = "Route".into();
        assert_eq!(
            actions(vec![ours(json!({}))], vec![route]),
            [("Service/emulator".to_owned(), Action::Create), ("Route/emulator".to_owned(), Action::Delete)]
        );
    }

    #[test]
    fn fields_of_others_are_no_difference_and_a_changed_field_is() {
        let wanted = ours(json!({"type": "ClusterIP"}));
        let same = ours(json!({"type": "ClusterIP", "clusterIP": "172.30.0.9"}));
        let changed = ours(json!({"type": "NodePort", "clusterIP": "172.30.0.9"}));
        assert_eq!(actions(vec![wanted.clone()], vec![same])[0].1, Action::Unchanged);
        assert_eq!(actions(vec![wanted], vec![changed])[0].1, Action::Update);
    }

    #[test]
    fn every_foreign_object_is_named_before_anything_is_planned() {
        let mut foreign = ours(json!({}));
        foreign["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm".into();
        let mut other = ours(json!({}));
        other["kind"] = "ServiceAccount".into();
        other["metadata"]["labels"]["app.kubernetes.io/instance"] = "team2".into();
        let set = ManifestSet { manifests: vec![manifest(foreign.clone()), manifest(other.clone())] };
        let conflicts = plan("team1", "localstack-team1", set, &live(vec![foreign, other]), &[]).unwrap_err();
        let owners: Vec<_> = conflicts.iter().map(|conflict| conflict.owner.as_str()).collect();
        assert_eq!(owners, ["`Helm`", "the environment `team2`"]);
    }

    #[test]
    fn an_scc_of_the_same_env_in_another_namespace_is_foreign() {
        let mut scc = ours(json!({}));
        scc["metadata"]["annotations"] = json!({"lsdeploy.dev/namespace": "elsewhere"});
        let owner = |kind, object: &Value| foreign_owner_of(kind, "team1", "localstack-team1", object);
        assert!(owner(Kind::SecurityContextConstraints, &scc).unwrap().contains("elsewhere"));
        assert_eq!(owner(Kind::Service, &ours(json!({}))), None);
        let homeless = owner(Kind::SecurityContextConstraints, &ours(json!({})));
        assert_eq!(homeless.unwrap(), "somebody else (it names no namespace)");
    }

    #[test]
    fn what_is_being_deleted_is_made_anew() {
        let mut leaving = ours(json!({}));
        leaving["metadata"]["deletionTimestamp"] = "2026-11-28T12:00:00Z".into();
        assert_eq!(actions(vec![ours(json!({}))], vec![leaving])[0].1, Action::Replace);
    }

    #[test]
    fn a_changed_selector_replaces_the_deployment() {
        let deployment = |name: &str| {
            let mut object = ours(json!({"selector": {"matchLabels": {"app.kubernetes.io/name": name}}}));
            object["kind"] = "Deployment".into();
            object
        };
        assert_eq!(actions(vec![deployment("moto")], vec![deployment("localstack")])[0].1, Action::Replace);
    }

    #[test]
    fn a_binding_to_another_role_is_replaced() {
        let binding = |role: &str| {
            let mut object = ours(json!({}));
            object["kind"] = "RoleBinding".into();
            object["roleRef"] = json!({"kind": "Role", "name": role});
            object
        };
        assert_eq!(actions(vec![binding("lsdeploy-scc")], vec![binding("admin")])[0].1, Action::Replace);
    }

    #[test]
    fn what_others_added_to_an_scc_or_a_grant_of_ours_is_a_difference() {
        let scc = |more: Value| {
            let mut object = json!({"kind": "SecurityContextConstraints", "users": [], "allowPrivilegedContainer": false,
                "seLinuxContext": {"type": "MustRunAs"}, "priority": null, "metadata": {"name": "lsdeploy-team1",
                "labels": {"app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "team1"},
                "annotations": {"lsdeploy.dev/namespace": "localstack-team1"}}});
            object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            object
        };
        let widened = [
            json!({"users": ["system:serviceaccount:other:default"]}),
            json!({"allowPrivilegedContainer": true}),
            json!({"priority": 10}),
            json!({"seLinuxContext": {"type": "MustRunAs", "seLinuxOptions": {"type": "spc_t"}}}),
            json!({"allowedUnsafeSysctls": ["*"]}),
        ];
        for more in widened {
            assert_eq!(actions(vec![scc(json!({}))], vec![scc(more.clone())])[0].1, Action::Update, "{more}");
        }
        assert_eq!(actions(vec![scc(json!({}))], vec![scc(json!({"groups": []}))])[0].1, Action::Unchanged);
        let role = |verbs: &[&str]| {
            let mut object = ours(json!({}));
            object["kind"] = "Role".into();
            object["rules"] = json!([{"resources": ["securitycontextconstraints"], "verbs": verbs}]);
            object
        };
        assert_eq!(actions(vec![role(&["use"])], vec![role(&["use", "*"])])[0].1, Action::Update);
    }
}
