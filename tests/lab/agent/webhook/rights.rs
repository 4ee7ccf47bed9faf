//! Who may do what, asked of the API server at the moment of the decision.
//!
//! For SCCs one `SelfSubjectRulesReview` per subject gives all its rules in the namespace: a review per SCC would be
//! twenty requests per pod, and a copy of the RBAC objects could miss a binding that was made just before the pod.

use crate::access::{UserInfo, allowed};
use http::Request;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, ResourceRule, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
};
use kube::Client;
use std::collections::BTreeSet;

/// The SCCs that one subject may use in one namespace by RBAC.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Usable {
    every: bool,
    named: BTreeSet<String>,
}

impl Usable {
    pub(crate) fn includes(&self, scc: &str) -> bool {
        self.every || self.named.contains(scc)
    }

    fn from_rules(rules: &[ResourceRule]) -> Self {
        let mut usable = Self::default();
        for rule in rules {
            let names = |list: &Option<Vec<String>>, word: &str| {
                list.iter().flatten().any(|entry| entry == "*" || entry == word)
            };
            let applies = rule.verbs.iter().any(|verb| verb == "*" || verb == "use")
                && names(&rule.api_groups, "security.openshift.io")
                && names(&rule.resources, "securitycontextconstraints");
            match &rule.resource_names {
                _ if !applies => {}
                Some(some) if !some.is_empty() => usable.named.extend(some.iter().cloned()),
                _ => usable.every = true,
            }
        }
        usable
    }
}

/// Asks as the subject itself (impersonated), because only the subject may list its own rules.
pub(crate) async fn usable_sccs(client: &Client, user: &UserInfo, namespace: &str) -> Result<Usable, String> {
    if user.groups.iter().any(|group| group == "system:masters") {
        return Ok(Usable { every: true, ..Usable::default() });
    }
    let review = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) },
        ..SelfSubjectRulesReview::default()
    };
    let failed = |why: &dyn std::fmt::Display| format!("cannot list the rights of {}: {why}", user.username);
    let mut request = Request::post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews")
        .header("Content-Type", "application/json")
        .header("Impersonate-User", &user.username);
    for group in &user.groups {
        request = request.header("Impersonate-Group", group);
    }
    let body = serde_json::to_vec(&review).map_err(|error| failed(&error))?;
    let request = request.body(body).map_err(|error| failed(&error))?;
    let answer: SelfSubjectRulesReview = client.request(request).await.map_err(|error| failed(&error))?;
    Ok(Usable::from_rules(&answer.status.unwrap_or_default().resource_rules))
}

/// The same by one `SubjectAccessReview` per SCC: slower, but about exactly the groups given.
pub(crate) async fn usable_sccs_one_by_one(
    client: &Client,
    user: &UserInfo,
    namespace: &str,
    sccs: &BTreeSet<&str>,
) -> Result<Usable, String> {
    let questions = sccs.iter().map(|scc| async move {
        let may = allowed(
            client,
            user,
            ResourceAttributes {
                namespace: Some(namespace.to_owned()),
                verb: Some("use".into()),
                group: Some("security.openshift.io".into()),
                resource: Some("securitycontextconstraints".into()),
                name: Some((*scc).to_owned()),
                ..ResourceAttributes::default()
            },
        );
        may.await.map(|may| may.then(|| (*scc).to_owned()))
    });
    let answers: Vec<Option<String>> = futures::future::try_join_all(questions).await?;
    Ok(Usable { every: false, named: answers.into_iter().flatten().collect() })
}

/// May `user` set (`create`) or change (`update`) the host of Routes in `namespace`?
pub(crate) async fn custom_host(client: &Client, user: &UserInfo, namespace: &str, verb: &str) -> Result<bool, String> {
    let question = ResourceAttributes {
        namespace: Some(namespace.to_owned()),
        verb: Some(verb.to_owned()),
        group: Some("route.openshift.io".into()),
        resource: Some("routes".into()),
        subresource: Some("custom-host".into()),
        ..ResourceAttributes::default()
    };
    allowed(client, user, question).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verb: &str, group: &str, resource: &str, names: &[&str]) -> ResourceRule {
        let list = |word: &str| Some(vec![word.to_owned()]);
        ResourceRule {
            verbs: vec![verb.into()],
            api_groups: list(group),
            resources: list(resource),
            resource_names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        }
    }

    #[test]
    fn a_rule_with_names_gives_those_names_only() {
        let rules = [rule("use", "security.openshift.io", "securitycontextconstraints", &["a"])];
        let usable = Usable::from_rules(&rules);
        assert!(usable.includes("a"));
        assert!(!usable.includes("b"));
    }

    #[test]
    fn stars_give_everything() {
        assert!(Usable::from_rules(&[rule("*", "*", "*", &[])]).includes("any"));
    }

    #[test]
    fn another_verb_group_or_resource_gives_nothing() {
        let rules = [
            rule("get", "security.openshift.io", "securitycontextconstraints", &[]),
            rule("use", "policy", "securitycontextconstraints", &[]),
            rule("use", "security.openshift.io", "pods", &[]),
        ];
        assert_eq!(Usable::from_rules(&rules), Usable::default());
    }
}
