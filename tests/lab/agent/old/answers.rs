//! What the proxy says itself, and what it changes in the server's answers about itself.

use super::rules::LATER_GROUPS;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::{Value, json};

/// The server's words about itself, as OpenShift 3.11 has them.
pub(super) fn rewrite(path: &str, value: &mut Value) {
    match path.trim_end_matches('/') {
        "/version" => {
            value["major"] = "1".into();
            value["minor"] = "11+".into();
            value["gitVersion"] = "v1.11.0+d4cacc0".into();
            value["gitCommit"] = "d4cacc0".into();
        }
        "/apis" => {
            if let Some(groups) = value.get_mut("groups").and_then(Value::as_array_mut) {
                groups.retain(|group| !LATER_GROUPS.iter().any(|later| group["name"] == *later));
            }
        }
        _ => {}
    }
}

/// Who a token belongs to, as OpenShift's `User`.
pub(super) async fn user(client: &Client, token: &str) -> Result<Value, String> {
    let spec = TokenReviewSpec { token: Some(token.to_owned()), ..TokenReviewSpec::default() };
    let review = TokenReview { spec, ..TokenReview::default() };
    let answer = Api::all(client.clone()).create(&PostParams::default(), &review).await;
    let answer = answer.map_err(|error| error.to_string())?.status.unwrap_or_default();
    match answer.user.and_then(|user| user.username) {
        Some(name) => Ok(json!({"kind": "User", "apiVersion": "user.openshift.io/v1", "metadata": {"name": name},
            "identities": null, "groups": null})),
        None => Err(answer.error.unwrap_or_else(|| "the token is unknown".to_owned())),
    }
}

pub(super) fn json(value: &Value) -> Response {
    answer(StatusCode::OK, value)
}

/// Kubernetes' object for failures.
pub(super) fn status(code: u16, reason: &str, message: &str) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code});
    answer(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body)
}

pub(super) fn refused(why: &str) -> Response {
    status(401, "Unauthorized", why)
}

/// The server behind is not there: its clients see what those of a stopped master see through a load balancer.
pub(super) fn unreachable(why: &str) -> Response {
    status(502, "BadGateway", &format!("no answer from the API server: {why}"))
}

fn answer(code: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_says_that_it_is_old() {
        let mut version = json!({"major": "1", "minor": "20", "gitVersion": "v1.20.2", "platform": "linux/amd64"});
        rewrite("/version", &mut version);
        assert_eq!(version["gitVersion"], "v1.11.0+d4cacc0");
        let mut groups = json!({"groups": [{"name": "apps"}, {"name": "coordination.k8s.io"}]});
        rewrite("/apis", &mut groups);
        assert_eq!(groups, json!({"groups": [{"name": "apps"}]}));
    }
}
