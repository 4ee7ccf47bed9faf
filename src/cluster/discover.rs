//! Facts of the cluster, asked for once and all at once.

use serde_json::{Value, json};

use super::{Cluster, Fault};
use crate::error::{CommandError, Result};

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
}

/// Asks for all facts concurrently.
///
/// # Errors
/// The cluster cannot be reached, refuses the credentials, or is no OpenShift (it serves no Routes).
pub async fn discover(cluster: &Cluster) -> Result<Facts> {
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let (version, groups, ingress, ca, user) = tokio::join!(
        cluster.get_path("/version"),
        cluster.get_path("/apis"),
        cluster.get_path("/apis/config.openshift.io/v1/ingresses/cluster"),
        cluster.get_path("/api/v1/namespaces/openshift-config-managed/configmaps/default-ingress-cert"),
        cluster.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review),
    );
    let attempt = format!("ask {} for its version", cluster.server);
    let version = version.map_err(|fault| fault.explain(&attempt))?.unwrap_or_default();
    let groups = groups.map_err(|fault| fault.explain(&format!("ask {} for its APIs", cluster.server)))?;
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
    Ok(Facts {
        version: version["gitVersion"].as_str().unwrap_or("unknown").to_owned(),
        has_sccs: serves("security.openshift.io"),
        has_projects: serves("project.openshift.io"),
        apps_domain: text(ingress, "/spec/domain"),
        router_ca: text(ca, "/data/ca-bundle.crt"),
        user: user.ok().and_then(|review| Some(review.pointer("/status/userInfo/username")?.as_str()?.to_owned())),
    })
}

/// Facts that not every caller may read are missing, not wrong.
fn text(answer: std::result::Result<Option<Value>, Fault>, pointer: &str) -> Option<String> {
    Some(answer.ok()??.pointer(pointer)?.as_str()?.to_owned())
}
