//! Pods that admission refuses: no SCC fits, Pod Security, quota, LimitRange.
//!
//! Nobody creates the pod but the ReplicaSet, so the refusal stands in its condition and its events, nowhere else.

use std::time::Duration;

use k8s_openapi::api::core::v1::Event;

use super::symptom::Symptom;
use super::view::View;
use super::{ExpectedScc, rollout, scc_refusal, words};

/// Right after a RoleBinding, a label or a quota was written, admission still works with what its caches hold. The
/// ReplicaSet retries after 5, 10, 20, ... ms, so within two seconds it has tried eight times.
const CACHE_GRACE: Duration = Duration::from_secs(2);

/// The codes of this file's findings.
pub(super) const CODES: [&str; 5] = ["scc-none-fits", "psa-refused", "quota-exceeded", "limit-range", "pod-refused"];

/// The ReplicaSet may not create its pod.
pub(super) fn refused(view: &View<'_>) -> Option<Symptom> {
    if view.pod.is_some() {
        return None;
    }
    let refusal = refusal(view)?;
    let symptom = kind(&refusal)(view, &refusal);
    let grace = symptom.final_after.unwrap_or(CACHE_GRACE);
    Some(symptom.evidence([refusal]).named_after(grace).final_after(grace))
}

/// The server's newest words about the refused pod.
fn refusal(view: &View<'_>) -> Option<String> {
    let set = view.replica_set.and_then(|set| Some((set, set.status.as_ref()?.conditions.as_ref()?)));
    let failing = set.and_then(|(set, conditions)| {
        let condition =
            conditions.iter().find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")?;
        // The condition keeps the words of the first refusal; later ones, maybe for another reason, are in events.
        let event = view.seen.newest_event(set.metadata.uid.as_deref(), &["FailedCreate"]);
        event.and_then(|event: &Event| event.message.clone()).or_else(|| condition.message.clone())
    });
    let message = failing.or_else(|| without_replica_set(view))?;
    // "Error creating: ...", and "(combined from similar events): Error creating: ..." once there are many.
    Some(message.split_once("Error creating: ").map_or(message.as_str(), |(_, words)| words).to_owned())
}

/// The Deployment repeats its ReplicaSet's refusal, or says why it could not create the ReplicaSet itself.
///
/// It may repeat that of an older ReplicaSet, too: it is asked only where the newest one cannot be.
fn without_replica_set(view: &View<'_>) -> Option<String> {
    if view.replica_set.is_some() || !view.observed() {
        return None;
    }
    let refused = rollout::condition(view, "ReplicaFailure").filter(|condition| condition.status == "True");
    let uncreated = rollout::condition(view, "Progressing")
        .filter(|condition| condition.reason.as_deref() == Some("ReplicaSetCreateError"));
    refused.or(uncreated)?.message.clone()
}

/// Which part of admission speaks, told by its wording.
fn kind(refusal: &str) -> fn(&View<'_>, &str) -> Symptom {
    let says = |needles: &[&str]| needles.iter().any(|needle| refusal.contains(needle));
    if says(&["security context constraint", "error creating provider for SCC", "the required SCC"]) {
        scc_none_fits
    } else if says(&["violates PodSecurity"]) {
        psa_refused
    } else if says(&["exceeded quota", "failed quota", "insufficient quota"]) {
        quota_exceeded
    } else if says(&[" per Container is ", " per Pod is ", "limit to request ratio"]) {
        limit_range
    } else if says(&["is being terminated"]) {
        |view, _| rollout::terminating(view)
    } else {
        pod_refused
    }
}

fn scc_none_fits(view: &View<'_>, refusal: &str) -> Symptom {
    let env = &view.expect.env;
    let namespace = &view.expect.namespace;
    if let Some((_, rest)) = refusal.split_once("error creating provider for SCC ") {
        let broken = rest.split([' ', ':']).next().unwrap_or(rest);
        let message = format!(
            "no SCC could be tried for the pod: SCC {broken} is malformed, which refuses every pod of the cluster: {rest}"
        );
        let hint = format!("a cluster administrator must repair or delete it: `kubectl get scc {broken} -o yaml`");
        return Symptom::new("scc-none-fits", &message, hint);
    }
    let ours = match &view.expect.scc {
        ExpectedScc::Named(name) => Some(name.as_str()),
        ExpectedScc::Any | ExpectedScc::Absent => None,
    };
    let message = format!(
        "no SCC lets the pod of Deployment {}/{} in: {}",
        namespace,
        view.expect.deployment,
        scc_refusal::told_lines(refusal, ours)
    );
    let others = format!(
        "`lsdeploy up --env {env} --scc none` (the platform's restricted SCC), or `--scc existing:NAME` with one that fits"
    );
    let hint = match ours.filter(|name| !scc_refusal::usable(refusal, name)) {
        Some(name) => {
            let account = account(view);
            format!(
                "`kubectl -n {namespace} auth can-i use scc/{name} --as system:serviceaccount:{namespace}:{account}` must say yes; otherwise {others}"
            )
        }
        None => format!("compare the pod with the SCC that was to take it; otherwise {others}"),
    };
    Symptom::new("scc-none-fits", &message, hint)
}

fn psa_refused(view: &View<'_>, refusal: &str) -> Symptom {
    let namespace = &view.expect.namespace;
    // What stands in parentheses tells a developer which field to set, container by container: evidence keeps it.
    let violation = refusal.split_once("violates PodSecurity").map_or(refusal, |(_, rest)| rest);
    let violation = words::without_asides(violation);
    let message = format!("Pod Security of namespace {namespace} refuses the pod: it violates level {violation}");
    let hint = format!(
        "have the namespace labelled (`kubectl label namespace {namespace} --overwrite pod-security.kubernetes.io/enforce=baseline`), \
         or run `lsdeploy up --env {} --scc none`, which passes level restricted",
        view.expect.env
    );
    Symptom::new("psa-refused", &message, hint)
}

fn quota_exceeded(view: &View<'_>, refusal: &str) -> Symptom {
    let told =
        ["exceeded quota", "failed quota", "insufficient quota"].into_iter().find_map(|start| refusal.find(start));
    let message = format!(
        "the quota of namespace {} has no room for the pod: {}",
        view.expect.namespace,
        told.map_or(refusal, |at| &refusal[at..])
    );
    let kubectl = view.kubectl();
    let hint = format!(
        "`{kubectl} describe quota` shows what is used; free some (`lsdeploy list`), have it raised, or use another `--namespace`"
    );
    Symptom::new("quota-exceeded", &message, hint)
}

fn limit_range(view: &View<'_>, refusal: &str) -> Symptom {
    let told = refusal.split_once("is forbidden: ").map_or(refusal, |(_, rest)| rest);
    let message = format!("a LimitRange of namespace {} refuses the pod: {told}", view.expect.namespace);
    let hint = format!(
        "`{} describe limitrange` shows the bounds; have them widened, or use another `--namespace`",
        view.kubectl()
    );
    Symptom::new("limit-range", &message, hint)
}

fn pod_refused(view: &View<'_>, refusal: &str) -> Symptom {
    let kubectl = view.kubectl();
    let message = format!(
        "the cluster refuses the pod of Deployment {}/{}: {refusal}",
        view.expect.namespace, view.expect.deployment
    );
    let hint = format!(
        "`{kubectl} describe replicaset -l app.kubernetes.io/instance={}` shows every attempt; the policy named there decides",
        view.expect.env
    );
    Symptom::new("pod-refused", &message, hint)
}

fn account<'a>(view: &View<'a>) -> &'a str {
    let pod = view.deployment.and_then(|deployment| deployment.spec.as_ref()?.template.spec.as_ref());
    pod.and_then(|pod| pod.service_account_name.as_deref()).unwrap_or("default")
}
