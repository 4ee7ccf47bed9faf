//! What the caller may do, asked before the first write. IO.

use futures::future::{join_all, try_join_all};
use serde_json::{Value, json};

use super::discover::Facts;
use super::{Cluster, Fault};
use crate::environment::NamespaceName;
use crate::error::{CommandError, Result};
use crate::manifest::{Kind, ObjectId};
use crate::plan::{Action, Plan};
use crate::rights::{Answer, Need, Preflight, Right, Verdict, needed};

/// How errors of checks begin that come before the first write.
pub const NOTHING_WRITTEN: &str = "nothing was written: ";

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Which rights are there only later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// None: what is missing now stays missing.
    Now,
    /// Those in the namespace come with the project that is to be requested.
    WithProject,
}

/// Asks for every right that the plan needs, all at once; a cluster-admin has been asked already.
///
/// # Errors
/// The server does not answer. A right that is missing is no error here.
pub async fn ask(
    cluster: &Cluster,
    facts: &Facts,
    namespace: &NamespaceName,
    plan: &Plan,
    granted: Granted,
) -> Result<Preflight> {
    let answers = needed(plan).into_iter().map(|need| answer(cluster, facts, namespace, need, granted));
    Ok(Preflight {
        server: cluster.server.trim_end_matches('/').to_owned(),
        context: cluster.context.clone(),
        user: facts.user.clone(),
        is_admin: facts.is_admin,
        namespace: namespace.to_string(),
        cluster: serves(facts),
        answers: try_join_all(answers).await?,
        differs: differs(plan),
    })
}

async fn answer(
    cluster: &Cluster,
    facts: &Facts,
    namespace: &NamespaceName,
    need: Need,
    granted: Granted,
) -> Result<Answer> {
    let verdict = if facts.is_admin {
        Verdict::Yes
    } else if granted == Granted::WithProject && need.comes_with_project {
        Verdict::WithProject
    } else if may(cluster, namespace, &need.right).await? || may_all(cluster, namespace, &need.instead).await? {
        Verdict::Yes
    } else if need.only_server_knows {
        Verdict::Open
    } else {
        Verdict::No
    };
    Ok(Answer { need, verdict })
}

/// Whether the caller has a right.
pub async fn may(cluster: &Cluster, namespace: &NamespaceName, right: &Right) -> Result<bool> {
    ask_server(cluster, &attributes(right, namespace.as_str())).await
}

async fn may_all(cluster: &Cluster, namespace: &NamespaceName, rights: &[Right]) -> Result<bool> {
    if rights.is_empty() {
        return Ok(false);
    }
    let all = join_all(rights.iter().map(|right| may(cluster, namespace, right))).await;
    Ok(all.into_iter().collect::<Result<Vec<bool>>>()?.into_iter().all(|one| one))
}

/// A right as the server is asked for it.
pub(super) fn attributes(right: &Right, namespace: &str) -> Value {
    let (resource, subresource) = right.resource.split_once('/').unwrap_or((&right.resource, ""));
    let namespace = if right.namespaced { namespace } else { "" };
    json!({"namespace": namespace, "group": right.group, "resource": resource, "subresource": subresource,
        "verb": right.verb, "name": right.name.as_deref().unwrap_or_default()})
}

/// Objects that are there and would be changed.
fn differs(plan: &Plan) -> Vec<(ObjectId, Vec<String>)> {
    let changed = |action| matches!(action, Action::Update | Action::Replace);
    let steps = plan.steps.iter().filter(|step| changed(step.action) && !step.changes.is_empty());
    steps.map(|step| (step.id.clone(), step.changes.clone())).collect()
}

fn serves(facts: &Facts) -> String {
    let word = |served| if served { "yes" } else { "no" };
    let (sccs, projects) = (word(facts.has_sccs), word(facts.has_projects));
    format!("Kubernetes {}; serves Routes: yes, SCCs: {sccs}, projects: {projects}", facts.version)
}

/// Whether a namespace that is not there is made as a project: where the caller may not make namespaces but may request those.
/// Where neither is allowed, the plan's own check says so.
pub async fn founds_project(cluster: &Cluster) -> Result<bool> {
    if review(cluster, "", "", "namespaces", "create").await? {
        return Ok(false);
    }
    review(cluster, "", "project.openshift.io", "projectrequests", "create").await
}

/// Whether the caller may write in a namespace: the right to what `up` writes first stands for all.
pub async fn may_write(cluster: &Cluster, namespace: &NamespaceName) -> Result<bool> {
    review(cluster, namespace.as_str(), "", Kind::ServiceAccount.plural(), "create").await
}

/// Whether the caller may make objects of a kind in a namespace.
pub async fn may_create(cluster: &Cluster, namespace: &str, kind: Kind) -> Result<bool> {
    review(cluster, namespace, kind.group(), kind.plural(), "create").await
}

/// Whether the caller is a cluster-admin: one question instead of twenty.
pub async fn may_everything(cluster: &Cluster) -> Result<bool> {
    review(cluster, "", "*", "*", "*").await
}

async fn review(cluster: &Cluster, namespace: &str, group: &str, resource: &str, verb: &str) -> Result<bool> {
    ask_server(cluster, &json!({"namespace": namespace, "group": group, "resource": resource, "verb": verb})).await
}

async fn ask_server(cluster: &Cluster, attributes: &Value) -> Result<bool> {
    let answer = cluster.post(REVIEWS, &self_review(attributes)).await;
    let answer = answer.map_err(|fault: Fault| fault.explain("ask what the caller may do"))?;
    Ok(is_allowed(&answer))
}

fn self_review(attributes: &Value) -> Value {
    json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes}})
}

fn is_allowed(answer: &Value) -> bool {
    answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false)
}

/// Whether a ServiceAccount has a right: asked as that account, else about it; `None` where the caller may do neither.
///
/// # Errors
/// The server does not answer.
pub async fn account_may(
    cluster: &Cluster,
    namespace: &NamespaceName,
    account: &str,
    right: &Right,
) -> Result<Option<bool>> {
    let user = format!("system:serviceaccount:{namespace}:{account}");
    let attributes = attributes(right, namespace.as_str());
    let explain = |fault: Fault| fault.explain(&format!("ask what {user} may do"));
    match cluster.post_as(REVIEWS, &self_review(&attributes), &user).await {
        Ok(answer) => return Ok(Some(is_allowed(&answer))),
        Err(fault) if fault.code() == Some(403) => {}
        Err(fault) => return Err(explain(fault)),
    }
    let path = format!("/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews");
    let groups = ["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}"), "system:authenticated"];
    let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "LocalSubjectAccessReview",
        "metadata": {"namespace": namespace.as_str()},
        "spec": {"user": user, "groups": groups, "resourceAttributes": attributes}});
    match cluster.post(&path, &body).await {
        Ok(answer) => Ok(Some(is_allowed(&answer))),
        Err(fault) if fault.code() == Some(403) => Ok(None),
        Err(fault) => Err(explain(fault)),
    }
}

/// The error for a table in which something is missing. The ways out are added by who knows the command line.
pub fn refusal(preflight: Preflight) -> CommandError {
    let missing = preflight.missing_in_words();
    let who = preflight.user.clone().unwrap_or_else(|| "the caller".to_owned());
    let more = missing.len().saturating_sub(NAMED);
    let list = missing[..missing.len() - more].join(", ");
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    // What is there and cannot be put right is the first thing to look at.
    let is_stuck = |id: &ObjectId| preflight.missing().iter().any(|need| need.needed_for.contains(id));
    let differs = preflight.differs.iter().filter(|(id, _)| is_stuck(id));
    let differs: Vec<String> =
        differs.map(|(id, paths)| format!("; {id} is not as it is to be, at {}", paths.join(", "))).collect();
    let message = format!(
        "{NOTHING_WRITTEN}{who} may not do all that is needed in {}: {list}{more}{}",
        preflight.namespace,
        differs.concat()
    );
    CommandError { preflight: Some(Box::new(preflight)), ..CommandError::new(message) }
}

/// So many missing rights are named in the sentence; the table has all.
const NAMED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subresource_and_a_name_are_asked_for_as_such() {
        let right = Right {
            verb: "create".into(),
            group: "route.openshift.io".into(),
            resource: "routes/custom-host".into(),
            name: None,
            namespaced: true,
        };
        let asked = attributes(&right, "team");
        assert_eq!((&asked["resource"], &asked["subresource"]), (&json!("routes"), &json!("custom-host")));
        let right = Right { resource: "namespaces".into(), name: Some("team".into()), namespaced: false, ..right };
        let asked = attributes(&right, "team");
        assert_eq!((&asked["namespace"], &asked["name"]), (&json!(""), &json!("team")));
    }
}
