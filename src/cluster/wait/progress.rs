//! How far the environment has come, and what it waits for.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ContainerStatus, ObjectReference};
use kube::ResourceExt;

use super::view::View;
use super::{ExpectedScc, Milestone, Ready, routes, scc};

/// The steps reached, in the order in which they are usually reached.
pub(super) fn milestones(view: &View<'_>) -> Vec<Milestone> {
    let total = view.expect.routes.len();
    let admitted = routes::admitted(view);
    [
        (view.expect.scc != ExpectedScc::Absent && scc_settled(view)).then_some(Milestone::SccChosen),
        (admitted > 0).then_some(Milestone::RoutesAdmitted { admitted, total }),
        emulator_ready(view).then_some(Milestone::EmulatorReady),
        in_endpoints(view).then_some(Milestone::Endpoints),
        rolled_out(view).then_some(Milestone::RolledOut),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is not reached yet; nothing if the environment serves.
pub(super) fn missing(view: &View<'_>) -> Vec<String> {
    let total = view.expect.routes.len();
    let admitted = routes::admitted(view);
    let endpoints = in_endpoints(view) || endpoints_hidden(view);
    [
        (!scc_settled(view)).then(|| "a pod under its SCC".to_owned()),
        (!emulator_ready(view)).then(|| "the emulator's readiness".to_owned()),
        (!rolled_out(view)).then(|| format!("the rollout of Deployment {}", view.expect.deployment)),
        (!endpoints).then(|| format!("an endpoint of Service {}", view.expect.service)),
        (admitted < total).then(|| format!("{} of {total} Routes", total - admitted)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The result, once nothing is missing.
pub(super) fn ready(view: &View<'_>) -> Option<Ready> {
    let pod = view.pod?;
    let emulator = view.emulator()?;
    let asked = pod.spec.as_ref()?.containers.first()?.image.as_ref();
    let hosts = view.expect.routes.iter().filter_map(|name| {
        let host = routes::admitted_host(view.seen.routes.get(name)?)?;
        Some((name.clone(), host.to_owned()))
    });
    Some(Ready {
        scc: scc::chosen(view).map(ToOwned::to_owned),
        image: asked.unwrap_or(&emulator.image).clone(),
        digest: digest(emulator),
        hosts: hosts.collect::<BTreeMap<_, _>>(),
        pod: pod.name_any(),
    })
}

/// What is waited for right now, in one short line.
pub(super) fn waiting(view: &View<'_>) -> String {
    let deployment = &view.expect.deployment;
    if !view.observed() {
        return format!("Deployment {deployment}: waiting for its controller to take notice");
    }
    let Some(pod) = view.pod else { return without_pod(view) };
    if !emulator_ready(view) {
        return format!("pod {}: {}", pod.name_any(), starting(view));
    }
    if !rolled_out(view) {
        return format!("Deployment {deployment}: pod {} is ready, the rollout is being completed", pod.name_any());
    }
    if !in_endpoints(view) && !endpoints_hidden(view) {
        return format!("Service {}: waiting for its endpoint", view.expect.service);
    }
    format!("Routes: {} of {} admitted", routes::admitted(view), view.expect.routes.len())
}

/// True if the Service leads to the awaited pod, not only to one of an earlier rollout.
pub(super) fn in_endpoints(view: &View<'_>) -> bool {
    let Some(pod) = view.pod.map(ResourceExt::name_any) else {
        return false;
    };
    let ours = |target: Option<&ObjectReference>| target.and_then(|target| target.name.as_ref()) == Some(&pod);
    let slices = view.seen.slices.iter().flat_map(|slice| &slice.endpoints);
    let mut ready = slices.filter(|endpoint| endpoint.conditions.as_ref().and_then(|it| it.ready) != Some(false));
    let subsets = view.seen.endpoints.iter().flat_map(|endpoints| endpoints.subsets.iter().flatten());
    let mut addresses = subsets.flat_map(|subset| subset.addresses.iter().flatten());
    ready.any(|endpoint| ours(endpoint.target_ref.as_ref()))
        || addresses.any(|address| ours(address.target_ref.as_ref()))
}

/// Where endpoints cannot be read, the pod's readiness has to do.
fn endpoints_hidden(view: &View<'_>) -> bool {
    view.seen.slices.blind().is_some() || view.seen.endpoints.blind().is_some()
}

fn scc_settled(view: &View<'_>) -> bool {
    match &view.expect.scc {
        ExpectedScc::Named(name) => scc::chosen(view) == Some(name),
        ExpectedScc::Any | ExpectedScc::Absent => view.pod.is_some(),
    }
}

fn emulator_ready(view: &View<'_>) -> bool {
    view.emulator().is_some_and(|emulator| emulator.ready)
}

/// The rule of `kubectl rollout status`: all replicas are of the new template, available, and no old one is left.
fn rolled_out(view: &View<'_>) -> bool {
    let Some(deployment) = view.deployment.filter(|_| view.observed()) else {
        return false;
    };
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let Some(status) = deployment.status.as_ref() else {
        return false;
    };
    let updated = status.updated_replicas.unwrap_or(0);
    updated >= wanted && status.replicas.unwrap_or(0) <= updated && status.available_replicas.unwrap_or(0) >= updated
}

/// The digest in the runtime's image id: `docker.io/localstack/localstack@sha256:...`, or bare for a loaded image.
fn digest(emulator: &ContainerStatus) -> Option<String> {
    let at = emulator.image_id.find("sha256:")?;
    Some(emulator.image_id[at..].to_owned())
}

fn without_pod(view: &View<'_>) -> String {
    let Some(set) = view.replica_set else {
        return format!("Deployment {}: waiting for its new ReplicaSet", view.expect.deployment);
    };
    let leaving = view.seen.pods.iter().find(|pod| pod.metadata.deletion_timestamp.is_some());
    match leaving {
        Some(pod) => format!("pod {}: still stopping, the new one comes after it", pod.name_any()),
        None => format!("ReplicaSet {}: waiting for its pod", set.name_any()),
    }
}

fn starting(view: &View<'_>) -> String {
    let scheduled = view.pod.and_then(|pod| pod.spec.as_ref()?.node_name.as_ref()).is_some();
    if !scheduled {
        return "waiting for a node".to_owned();
    }
    let all = view.containers().filter_map(|status| Some((status, status.state.as_ref()?)));
    let unfinished = all.filter(|(_, state)| state.terminated.as_ref().is_none_or(|end| end.exit_code != 0));
    let Some((status, state)) = unfinished.into_iter().find(|(status, _)| !status.ready) else {
        return "starting".to_owned();
    };
    if state.running.is_some() {
        return format!("container {} runs, its probe has not passed yet", status.name);
    }
    let pulls = view.pod_event(&["Pulling", "Pulled", "Failed", "BackOff"]);
    if pulls.is_some_and(|event| event.reason.as_deref() == Some("Pulling")) {
        return format!("pulling {}", status.image);
    }
    let reason = state.waiting.as_ref().and_then(|waiting| waiting.reason.as_deref());
    reason.map_or_else(|| "starting".to_owned(), ToOwned::to_owned)
}
