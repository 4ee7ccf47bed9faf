//! The pod and its containers, short of the image and of crashes: no node, no volume, no valid configuration.

use std::time::Duration;

use kube::ResourceExt as _;

use super::symptom::Symptom;
use super::view::{View, event_line, is_over};
use super::{claims, words};

pub(super) use super::crash::crashing;

/// An autoscaler needs a moment to promise a node, and the scheduler one to see a freed one.
const SCHEDULE_GRACE: Duration = Duration::from_secs(10);
/// Runtimes report "context deadline exceeded" and the like once, then succeed.
const RUNTIME_GRACE: Duration = Duration::from_secs(10);
/// Mounts fail for a moment while a node fetches Secrets and ConfigMaps for the first time.
const MOUNT_GRACE: Duration = Duration::from_secs(5);

/// No node takes the pod.
pub(super) fn unschedulable(view: &View<'_>) -> Option<Symptom> {
    // About volumes the scheduler says less than the claim's own events do.
    let told = unscheduled(view).filter(|told| !claims::explains(view, told))?;
    let name = view.pod?.name_any();
    let message = format!("no node takes pod {name}: {told}");
    let kubectl = view.kubectl();
    let hint = format!(
        "`kubectl describe nodes` shows what is free, `{kubectl} describe pod {name}` what is asked; uncordon or free a node, or remove environments (`lsdeploy list`)"
    );
    let symptom = Symptom::new("unschedulable", &message, hint).evidence([format!("PodScheduled=False: {told}")]);
    Some(symptom.final_after(SCHEDULE_GRACE))
}

/// Why the scheduler has found no node, in its own words.
pub(super) fn unscheduled<'a>(view: &View<'a>) -> Option<&'a str> {
    let conditions = view.pod?.status.as_ref()?.conditions.as_ref()?;
    let mut scheduled = conditions.iter().filter(|condition| condition.type_ == "PodScheduled");
    scheduled.find(|condition| condition.status == "False")?.message.as_deref()
}

/// The pod is over and has no successor yet: evicted, preempted, refused by its node.
pub(super) fn pod_failed(view: &View<'_>) -> Option<Symptom> {
    let pod = view.pod.filter(|pod| is_over(pod))?;
    let status = pod.status.as_ref()?;
    let reason = status.reason.as_deref().unwrap_or("Failed");
    let told = status.message.as_deref().unwrap_or_default();
    let name = pod.name_any();
    let hint = format!("`{} describe pod {name}` shows what its node lacked", view.kubectl());
    let message = format!("pod {name} is over ({reason}) before the emulator was ready: {told}");
    Some(Symptom::new("pod-failed", &message, hint).evidence([format!("{reason}: {told}")]))
}

/// The node cannot make the container out of the pod's spec.
pub(super) fn misconfigured(view: &View<'_>) -> Option<Symptom> {
    let pod = view.pod?.name_any();
    let waits = view.containers().filter_map(|status| Some((status, status.state.as_ref()?.waiting.as_ref()?)));
    let (status, waiting) = waits.into_iter().find(|(_, waiting)| waiting.reason.as_deref().is_some_and(is_refusal))?;
    let reason = waiting.reason.as_deref().unwrap_or_default();
    let told = words::without_rpc(waiting.message.as_deref().unwrap_or_default());
    let message = format!("container {} of pod {pod} cannot be created ({reason}): {told}", status.name);
    let hint = if told.contains("runAsNonRoot") {
        format!(
            "the image wants to run as root: `lsdeploy up --env {} --scc custom`, or an `--image` that does not",
            view.expect.env
        )
    } else {
        format!(
            "`{} describe pod {pod}` names what is missing; `lsdeploy up --env {}` mends what was changed by hand",
            view.kubectl(),
            view.expect.env
        )
    };
    let symptom = Symptom::new("container-refused", &message, hint).evidence([format!("{reason}: {told}")]);
    if reason == "CreateContainerConfigError" {
        Some(symptom.final_at_once())
    } else {
        Some(symptom.final_after(RUNTIME_GRACE))
    }
}

/// The pod has a node, and its volumes or its network do not come.
pub(super) fn not_starting(view: &View<'_>) -> Option<Symptom> {
    const TROUBLE: [&str; 3] = ["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"];
    let pod = view.pod?.name_any();
    let creating = view.containers().any(|status| {
        let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
        matches!(waiting.and_then(|waiting| waiting.reason.as_deref()), Some("ContainerCreating" | "PodInitializing"))
    });
    // A pull, or anything later, says that mounts and network came after all.
    let event = view.pod_event(&[&TROUBLE[..], &["Pulling", "Pulled", "Created", "Started"]].concat())?;
    if !creating || !event.reason.as_deref().is_some_and(|reason| TROUBLE.contains(&reason)) {
        return None;
    }
    let message = format!("pod {pod} has a node, but cannot start there: {}", words::without_rpc(&event_line(event)));
    let hint = format!(
        "`{} describe pod {pod}` shows every attempt; volumes and pod network are the node's business",
        view.kubectl()
    );
    Some(Symptom::new("pod-not-starting", &message, hint).evidence([event_line(event)]).named_after(MOUNT_GRACE))
}

fn is_refusal(reason: &str) -> bool {
    matches!(
        reason,
        "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
            | "PreCreateHookError"
            | "PreStartHookError"
            | "PostStartHookError"
    )
}
