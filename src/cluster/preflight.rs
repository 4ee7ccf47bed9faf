//! What the caller may do, asked before the first write.

use futures::future::try_join_all;
use serde_json::{Value, json};

use super::{Cluster, Fault};
use crate::environment::{NamespaceName, Tenure};
use crate::error::{CommandError, Result};
use crate::level::Writing;
use crate::manifest::Kind;
use crate::plan::{Action, Plan};

/// How errors of checks begin that come before the first write.
pub const NOTHING_WRITTEN: &str = "nothing was written: ";

/// One right that a plan needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    kind: Kind,
    verb: &'static str,
}

/// Asks for every right that the plan needs, of a caller who is no cluster-admin.
///
/// # Errors
/// All missing rights at once, with the ways out.
pub async fn check(cluster: &Cluster, namespace: &str, plan: &Plan, comes_with: Granted) -> Result<()> {
    let mut needed = needed(plan);
    if comes_with == Granted::WithProject {
        needed.retain(|right| !right.kind.is_namespaced());
    }
    let answers = try_join_all(needed.iter().map(|right| async move {
        let allowed = review(cluster, namespace, right.kind.group(), right.kind.plural(), right.verb).await?;
        Ok::<_, CommandError>((right, allowed))
    }))
    .await?;
    let missing: Vec<&Right> = answers.into_iter().filter(|(_, allowed)| !allowed).map(|(right, _)| right).collect();
    if missing.is_empty() { Ok(()) } else { Err(explain(namespace, &missing)) }
}

/// Which rights are there only later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// None: what is missing now stays missing.
    Now,
    /// Those in the namespace come with the project that is to be requested.
    WithProject,
}

/// How a namespace that is not there can be made: as a namespace, else as a project; where neither is allowed, the plan's
/// own check says so.
pub async fn founding(cluster: &Cluster) -> Result<Tenure> {
    if review(cluster, "", "", "namespaces", "create").await? {
        return Ok(Tenure::Own);
    }
    let may_request = review(cluster, "", "project.openshift.io", "projectrequests", "create").await?;
    Ok(if may_request { Tenure::Project } else { Tenure::Own })
}

/// Whether the caller may write in a namespace: the right to what `up` writes first stands for all.
pub async fn may_write(cluster: &Cluster, namespace: &NamespaceName) -> Result<bool> {
    review(cluster, namespace.as_str(), "", Kind::ServiceAccount.plural(), "create").await
}

/// Whether the caller may make objects of a kind in a namespace.
pub async fn may_create(cluster: &Cluster, namespace: &str, kind: Kind) -> Result<bool> {
    review(cluster, namespace, kind.group(), kind.plural(), "create").await
}

/// Server-side apply needs `patch`, and `create` where the object does not exist; what is merged here is created by itself, and an
/// SCC is then sent whole.
fn needed(plan: &Plan) -> Vec<Right> {
    let mut rights: Vec<Right> = Vec::new();
    for step in &plan.steps {
        let whole = step.id.kind == Kind::SecurityContextConstraints;
        let verbs: &[&'static str] = match (step.action, plan.writing) {
            (Action::Create, Writing::Applied) => &["create", "patch"],
            (Action::Create, Writing::Merged) => &["create"],
            (Action::Update | Action::Adopt, Writing::Merged) if whole => &["update"],
            (Action::Update | Action::Adopt, _) => &["patch"],
            (Action::Replace, Writing::Applied) => &["delete", "create", "patch"],
            (Action::Replace, Writing::Merged) => &["delete", "create"],
            (Action::Delete, _) => &["delete"],
            (Action::Unchanged, _) => &[],
        };
        rights.extend(verbs.iter().map(|verb| Right { kind: step.id.kind, verb }));
        // A Role may only grant what its writer may do.
        if step.id.kind == Kind::Role && matches!(step.action, Action::Create | Action::Update | Action::Adopt) {
            rights.push(Right { kind: Kind::SecurityContextConstraints, verb: "use" });
        }
    }
    rights.sort();
    rights.dedup();
    rights
}

/// Whether the caller is a cluster-admin: one question instead of twenty.
pub async fn may_everything(cluster: &Cluster) -> Result<bool> {
    review(cluster, "", "*", "*", "*").await
}

async fn review(cluster: &Cluster, namespace: &str, group: &str, resource: &str, verb: &str) -> Result<bool> {
    let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {
        "resourceAttributes": {"namespace": namespace, "group": group, "resource": resource, "verb": verb}}});
    let answer = cluster.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &body).await;
    let answer = answer.map_err(|fault: Fault| fault.explain("ask what the caller may do"))?;
    Ok(answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false))
}

fn explain(namespace: &str, missing: &[&Right]) -> CommandError {
    let list: Vec<String> = missing.iter().map(|right| format!("{} {}", right.verb, right.kind.plural())).collect();
    let error = CommandError::new(format!(
        "{NOTHING_WRITTEN}the caller may not do what this needs in {namespace}: {}",
        list.join(", ")
    ));
    let concerns = |kinds: &[Kind]| missing.iter().any(|right| kinds.contains(&right.kind));
    let error = if concerns(&[Kind::SecurityContextConstraints]) {
        error
            .hint("run without an SCC of its own: --scc none")
            .hint("or with one that a cluster-admin has made and granted: --scc existing:NAME")
    } else {
        error
    };
    if concerns(&[Kind::Namespace]) {
        error.hint("use a namespace that exists and that you administer: --namespace NAME")
    } else {
        error.hint("ask a cluster-admin for these rights; `kubectl auth can-i VERB RESOURCE -n NAMESPACE` tests one")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ObjectId;
    use crate::plan::Step;

    #[test]
    fn rights_follow_from_the_steps() {
        let step = |kind, action| Step {
            id: ObjectId::new(kind, "x"),
            action,
            desired: Value::Null,
            changes: Vec::new(),
            uid: None,
        };
        let plan = Plan {
            steps: vec![
                step(Kind::Route, Action::Create),
                step(Kind::Route, Action::Create),
                step(Kind::Service, Action::Unchanged),
                step(Kind::Role, Action::Delete),
            ],
            writing: Writing::Applied,
        };
        let rights: Vec<String> = needed(&plan).iter().map(|r| format!("{} {}", r.verb, r.kind.plural())).collect();
        assert_eq!(rights, ["delete roles", "create routes", "patch routes"]);
    }
}
