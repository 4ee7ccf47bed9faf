//! Namespace and Deployment: gone, stalled, or not to be seen.

use std::time::Duration;

use k8s_openapi::api::apps::v1::DeploymentCondition;

use super::symptom::Symptom;
use super::view::View;

/// A list that fails for longer than this is not a hiccup of the API server.
const BLINDNESS_GRACE: Duration = Duration::from_secs(15);
/// An API server that restarts may refuse credentials for a moment.
const EXPIRY_GRACE: Duration = Duration::from_secs(5);

/// The namespace is being deleted: nothing can be created in it any more.
pub(super) fn namespace_terminating(view: &View<'_>) -> Option<Symptom> {
    let name = &view.expect.namespace;
    let namespace = view.seen.namespace.get(name)?;
    let phase = namespace.status.as_ref().and_then(|status| status.phase.as_deref());
    if namespace.metadata.deletion_timestamp.is_none() && phase != Some("Terminating") {
        return None;
    }
    let conditions = namespace.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let told =
        conditions.filter(|condition| condition.status == "True").filter_map(|condition| condition.message.as_ref());
    Some(terminating(view).evidence(told))
}

/// The finding of [`namespace_terminating`], for the other rule that may notice it first.
pub(super) fn terminating(view: &View<'_>) -> Symptom {
    let name = &view.expect.namespace;
    let message = format!("waited for the environment in namespace {name}, but the namespace is being deleted");
    let hint = format!(
        "wait until `kubectl get namespace {name}` says NotFound, then run `lsdeploy up --env {}` again",
        view.expect.env
    );
    Symptom::new("namespace-terminating", &message, hint).final_at_once()
}

/// Somebody deleted the Deployment while it was waited for.
pub(super) fn deployment_deleted(view: &View<'_>) -> Option<Symptom> {
    let expect = view.expect;
    let leaving = view.deployment.is_some_and(|deployment| deployment.metadata.deletion_timestamp.is_some());
    let gone = view.deployment.is_none() && view.seen.deployment.listed();
    if !leaving && !gone {
        return None;
    }
    let message =
        format!("waited for Deployment {}/{}, but it was deleted meanwhile", expect.namespace, expect.deployment);
    let hint = format!("find out who ran `down` or deleted it, then run `lsdeploy up --env {}` again", expect.env);
    Some(Symptom::new("deployment-deleted", &message, hint).final_at_once())
}

/// The Deployment controller gave up on the rollout (`progressDeadlineSeconds`).
pub(super) fn stalled(view: &View<'_>) -> Option<Symptom> {
    if !view.observed() {
        return None;
    }
    let condition = condition(view, "Progressing")?;
    if condition.reason.as_deref() != Some("ProgressDeadlineExceeded") {
        return None;
    }
    let told = condition.message.as_deref().unwrap_or_default();
    let message = format!(
        "the rollout of Deployment {} made no progress within its own deadline: {told}",
        view.expect.deployment
    );
    let hint = format!(
        "`{} describe deployment,replicaset,pod -l app.kubernetes.io/instance={}` shows what its pod lacks",
        view.kubectl(),
        view.expect.env
    );
    let symptom =
        Symptom::new("rollout-stalled", &message, hint).evidence([format!("ProgressDeadlineExceeded: {told}")]);
    // The condition outlives the trouble: found at the start, it speaks of an earlier attempt.
    if view.seen.inherited.contains("rollout-stalled") { Some(symptom) } else { Some(symptom.final_at_once()) }
}

/// A kind that the verdict depends on cannot be read, or nothing can be read any more.
pub(super) fn unseen(view: &View<'_>) -> Option<Symptom> {
    let seen = view.seen;
    if seen.deployment.expired() || seen.pods.expired() || seen.routes.expired() {
        let message = "the API server does not take the caller's credentials any more (HTTP 401)";
        let hint = "they have expired: log in again (`oc login`), or renew the client certificate; then run this again";
        return Some(Symptom::new("credentials-expired", message, hint).final_after(EXPIRY_GRACE));
    }
    let routes = seen.routes.blind().filter(|_| !view.expect.routes.is_empty());
    let kinds = [("Deployments", seen.deployment.blind()), ("Pods", seen.pods.blind()), ("Routes", routes)];
    let (kind, why) = kinds.into_iter().find_map(|(kind, blind)| Some((kind, blind?)))?;
    let namespace = &view.expect.namespace;
    let message = format!(
        "cannot see the {kind} of namespace {namespace}, so cannot tell whether the environment is ready: {why}"
    );
    let resource = kind.to_lowercase();
    let hint = format!("`kubectl auth can-i watch {resource} -n {namespace}` must say yes; `--no-wait` does without");
    Some(Symptom::new("cannot-see", &message, hint).named_after(BLINDNESS_GRACE))
}

/// A condition of the Deployment, by its type.
pub(super) fn condition<'a>(view: &View<'a>, kind: &str) -> Option<&'a DeploymentCondition> {
    let conditions = view.deployment?.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == kind)
}
