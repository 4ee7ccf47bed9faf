//! Who asks, and what they may do, asked of the API server at the moment of the decision.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Who asks, as the API server has authenticated it.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(crate) struct UserInfo {
    pub(crate) username: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

/// Does the cluster's RBAC let `user` do that?
pub(crate) async fn allowed(client: &Client, user: &UserInfo, question: ResourceAttributes) -> Result<bool, String> {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user.username.clone()),
            uid: Some(user.uid.clone()),
            groups: Some(user.groups.clone()),
            extra: Some(user.extra.clone()),
            resource_attributes: Some(question),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let answer = Api::all(client.clone()).create(&PostParams::default(), &review).await;
    let answer = answer.map_err(|error| format!("cannot ask for the rights of {}: {error}", user.username))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
