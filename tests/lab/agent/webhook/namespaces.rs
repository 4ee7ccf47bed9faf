//! Namespaces: the uid range, groups and SELinux level that SCC admission takes its defaults from.

use super::Lab;
use super::review::{Answer, Request};
use crate::log;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::watch;

pub(crate) const UID_RANGE: &str = "openshift.io/sa.scc.uid-range";
const GROUPS: &str = "openshift.io/sa.scc.supplemental-groups";
const MCS: &str = "openshift.io/sa.scc.mcs";

/// A new namespace leaves with its annotations: OpenShift adds them just after the creation, and SCC admission waits
/// for them, so nobody can tell the difference.
pub(crate) async fn admit(lab: Arc<Lab>, request: Request) -> Answer {
    let mut object = request.object;
    let mine = object.pointer("/metadata/annotations").and_then(Value::as_object);
    let Some(missing) = missing(&lab, mine.is_some_and(|all| all.contains_key(UID_RANGE))) else {
        return Answer::Allow(object, "has a range".into());
    };
    let note = missing[UID_RANGE].to_string();
    if let Some(annotations) = annotations(&mut object) {
        for (key, value) in missing {
            // Only the level stays if it was given: the platform replaces groups along with the range.
            if key != MCS || !annotations.contains_key(MCS) {
                annotations.insert(key, value);
            }
        }
    }
    Answer::Allow(object, note)
}

/// The annotations of `object`, made if there are none; nothing for what is no object at all.
pub(crate) fn annotations(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let metadata = object.as_object_mut()?.entry("metadata").or_insert_with(|| json!({})).as_object_mut()?;
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if annotations.is_null() {
        *annotations = json!({});
    }
    annotations.as_object_mut()
}

fn missing(lab: &Lab, has_range: bool) -> Option<Map<String, Value>> {
    if has_range {
        return None;
    }
    let taken = lab.namespaces.state().into_iter().filter_map(|ns| ns.annotations().get(UID_RANGE).cloned());
    let block = lab.blocks.take(taken);
    let pairs = [(UID_RANGE, block.range.clone()), (GROUPS, block.range), (MCS, block.mcs)];
    Some(pairs.into_iter().map(|(key, value)| (key.to_owned(), Value::String(value))).collect())
}

/// Annotates the namespaces that were there before the webhook, as the platform's controller does.
pub(crate) async fn fill(lab: Arc<Lab>, mut changes: watch::Receiver<u64>) {
    let api: Api<Namespace> = Api::all(lab.client.clone());
    // The watch shows our own write a moment later: nobody gets a second block meanwhile.
    let mut done = HashSet::new();
    while changes.changed().await.is_ok() {
        for namespace in lab.namespaces.state() {
            let ends = namespace.metadata.deletion_timestamp.is_some();
            if done.contains(&namespace.metadata.uid) {
                continue;
            }
            let Some(mut missing) = missing(&lab, ends || namespace.annotations().contains_key(UID_RANGE)) else {
                continue;
            };
            if namespace.annotations().contains_key(MCS) {
                missing.remove(MCS);
            }
            let name = namespace.name_any();
            // The version guards against a range that somebody else wrote meanwhile.
            let version = &namespace.metadata.resource_version;
            let patch = json!({"metadata": {"annotations": missing, "resourceVersion": version}});
            let outcome = api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
            if outcome.is_ok() {
                done.insert(namespace.metadata.uid.clone());
            }
            let why = outcome.err().map_or_else(|| "done".to_owned(), |error| error.to_string());
            log::line("namespace-filled", &[("name", &name), ("outcome", &why)]);
        }
    }
}
