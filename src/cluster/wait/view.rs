//! The part of what was seen that the rollout in question is made of.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};
use kube::{Resource, ResourceExt as _};

use super::Expectation;
use super::seen::Seen;

/// Annotation by which the Deployment controller numbers its ReplicaSets.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// What was seen, narrowed to the newest ReplicaSet of the awaited generation.
///
/// During a rolling change the pods of older ReplicaSets still run, crash or end: they are nobody's fault now.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) seen: &'a Seen,
    pub(super) expect: &'a Expectation,
    pub(super) deployment: Option<&'a Deployment>,
    /// The ReplicaSet of the awaited generation.
    pub(super) replica_set: Option<&'a ReplicaSet>,
    /// Its newest pod that is not on its way out.
    pub(super) pod: Option<&'a Pod>,
}

impl<'a> View<'a> {
    pub(super) fn new(seen: &'a Seen, expect: &'a Expectation) -> Self {
        let deployment = seen.deployment.get(&expect.deployment);
        let mut view = Self { seen, expect, deployment, replica_set: None, pod: None };
        if view.observed() {
            view.replica_set = view.newest_replica_set();
            view.pod = view.newest_pod();
        }
        view
    }

    /// True once the controller has acted on the awaited generation.
    pub(super) fn observed(&self) -> bool {
        let Some(deployment) = self.deployment else {
            return false;
        };
        let awaited = self.expect.generation.or(deployment.metadata.generation);
        let observed = deployment.status.as_ref().and_then(|status| status.observed_generation);
        observed.is_some() && observed >= awaited
    }

    /// The pod's container that runs the emulator: the first one.
    pub(super) fn emulator(&self) -> Option<&'a ContainerStatus> {
        let name = &self.pod?.spec.as_ref()?.containers.first()?.name;
        let statuses = self.pod?.status.as_ref()?.container_statuses.as_ref()?;
        statuses.iter().find(|status| status.name == *name)
    }

    /// The state of every container of the pod, in the order in which they start.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'a ContainerStatus> + use<'a> {
        let status = self.pod.and_then(|pod| pod.status.as_ref());
        let init = status.and_then(|status| status.init_container_statuses.as_ref());
        let main = status.and_then(|status| status.container_statuses.as_ref());
        init.into_iter().chain(main).flatten()
    }

    /// The pod's newest event with one of these reasons.
    pub(super) fn pod_event(&self, reasons: &[&str]) -> Option<&'a Event> {
        self.seen.newest_event(self.pod?.metadata.uid.as_deref(), reasons)
    }

    /// `kubectl -n NAMESPACE`, the start of many a hint.
    pub(super) fn kubectl(&self) -> String {
        format!("kubectl -n {}", self.expect.namespace)
    }

    fn newest_replica_set(&self) -> Option<&'a ReplicaSet> {
        // A plain lookup of the highest number would take the previous ReplicaSet while the new one is still on its
        // way to us: the number must be the Deployment's own.
        let deployment = self.deployment?;
        let revision = deployment.annotations().get(REVISION)?;
        let uid = deployment.metadata.uid.as_deref();
        let mut owned = self.seen.replica_sets.iter().filter(|set| owned_by(*set, uid));
        owned.find(|set| set.annotations().get(REVISION) == Some(revision) && has_template_of(set, deployment))
    }

    fn newest_pod(&self) -> Option<&'a Pod> {
        let blind = self.seen.replica_sets.blind().is_some();
        let set = self.replica_set.and_then(|set| set.metadata.uid.as_deref());
        let of_rollout = |pod: &&Pod| blind || (set.is_some() && owned_by(*pod, set));
        let living = self.seen.pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).filter(of_rollout);
        // An evicted pod stays in the list beside its successor.
        living.max_by_key(|pod| (!is_over(pod), pod.creation_timestamp().map(|time| time.0)))
    }
}

/// Whether a ReplicaSet makes the pods that the Deployment wants now. With the strategy `Recreate` the controller says that it has
/// seen a change, still under the old number, while it takes the old pods away: the same comparison as its own tells.
fn has_template_of(set: &ReplicaSet, deployment: &Deployment) -> bool {
    let mut template = set.spec.as_ref().and_then(|spec| spec.template.clone());
    let labels = template.as_mut().and_then(|template| template.metadata.as_mut()?.labels.as_mut());
    if let Some(labels) = labels {
        labels.remove("pod-template-hash");
    }
    template.as_ref() == deployment.spec.as_ref().map(|spec| &spec.template)
}

/// True for a pod that will never run again.
pub(super) fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Failed" | "Succeeded"))
}

/// `Reason: message` of an event, and how often it was seen.
pub(super) fn event_line(event: &Event) -> String {
    let reason = event.reason.as_deref().unwrap_or("event");
    let message = event.message.as_deref().unwrap_or_default();
    let times = event.series.as_ref().and_then(|series| series.count).or(event.count).unwrap_or(1);
    if times > 1 { format!("{reason} (x{times}): {message}") } else { format!("{reason}: {message}") }
}

fn owned_by<K: Resource>(object: &K, uid: Option<&str>) -> bool {
    uid.is_some_and(|uid| object.owner_references().iter().any(|owner| owner.uid == uid))
}
