//! What runs `lsdeploy gc` in a cluster: a `CronJob`, and no more rights than it needs. Pure.

use serde_json::{Value, json};

use super::bundle::BENEFICIARY;
use super::{INVENTORY, names};
use crate::environment::NamespaceName;

/// The name of all its objects, and of the namespace that is made for it.
pub const NAME: &str = "lsdeploy-gc";
/// The only API of a `CronJob` before Kubernetes 1.21; its fields are the same.
pub const BEFORE_1_21: &str = "batch/v1beta1";
const EVERY_TEN_MINUTES: &str = "*/10 * * * *";

/// What is to run, where and when.
#[derive(Debug, Clone, Copy)]
pub struct Gc<'a> {
    /// An image with lsdeploy on its PATH.
    pub image: &'a str,
    /// A namespace that exists; without one, one of its own is made.
    pub namespace: Option<&'a NamespaceName>,
    /// When, as cron says it.
    pub schedule: Option<&'a str>,
    /// Of the `CronJob`: `batch/v1`, or [`BEFORE_1_21`].
    pub api_version: &'a str,
}

/// The objects, in apply order.
pub fn objects(gc: Gc<'_>) -> Vec<Value> {
    let namespace = gc.namespace.map_or(NAME, NamespaceName::as_str);
    let mut objects = Vec::new();
    if gc.namespace.is_none() {
        let level = "pod-security.kubernetes.io/enforce";
        objects.push(json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": NAME, "labels": with(level, "restricted")}}));
    }
    objects.push(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(Some(namespace))}));
    objects.push(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": metadata(None), "rules": rules()}));
    objects.push(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": metadata(None),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}]}));
    objects.push(json!({"apiVersion": gc.api_version, "kind": "CronJob",
        "metadata": metadata(Some(namespace)), "spec": {
        "schedule": gc.schedule.unwrap_or(EVERY_TEN_MINUTES),
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 300,
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"spec": {
            "backoffLimit": 1,
            "activeDeadlineSeconds": 1800,
            "template": {"metadata": {"labels": labels()}, "spec": pod(gc)},
        }},
    }}));
    objects
}

/// A pod that OpenShift's restricted SCC and the restricted Pod Security Standard take as it is: no user is named, so that
/// OpenShift picks one.
fn pod(gc: Gc<'_>) -> Value {
    let mut context = json!({"runAsNonRoot": true});
    // Kubernetes knows that field since 1.19, and kubectl sends no other to an older one.
    if gc.api_version != BEFORE_1_21 {
        context["seccompProfile"] = json!({"type": "RuntimeDefault"});
    }
    json!({
        "serviceAccountName": NAME,
        "restartPolicy": "Never",
        "enableServiceLinks": false,
        "securityContext": context,
        "containers": [{
            "name": "gc",
            "image": gc.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["lsdeploy", "gc", "--timeout", "10m"],
            "env": [{"name": "HOME", "value": "/tmp"}],
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": true,
            },
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        }],
    })
}

/// What `gc` asks of the API server. RBAC cannot tell an environment's objects from others: lsdeploy deletes only what carries
/// its labels, by uid.
fn rules() -> Value {
    let gone = ["get", "list", "watch", "delete"];
    let named = |group: &str, resource: &str, names: &[&str]| json!({"apiGroups": [group], "resources": [resource], "resourceNames": names, "verbs": gone});
    let rbac = "rbac.authorization.k8s.io";
    json!([
        // To find environments, and to keep other runs out where there are no Leases.
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [INVENTORY], "verbs": ["patch"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [names::LEASE],
            "verbs": ["get", "patch", "delete"]},
        // What has a name of its own in each environment.
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": gone},
        {"apiGroups": ["route.openshift.io"], "resources": ["routes"], "verbs": gone},
        {"apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"], "verbs": gone},
        {"apiGroups": ["project.openshift.io"], "resources": ["projects"], "verbs": gone},
        // What has the same name in all of them.
        named("", "configmaps", &[INVENTORY, names::INIT]),
        named("", "secrets", &[names::AUTH]),
        named("", "serviceaccounts", &[names::EMULATOR]),
        named("", "services", &[names::EMULATOR]),
        named("", "persistentvolumeclaims", &[names::CLAIM]),
        named("", "resourcequotas", &[names::LIMITS]),
        named("", "limitranges", &[names::LIMITS]),
        named("networking.k8s.io", "networkpolicies", &[names::EMULATOR]),
        named(rbac, "roles", &[names::GRANT]),
        named(rbac, "rolebindings", &[names::GRANT, names::OWNER, BENEFICIARY]),
        named("apps", "deployments", &[names::EMULATOR]),
    ])
}

fn labels() -> Value {
    json!({"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "lsdeploy"})
}

fn with(key: &str, value: &str) -> Value {
    let mut labels = labels();
    labels[key] = value.into();
    labels
}

fn metadata(namespace: Option<&str>) -> Value {
    let mut metadata = json!({"name": NAME, "labels": labels()});
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    metadata
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::{batch::v1::CronJob, core::v1 as core, rbac::v1 as rbac};

    use super::*;

    fn kinds(objects: &[Value]) -> Vec<&str> {
        objects.iter().map(|object| object["kind"].as_str().unwrap()).collect()
    }

    #[test]
    fn the_objects_are_what_the_api_knows() {
        let image = "registry.example.com/lsdeploy:1";
        let objects = objects(Gc { image, namespace: None, schedule: None, api_version: "batch/v1" });
        assert_eq!(kinds(&objects), ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "CronJob"]);
        let _: core::ServiceAccount = serde_json::from_value(objects[1].clone()).unwrap();
        let _: rbac::ClusterRole = serde_json::from_value(objects[2].clone()).unwrap();
        let _: rbac::ClusterRoleBinding = serde_json::from_value(objects[3].clone()).unwrap();
        let job: CronJob = serde_json::from_value(objects[4].clone()).unwrap();
        assert_eq!(serde_json::to_value(&job).unwrap()["spec"], objects[4]["spec"], "a key was lost");
    }

    #[test]
    fn a_namespace_that_exists_is_used_as_it_is() {
        let namespace = NamespaceName::parse("ops").unwrap();
        let (image, api_version) = ("x:1", BEFORE_1_21);
        let objects = objects(Gc { image, namespace: Some(&namespace), schedule: Some("0 * * * *"), api_version });
        assert_eq!(kinds(&objects)[0], "ServiceAccount");
        assert_eq!(objects[2]["subjects"][0]["namespace"], "ops");
        assert_eq!(objects[3]["spec"]["schedule"], "0 * * * *");
        let pod = &objects[3]["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        assert_eq!(
            (&objects[3]["apiVersion"], &pod["securityContext"]),
            (&json!(BEFORE_1_21), &json!({"runAsNonRoot": true}))
        );
    }

    #[test]
    fn no_right_is_a_wildcard_and_none_makes_what_is_removed() {
        for rule in rules().as_array().unwrap() {
            let text = rule.to_string();
            assert!(!text.contains('*'), "{text}");
            assert!(!text.contains("\"create\"") || text.contains("leases"), "{text}");
        }
    }
}
