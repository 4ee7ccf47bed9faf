//! Facts of the cluster, asked for once and all at once.

use serde_json::{Value, json};

use super::client::APPLY_PATCH;
use super::{Cluster, Fault, preflight};
use crate::error::{CommandError, Result};
use crate::level::{Level, ServerSideApply, Writing};
use crate::manifest::Kind;

/// What kind of cluster this is.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Kubernetes version, e.g. `v1.34.4`.
    pub version: String,
    /// How old that is.
    pub level: Level,
    /// How objects are written.
    pub writing: Writing,
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
    /// Whether a namespace carries the labels by which NetworkPolicies let the router in.
    pub router: Router,
}

/// Whether the namespace of the router can be told by its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Router {
    /// A namespace has them.
    Labelled,
    /// None has: a policy that lets in only that one would let in nobody.
    Unlabelled,
    /// The caller may not look.
    Unseen,
}

/// The labels of namespaces that routers are in: see `manifests/networkpolicy.yaml.hbs`.
const ROUTER_LABELS: [&str; 3] = [
    "policy-group.network.openshift.io%2Fingress%3D",
    "network.openshift.io%2Fpolicy-group%3Dingress",
    "policy-group.network.openshift.io%2Fhost-network%3D",
];

/// Asks for all facts concurrently.
///
/// # Errors
/// The cluster cannot be reached, refuses the credentials, or is no OpenShift (it serves no Routes).
pub async fn discover(cluster: &Cluster) -> Result<Facts> {
    let (version, groups, ingress, ca, user, is_admin, router) = tokio::join!(
        cluster.get_path("/version"),
        cluster.get_path("/apis"),
        cluster.get_path("/apis/config.openshift.io/v1/ingresses/cluster"),
        cluster.get_path("/api/v1/namespaces/openshift-config-managed/configmaps/default-ingress-cert"),
        user(cluster),
        preflight::may_everything(cluster),
        router(cluster),
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
    let level = Level::of(&version);
    let writing = writing(cluster, level).await?;
    Ok(Facts {
        version,
        level,
        writing,
        has_sccs: serves("security.openshift.io"),
        has_projects: serves("project.openshift.io"),
        apps_domain: text(ingress, "/spec/domain"),
        router_ca: text(ca, "/data/ca-bundle.crt"),
        user,
        // Who cannot ask is asked for each right by itself.
        is_admin: is_admin.unwrap_or(false),
        router,
    })
}

/// Who the caller is, as the server sees it, where it says so.
pub async fn user(cluster: &Cluster) -> Option<String> {
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    match cluster.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).await {
        Ok(review) => Some(review.pointer("/status/userInfo/username")?.as_str()?.to_owned()),
        // An older OpenShift says it in its own way.
        // Who has few rights is not even told that there is no such thing.
        Err(fault) if matches!(fault.code(), Some(403 | 404)) => {
            text(cluster.get_path("/apis/user.openshift.io/v1/users/~").await, "/metadata/name")
        }
        Err(_) => None,
    }
}

/// Looks for namespaces with the router's labels. Whatever keeps the caller from looking, the rest of the run meets it.
async fn router(cluster: &Cluster) -> Router {
    let looks = ROUTER_LABELS.map(|label| async move {
        let found = cluster.get_path(&format!("/api/v1/namespaces?limit=1&labelSelector={label}")).await.ok()??;
        Some(found["items"].as_array().is_some_and(|items| !items.is_empty()))
    });
    let found = futures::future::join_all(looks).await;
    match found.iter().any(Option::is_none) {
        _ if found.contains(&Some(true)) => Router::Labelled,
        true => Router::Unseen,
        false => Router::Unlabelled,
    }
}

async fn writing(cluster: &Cluster, level: Level) -> Result<Writing> {
    match level.server_side_apply() {
        ServerSideApply::Yes => Ok(Writing::Applied),
        ServerSideApply::No => Ok(Writing::Merged),
        ServerSideApply::IfServed => {
            let document = cluster.get_path("/openapi/v2").await;
            let document = document.map_err(|fault| fault.explain("ask the cluster how it can be written to"))?;
            let takes = document.unwrap_or_default();
            let takes = takes.pointer("/paths/~1api~1v1~1namespaces~1{name}/patch/consumes");
            let takes = takes.and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| *one == APPLY_PATCH));
            Ok(if takes { Writing::Applied } else { Writing::Merged })
        }
    }
}

/// Learns the apps domain from a host that the cluster generated: of a Route that is there, or of one that is only tried
/// (a dry run). `None` where neither is possible; an old server, which would really make it, is asked for the Routes of the
/// platform's own namespaces instead: whoever has a namespace can write any domain into a Route of theirs.
pub async fn learn_apps_domain(cluster: &Cluster, level: Level, namespace: &str) -> Option<String> {
    let routes = cluster.list(Kind::Route, Some(namespace), "").await.unwrap_or_default();
    if let Some(domain) = routes.iter().find_map(generated_domain) {
        return Some(domain);
    }
    if !level.obeys_dry_run() {
        let routes = cluster.list(Kind::Route, None, "").await.unwrap_or_default();
        return routes.iter().filter(|route| is_of_platform(route)).find_map(generated_domain);
    }
    let path = format!("/apis/route.openshift.io/v1/namespaces/{namespace}/routes?dryRun=All");
    let trial = json!({"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": {"name": "lsdeploy-trial"},
        "spec": {"to": {"kind": "Service", "name": "none", "weight": 100}, "wildcardPolicy": "None"}});
    generated_domain(&cluster.post(&path, &trial).await.ok()?)
}

/// Only administrators write there: tenants cannot request projects of these names.
fn is_of_platform(route: &Value) -> bool {
    let namespace = route.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    namespace == "default" || namespace.starts_with("openshift-")
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
    fn a_generated_host_tells_the_domain_and_a_written_one_does_not() {
        let route = |generated: &str| {
            json!({"metadata": {"name": "a.b", "namespace": "n", "annotations": {"openshift.io/host.generated": generated}},
                "spec": {"host": "a-b-n.apps.example.com"}})
        };
        assert_eq!(generated_domain(&route("true")).as_deref(), Some("apps.example.com"));
        assert_eq!(generated_domain(&route("false")), None);
    }

    #[test]
    fn a_route_of_a_tenant_does_not_tell_the_domain_of_others() {
        let of = |namespace: &str| is_of_platform(&json!({"metadata": {"namespace": namespace}}));
        assert!(of("default") && of("openshift-console"));
        assert!(!of("evil") && !of("default-evil") && !of("openshift") && !of(""));
    }
}
