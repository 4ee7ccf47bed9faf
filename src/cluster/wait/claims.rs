//! The claim that holds the emulator's data.

use std::time::Duration;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt as _;

use super::containers;
use super::symptom::Symptom;
use super::view::{View, event_line};

/// Provisioners retry, and the first try may meet a class or a driver that is just being installed.
const PROVISION_GRACE: Duration = Duration::from_secs(10);

/// The claim has no volume, and its own events say why.
pub(super) fn pending(view: &View<'_>) -> Option<Symptom> {
    let name = view.expect.claim.as_ref()?;
    let Some(claim) = view.seen.claim.get(name) else {
        if !view.seen.claim.listed() {
            return None;
        }
        let message = format!("the emulator's data was to be kept in PersistentVolumeClaim {name}, but there is none");
        return Some(symptom(view, name, &message).final_after(PROVISION_GRACE));
    };
    let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
    match phase {
        Some("Bound") => None,
        Some("Lost") => {
            let message = format!("PersistentVolumeClaim {name} has lost the volume it was bound to");
            Some(symptom(view, name, &message).final_at_once())
        }
        _ => unbound(view, name, claim),
    }
}

/// True if the scheduler's words are about volumes while the claim has none: the rule above knows more then.
pub(super) fn explains(view: &View<'_>, words: &str) -> bool {
    let Some(name) = &view.expect.claim else { return false };
    let claim = view.seen.claim.get(name);
    let phase = claim.and_then(|claim| claim.status.as_ref()?.phase.as_deref());
    phase != Some("Bound") && about_volumes(words)
}

/// `pod has unbound immediate PersistentVolumeClaims`, `node(s) didn't find available persistent volumes to bind`,
/// `node(s) did not have enough free storage`, and their like.
fn about_volumes(words: &str) -> bool {
    let lower = words.to_lowercase();
    lower.contains("volume") || lower.contains("free storage")
}

fn unbound(view: &View<'_>, name: &str, claim: &PersistentVolumeClaim) -> Option<Symptom> {
    let wanted = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    let class = match wanted {
        Some("") => "without a storage class".to_owned(),
        Some(class) => format!("of storage class {class}"),
        None => "of the default storage class".to_owned(),
    };
    let requests = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref()?.requests.as_ref()?.get("storage"));
    let size = requests.map_or("a volume", |quantity| quantity.0.as_str());
    let asked = format!("PersistentVolumeClaim {name} asks for {size} {class}");
    let event = view.seen.newest_event(claim.uid().as_deref(), &REASONS);
    let told = event.and_then(|event| event.message.as_deref()).unwrap_or_default();
    let symptom = match event.and_then(|event| event.reason.as_deref()) {
        Some("ProvisioningFailed") => {
            symptom(view, name, &format!("{asked}, and provisioning failed: {told}")).final_after(PROVISION_GRACE)
        }
        Some("FailedBinding") => {
            symptom(view, name, &format!("{asked}, and there is none: {told}")).final_after(PROVISION_GRACE)
        }
        // The volume is made for the node that the pod gets: until then only the scheduler can say what is wrong.
        Some("WaitForFirstConsumer") => {
            let condition = containers::unscheduled(view).filter(|told| about_volumes(told))?;
            let message = format!("{asked}, and no node has such a volume: {condition}");
            symptom(view, name, &message).evidence([condition]).final_after(PROVISION_GRACE)
        }
        _ => symptom(view, name, &format!("{asked}, and is still pending {told}")).named_after(PROVISION_GRACE),
    };
    Some(symptom.evidence(event.map(event_line)))
}

/// Reasons of the events that say where a claim stands.
const REASONS: [&str; 5] =
    ["ProvisioningFailed", "FailedBinding", "WaitForFirstConsumer", "ExternalProvisioning", "Provisioning"];

fn symptom(view: &View<'_>, name: &str, message: &str) -> Symptom {
    let hint = format!(
        "`kubectl get storageclass` lists the classes, `{} describe pvc {name}` shows the attempts; \
         have an administrator provide a (default) class, or leave `--persistence` out",
        view.kubectl()
    );
    Symptom::new("claim-pending", message, hint)
}
