//! Why an object that is being deleted is still there: its finalizers, who usually removes them, and for a namespace its
//! conditions and what is left in it. Nothing is removed by force.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::environment::NamespaceName;
use crate::error::CommandError;
use crate::manifest::{Kind, ObjectId};
use crate::printable::printable;

/// How many kinds are looked through at once, and for how long altogether.
const PARALLEL: usize = 8;
const WITHIN: Duration = Duration::from_secs(20);
/// How many objects are named.
const NAMED: usize = 10;

/// Finalizers that a cluster sets by itself.
const KNOWN: [(&str, &str); 8] = [
    ("kubernetes.io/pvc-protection", "Kubernetes removes it once no pod uses the claim"),
    ("kubernetes.io/pv-protection", "Kubernetes removes it once no claim is bound to the volume"),
    ("foregroundDeletion", "Kubernetes' garbage collector removes it once what the object owns is gone"),
    ("orphan", "Kubernetes' garbage collector removes it"),
    ("kubernetes", "the namespace controller removes it once the namespace is empty"),
    ("openshift.io/origin", "OpenShift's own namespace controller removes it once the namespace is empty"),
    ("batch.kubernetes.io/job-tracking", "Kubernetes' job controller removes it"),
    ("service.kubernetes.io/load-balancer-cleanup", "the cloud's controller removes it once its load balancer is gone"),
];

/// The error of a deletion that does not come to its end.
pub(super) async fn explain(
    cluster: &Cluster,
    namespace: &NamespaceName,
    id: &ObjectId,
    object: &Value,
    waited: Duration,
) -> CommandError {
    let mut holds = of_object(object);
    let mut advice = Vec::new();
    if id.kind == Kind::Namespace {
        match tokio::time::timeout(WITHIN, remains(cluster, namespace)).await {
            Ok(Ok(found)) => {
                advice.extend(found.iter().take(NAMED).filter_map(|(name, object)| {
                    let held = of_object(object);
                    (!held.is_empty()).then(|| format!("{name} in it is held by {}", held.join("; ")))
                }));
                if found.len() > NAMED {
                    advice.push(format!("{} more objects are left in it", found.len() - NAMED));
                }
            }
            Ok(Err(why)) => advice.push(format!("what is left in it cannot be read: {why}")),
            Err(_) => advice.push("what is left in it could not be read in time".to_owned()),
        }
    }
    if holds.is_empty() && advice.is_empty() {
        holds.push("it is being deleted".to_owned());
    }
    holds.extend(advice);
    CommandError::new(format!("{id} is still there after {} s: {}", waited.as_secs(), holds.join("; ")))
        .hint(
            "it is marked for deletion and goes once that is cleared: see whether that controller runs; lsdeploy never \
             removes finalizers",
        )
        .hint("run `lsdeploy down` again to go on waiting")
}

/// What an object itself says: conditions that stand, and finalizers.
fn of_object(object: &Value) -> Vec<String> {
    let text = |value: &Value, key: &str| value[key].as_str().map(printable).unwrap_or_default();
    let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let is_namespace = object["kind"] == "Namespace";
    let standing = list("/status/conditions").filter(|condition| is_namespace && condition["status"] == "True");
    let mut holds: Vec<String> =
        standing.map(|condition| format!("{}: {}", text(condition, "type"), text(condition, "message"))).collect();
    let finalizers = list("/metadata/finalizers").chain(list("/spec/finalizers")).filter_map(Value::as_str);
    // A namespace always has this one until it is empty: its conditions say more.
    let finalizers = finalizers.filter(|name| !(is_namespace && *name == "kubernetes"));
    holds.extend(finalizers.map(|name| format!("finalizer {} ({})", printable(name), remover(name))));
    holds
}

/// Who usually removes a finalizer.
fn remover(finalizer: &str) -> String {
    if let Some((_, who)) = KNOWN.iter().find(|(name, _)| *name == finalizer) {
        return (*who).to_owned();
    }
    match finalizer.split_once('/') {
        Some((domain, _)) => format!("the controller of `{}` removes it", printable(domain)),
        None => "whoever set it removes it".to_owned(),
    }
}

/// The objects of every kind that are left in a namespace and have finalizers.
async fn remains(cluster: &Cluster, namespace: &NamespaceName) -> Result<BTreeMap<String, Value>, String> {
    let groups = cluster.get_path("/apis").await.map_err(|fault| fault.words())?.unwrap_or_default();
    let versions = groups["groups"].as_array().into_iter().flatten();
    let versions = versions.filter_map(|group| group.pointer("/preferredVersion/groupVersion")?.as_str());
    let mut paths: Vec<String> = versions.map(|version| format!("/apis/{version}")).collect();
    paths.push("/api/v1".to_owned());
    let kinds = stream::iter(paths).map(|path| async move {
        // A group whose server is away is what the namespace's conditions name.
        let resources = cluster.get_path(&path).await.ok().flatten().unwrap_or_default();
        collections(&path, namespace, &resources)
    });
    let collections: Vec<(String, String)> = kinds.buffer_unordered(PARALLEL).flat_map(stream::iter).collect().await;
    let lists = stream::iter(collections).map(|(kind, path)| async move {
        let found = cluster.get_path(&path).await.ok().flatten().unwrap_or_default();
        held(&kind, &found)
    });
    Ok(lists.buffer_unordered(PARALLEL).flat_map(stream::iter).collect().await)
}

/// The kinds of one API version that can be listed in a namespace, with their paths.
fn collections(path: &str, namespace: &NamespaceName, resources: &Value) -> Vec<(String, String)> {
    let resources = resources["resources"].as_array().into_iter().flatten();
    let listed = resources.filter(|resource| {
        let verbs = resource["verbs"].as_array().map(Vec::as_slice).unwrap_or_default();
        resource["namespaced"] == true && resource["name"] != "events" && verbs.iter().any(|verb| verb == "list")
    });
    let named = listed.filter_map(|resource| {
        let (kind, name) = (resource["kind"].as_str()?, resource["name"].as_str()?);
        (!name.contains('/')).then(|| (kind.to_owned(), format!("{path}/namespaces/{namespace}/{name}?limit=100")))
    });
    named.collect()
}

/// The objects of a list that have finalizers.
fn held(kind: &str, list: &Value) -> Vec<(String, Value)> {
    let items = list["items"].as_array().into_iter().flatten();
    let held = items.filter(|object| object.pointer("/metadata/finalizers").is_some());
    held.filter_map(|object| {
        let name = object.pointer("/metadata/name")?.as_str()?;
        Some((format!("{kind}/{}", printable(name)), object.clone()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_finalizer_is_named_with_who_removes_it() {
        let claim = json!({"metadata": {"finalizers": ["kubernetes.io/pvc-protection", "example.com/hold", "mine"]}});
        let holds = of_object(&claim);
        assert_eq!(
            holds,
            [
                "finalizer kubernetes.io/pvc-protection (Kubernetes removes it once no pod uses the claim)",
                "finalizer example.com/hold (the controller of `example.com` removes it)",
                "finalizer mine (whoever set it removes it)",
            ]
        );
    }

    #[test]
    fn a_namespace_says_its_conditions() {
        let namespace = json!({"kind": "Namespace", "spec": {"finalizers": ["kubernetes"]}, "status": {"conditions": [
            {"type": "NamespaceDeletionDiscoveryFailure", "status": "True", "message": "metrics.k8s.io is away"},
            {"type": "NamespaceContentRemaining", "status": "False", "message": "nothing"}]}});
        assert_eq!(of_object(&namespace), ["NamespaceDeletionDiscoveryFailure: metrics.k8s.io is away"]);
    }

    #[test]
    fn only_what_can_be_listed_in_a_namespace_is_looked_at() {
        let resources = json!({"resources": [
            {"kind": "Pod", "name": "pods", "namespaced": true, "verbs": ["get", "list"]},
            {"kind": "Pod", "name": "pods/log", "namespaced": true, "verbs": ["get", "list"]},
            {"kind": "Node", "name": "nodes", "namespaced": false, "verbs": ["list"]},
            {"kind": "Binding", "name": "bindings", "namespaced": true, "verbs": ["create"]}]});
        let found = collections("/api/v1", &NamespaceName::parse("n").unwrap(), &resources);
        assert_eq!(found, [("Pod".to_owned(), "/api/v1/namespaces/n/pods?limit=100".to_owned())]);
    }
}
