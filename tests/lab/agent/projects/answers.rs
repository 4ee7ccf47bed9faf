//! What the project API says: objects made of namespaces, and refusals in Kubernetes' words. Pure.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

const VERSION: &str = "project.openshift.io/v1";

/// What there is in the group.
pub(super) fn resources() -> Value {
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": VERSION, "resources": [
        {"name": "projectrequests", "singularName": "projectrequest", "namespaced": false, "kind": "ProjectRequest",
            "verbs": ["create"]},
        {"name": "projects", "singularName": "project", "namespaced": false, "kind": "Project",
            "verbs": ["delete", "get", "list"]},
    ]})
}

/// A namespace as a project: the same metadata, spec and status.
pub(super) fn project(namespace: &Namespace) -> Value {
    let mut project = json!(namespace);
    project["kind"] = "Project".into();
    project["apiVersion"] = VERSION.into();
    project
}

pub(super) fn projects(items: &[Value], version: Option<&str>) -> Value {
    json!({"kind": "ProjectList", "apiVersion": VERSION, "metadata": {"resourceVersion": version}, "items": items})
}

/// The namespace of a new project. Pod security is what OpenShift's label syncer sets for a project whose pods may use
/// no SCC but the platform's restricted one.
pub(super) fn namespace(name: &str, user: &str, shown: &str, description: &str) -> Result<Namespace, Refusal> {
    let labels: serde_json::Map<String, Value> = ["enforce", "audit", "warn"]
        .into_iter()
        .flat_map(|mode| [(mode.to_owned(), "restricted"), (format!("{mode}-version"), "latest")])
        .map(|(mode, value)| (format!("pod-security.kubernetes.io/{mode}"), value.into()))
        .collect();
    let annotations = json!({
        "openshift.io/requester": user,
        "openshift.io/display-name": shown,
        "openshift.io/description": description,
    });
    let object = json!({"metadata": {"name": name, "labels": labels, "annotations": annotations}});
    serde_json::from_value(object).map_err(|error| Refusal::broken(&error.to_string()))
}

/// Makes the user the administrator of a project.
pub(super) fn administrator(user: &str) -> RoleBinding {
    let group = "rbac.authorization.k8s.io";
    RoleBinding {
        metadata: ObjectMeta { name: Some("admin".into()), ..ObjectMeta::default() },
        role_ref: RoleRef { api_group: group.into(), kind: "ClusterRole".into(), name: "admin".into() },
        subjects: Some(vec![Subject {
            api_group: Some(group.into()),
            kind: "User".into(),
            name: user.into(),
            namespace: None,
        }]),
    }
}

/// Why a request is refused: a `Status`.
pub(super) struct Refusal(Value);

impl Refusal {
    fn new(code: u16, reason: &str, message: &str) -> Self {
        Self(json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
            "message": message}))
    }

    pub(super) fn forbidden(name: &str, why: &str) -> Self {
        Self::new(403, "Forbidden", &format!("project.project.openshift.io \"{name}\" is forbidden: {why}"))
    }

    /// As OpenShift's API server words it, which takes the project for a thing in its namespace.
    pub(super) fn without_right(user: &str, verb: &str, name: &str) -> Self {
        let may_not = format!(
            "User \"{user}\" cannot {verb} resource \"projects\" in API group \"project.openshift.io\" in the namespace \
             \"{name}\""
        );
        Self::new(403, "Forbidden", &format!("projects.project.openshift.io \"{name}\" is forbidden: {may_not}"))
    }

    pub(super) fn taken(name: &str) -> Self {
        Self::new(409, "AlreadyExists", &format!("project.project.openshift.io \"{name}\" already exists"))
    }

    pub(super) fn unreadable(why: &str) -> Self {
        Self::new(400, "BadRequest", &format!("the body is not JSON: {why}"))
    }

    pub(super) fn unknown() -> Self {
        Self::new(401, "Unauthorized", "the front proxy does not say who asks")
    }

    /// The lab itself failed.
    pub(super) fn broken(why: &str) -> Self {
        Self::new(500, "InternalError", why)
    }
}

impl From<kube::Error> for Refusal {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::new(status.code, &status.reason, &status.message),
            other => Self::broken(&other.to_string()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = self.0["code"].as_u64().and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok());
        (code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(self.0)).into_response()
    }
}
