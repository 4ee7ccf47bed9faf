//! Reads what decides who gets which SCC: SCCs, RBAC, namespaces, pods. What the caller may not read is left out. IO.

use serde_json::Value;

use super::{Cluster, Fault};
use crate::error::Result;
use crate::level::Level;
use crate::scc::rbac::{Lists, Rbac};
use crate::scc::{NamespaceFacts, Release, Scc};

/// Kubernetes 1.N is part of OpenShift 4.(N - 13).
const MINOR_AHEAD: u32 = 13;

/// What there is around an SCC.
pub struct Surroundings {
    /// All SCCs.
    pub sccs: Option<Vec<Scc>>,
    /// Who may use what.
    pub rbac: Option<Rbac>,
    /// All pods.
    pub pods: Option<Vec<Value>>,
    /// All namespaces.
    pub namespaces: Option<Vec<NamespaceFacts>>,
    /// What could not be read, and why.
    pub unseen: Vec<String>,
}

/// Reads everything at once.
///
/// # Errors
/// The cluster cannot be reached. A right that is missing is no error.
pub async fn surroundings(cluster: &Cluster) -> Result<Surroundings> {
    let rbac = |resource: &str| format!("/apis/rbac.authorization.k8s.io/v1/{resource}");
    let (roles, cluster_roles) = (rbac("roles"), rbac("clusterroles"));
    let (role_bindings, cluster_role_bindings) = (rbac("rolebindings"), rbac("clusterrolebindings"));
    let (sccs, namespaces, pods, roles, cluster_roles, role_bindings, cluster_role_bindings) = tokio::try_join!(
        list(cluster, "/apis/security.openshift.io/v1/securitycontextconstraints"),
        list(cluster, "/api/v1/namespaces"),
        list(cluster, "/api/v1/pods"),
        list(cluster, &roles),
        list(cluster, &cluster_roles),
        list(cluster, &role_bindings),
        list(cluster, &cluster_role_bindings),
    )?;
    let mut unseen = Vec::new();
    let sccs =
        note(&mut unseen, "SCCs", sccs).map(|list| list.iter().filter_map(|scc| Scc::from_value(scc).ok()).collect());
    let namespaces = note(&mut unseen, "namespaces", namespaces).map(|list| list.iter().map(facts).collect());
    let pods = note(&mut unseen, "pods of other namespaces", pods);
    let roles = note(&mut unseen, "Roles", roles);
    let cluster_roles = note(&mut unseen, "ClusterRoles", cluster_roles);
    let role_bindings = note(&mut unseen, "RoleBindings", role_bindings);
    let cluster_role_bindings = note(&mut unseen, "ClusterRoleBindings", cluster_role_bindings);
    let rbac = match (&roles, &cluster_roles, &role_bindings, &cluster_role_bindings) {
        (Some(roles), Some(cluster_roles), Some(role_bindings), Some(cluster_role_bindings)) => {
            Some(Rbac::read(Lists { roles, cluster_roles, role_bindings, cluster_role_bindings }))
        }
        _ => None,
    };
    Ok(Surroundings { sccs, rbac, pods, namespaces, unseen: told(&unseen) })
}

/// The platform's release, from the version of its Kubernetes.
pub fn release(level: Level) -> Release {
    level.minor().map_or(Release::RECORDED, |minor| Release::v4(minor.saturating_sub(MINOR_AHEAD)))
}

type Read = std::result::Result<Vec<Value>, String>;

/// A whole list, or the server's words where it refuses.
async fn list(cluster: &Cluster, path: &str) -> Result<Read> {
    match cluster.get_path(path).await {
        Ok(answer) => {
            let items = answer.and_then(|mut answer| answer.get_mut("items").map(Value::take));
            Ok(Ok(items.and_then(|items| items.as_array().cloned()).unwrap_or_default()))
        }
        Err(Fault::Refused(status)) if status.code == 403 => Ok(Err(status.message)),
        Err(fault) => Err(fault.explain(&format!("read {path}"))),
    }
}

/// One sentence for everything that the caller may not read.
fn told(unseen: &[(String, String)]) -> Vec<String> {
    let [(_, words), ..] = unseen else { return Vec::new() };
    let what: Vec<&str> = unseen.iter().map(|(what, _)| what.as_str()).collect();
    vec![format!(
        "what rests on {} is left out, which could not be read: {words}; the role cluster-reader lets you",
        what.join(", ")
    )]
}

fn note(unseen: &mut Vec<(String, String)>, what: &str, read: Read) -> Option<Vec<Value>> {
    read.map_err(|words| unseen.push((what.to_owned(), words))).ok()
}

fn facts(namespace: &Value) -> NamespaceFacts {
    let strings = |pointer: &str| {
        let map = namespace.pointer(pointer).and_then(Value::as_object);
        map.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    };
    NamespaceFacts {
        name: namespace.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        labels: strings("/metadata/labels"),
        annotations: strings("/metadata/annotations"),
    }
}
