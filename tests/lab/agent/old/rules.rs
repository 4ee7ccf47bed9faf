//! What a server of Kubernetes 1.11 makes of a request. Pure.

use axum::http::{HeaderMap, Method, Uri, header};

/// API groups that came later.
pub(super) const LATER_GROUPS: [&str; 5] = [
    "coordination.k8s.io",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "node.k8s.io",
];
/// Parameters that came later: they are ignored, so that a dry run writes.
const LATER_PARAMETERS: [&str; 5] = ["dryRun", "fieldManager", "fieldValidation", "force", "sendInitialEvents"];
/// The server's words for a patch that it does not know.
pub(super) const PATCHES: &str = "the body of the request was in an unknown format - accepted media types include: \
                                  application/json-patch+json, application/merge-patch+json, \
                                  application/strategic-merge-patch+json";

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is no such path.
    Unknown,
    /// There is no server-side apply.
    NoSuchPatch,
    /// OpenShift's user API.
    WhoAmI,
    /// It goes to the server.
    Pass,
}

pub(super) fn judge(method: &Method, path: &str, content_type: &str) -> Verdict {
    let group = path.strip_prefix("/apis/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    if LATER_GROUPS.contains(&group) || path.starts_with("/openapi/v3") {
        Verdict::Unknown
    } else if path == "/apis/user.openshift.io/v1/users/~" {
        Verdict::WhoAmI
    } else if method == Method::PATCH && content_type.starts_with("application/apply-patch") {
        Verdict::NoSuchPatch
    } else {
        Verdict::Pass
    }
}

/// Where the request goes to, without what is ignored.
pub(super) fn behind(server: &Uri, asked: &Uri) -> Result<Uri, String> {
    let kept: Vec<&str> = asked
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !LATER_PARAMETERS.contains(&pair.split('=').next().unwrap_or_default()))
        .collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    let text = format!("{}{}{query}", server.to_string().trim_end_matches('/'), asked.path());
    text.parse().map_err(|error| format!("{text}: {error}"))
}

pub(super) fn is_watch(uri: &Uri) -> bool {
    let asks = |query: &str| query.split('&').any(|pair| matches!(pair, "watch" | "watch=true" | "watch=1"));
    uri.query().is_some_and(asks) || uri.path().starts_with("/api/v1/watch/") || uri.path().contains("/v1/watch/")
}

/// JSON, also as a patch.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_is_ignored_and_an_apply_refused() {
        let server: Uri = "https://10.0.0.1:6443/".parse().unwrap();
        let asked: Uri = "/api/v1/pods?dryRun=All&limit=5&fieldManager=x".parse().unwrap();
        assert_eq!(behind(&server, &asked).unwrap(), "https://10.0.0.1:6443/api/v1/pods?limit=5");
        let patch = |kind| judge(&Method::PATCH, "/api/v1/namespaces/a", kind);
        assert_eq!(patch("application/apply-patch+yaml"), Verdict::NoSuchPatch);
        assert_eq!(patch("application/merge-patch+json"), Verdict::Pass);
    }

    #[test]
    fn leases_are_not_there() {
        let get = |path| judge(&Method::GET, path, "");
        assert_eq!(get("/apis/coordination.k8s.io/v1/namespaces/a/leases"), Verdict::Unknown);
        assert_eq!(get("/apis/apps/v1"), Verdict::Pass);
        assert_eq!(get("/apis/user.openshift.io/v1/users/~"), Verdict::WhoAmI);
    }
}
