//! Facts of the cluster, asked for once and all at once.

use serde_json::{Value, json};

use super::{Cluster, Fault, preflight};
use crate::error::{CommandError, Result};
use crate::manifest::Kind;

/// What kind of cluster this is.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Kubernetes version, e.g. `v1.34.4`.
    pub version: String,
    /// It serves `security.openshift.io`.
    pub has_sccs: bool,
    /// It serves `project.openshift.io`.
    pub has_projects: bool,
    /// The domain of its default router, where its configuration says it.
    pub apps_domain: Option<String>,
    /// The certificates (PEM) that its default router's certificate chains to, where it publishes them.
    pub router_ca: Option<String>,
    /// Who the caller is, as the server sees it.
    pub user: Option<String>,
    /// The caller is a cluster-admin.
    pub is_admin: bool,
}

/// Asks for all facts concurrently.
///
/// # Errors
/// The cluster cannot be reached, refuses the credentials, or is no OpenShift (it serves no Routes).
pub async fn discover(cluster: &Cluster) -> Result<Facts> {
    let (version, groups, ingress, ca, user, is_admin) = tokio::join!(
        cluster.get_path("/version"),
        cluster.get_path("/apis"),
        cluster.get_path("/apis/config.openshift.io/v1/ingresses/cluster"),
        cluster.get_path("/api/v1/namespaces/openshift-config-managed/configmaps/default-ingress-cert"),
        user(cluster),
        preflight::may_everything(cluster),
    );
    let version = version.map_err(|fault| fault.explain("ask the cluster for its version"))?.unwrap_or_default();
    let groups = groups.map_err(|fault| fault.explain("ask the cluster for its APIs"))?;
    let groups = groups.unwrap_or_default();
    let serves =
        |name: &str| groups["groups"].as_array().is_some_and(|groups| groups.iter().any(|group| group["name"] == name));
    if !serves("route.openshift.io") {
        return Err(CommandError::new(format!(
            "{} serves no Routes (route.openshift.io): it is plain Kubernetes, not OpenShift",
            cluster.server
        ))
        .hint("use a cluster of minishift, CRC, MicroShift or OpenShift; --context names another one"));
    }
    let version = version["gitVersion"].as_str().unwrap_or("unknown").to_owned();
    check_version(&version, &cluster.server)?;
    Ok(Facts {
        version,
        has_sccs: serves("security.openshift.io"),
        has_projects: serves("project.openshift.io"),
        apps_domain: text(ingress, "/spec/domain"),
        router_ca: text(ca, "/data/ca-bundle.crt"),
        user,
        // Who cannot ask is asked for each right by itself.
        is_admin: is_admin.unwrap_or(false),
    })
}

/// Who the caller is, as the server sees it, where it says so.
pub async fn user(cluster: &Cluster) -> Option<String> {
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let answer = cluster.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).await.ok()?;
    Some(answer.pointer("/status/userInfo/username")?.as_str()?.to_owned())
}

/// Objects are written by server-side apply, which Kubernetes has since 1.22 (OpenShift 4.9).
fn check_version(version: &str, server: &str) -> Result<()> {
    let mut numbers = version.trim_start_matches('v').split(['.', '-', '+']).map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(1), Some(minor)) if minor < 22 => Err(CommandError::new(format!(
            "{server} is Kubernetes {version}: this version of lsdeploy needs 1.22 (OpenShift 4.9) or later"
        ))
        .hint("write the manifests with `lsdeploy render` and apply them with `oc apply`")),
        _ => Ok(()),
    }
}

/// Learns the apps domain from a host that the cluster generated: of a Route that is there, or of one that is only tried
/// (a dry run). `None` where neither is possible.
pub async fn learn_apps_domain(cluster: &Cluster, namespace: &str) -> Option<String> {
    let routes = cluster.list(Kind::Route, Some(namespace), "").await.unwrap_or_default();
    if let Some(domain) = routes.iter().find_map(generated_domain) {
        return Some(domain);
    }
    let path = format!("/apis/route.openshift.io/v1/namespaces/{namespace}/routes?dryRun=All");
    let trial = json!({"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": {"name": "lsdeploy-trial"},
        "spec": {"to": {"kind": "Service", "name": "none", "weight": 100}, "wildcardPolicy": "None"}});
    generated_domain(&cluster.post(&path, &trial).await.ok()?)
}

/// The domain in a generated host `<route>-<namespace>.<domain>`.
fn generated_domain(route: &Value) -> Option<String> {
    let text = |pointer: &str| route.pointer(pointer).and_then(Value::as_str);
    if text("/metadata/annotations/openshift.io~1host.generated") != Some("true") {
        return None;
    }
    let label = format!("{}-{}.", text("/metadata/name")?.replace('.', "-"), text("/metadata/namespace")?);
    text("/spec/host")?.strip_prefix(&label).map(str::to_owned)
}

/// Facts that not every caller may read are missing, not wrong.
fn text(answer: std::result::Result<Option<Value>, Fault>, pointer: &str) -> Option<String> {
    Some(answer.ok()??.pointer(pointer)?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_without_server_side_apply_are_refused() {
        assert!(check_version("v1.11.0+d4cacc0", "x").is_err());
        assert!(check_version("v1.22.1", "x").is_ok());
        assert!(check_version("v1.34.4", "x").is_ok());
        assert!(check_version("unknown", "x").is_ok());
    }

    #[test]
    fn a_generated_host_tells_the_domain_and_a_written_one_does_not() {
        let route = |generated: &str| {
            json!({"metadata": {"name": "a.b", "namespace": "n", "annotations": {"openshift.io/host.generated": generated}},
                "spec": {"host": "a-b-n.apps.example.com"}})
        };
        assert_eq!(generated_domain(&route("true")).as_deref(), Some("apps.example.com"));
        assert_eq!(generated_domain(&route("false")), None);
    }
}
