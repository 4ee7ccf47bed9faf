//! The image: missing, out of reach, or not even a name.

use kube::ResourceExt as _;

use super::symptom::Symptom;
use super::view::{View, event_line};
use super::words;

/// The kubelet could not get the image of a container.
pub(super) fn not_pulled(view: &View<'_>) -> Option<Symptom> {
    let pod = view.pod?.name_any();
    let waits = view.containers().filter_map(|status| Some((status, status.state.as_ref()?.waiting.as_ref()?)));
    let (status, waiting, reason) = waits
        .filter_map(|(status, waiting)| Some((status, waiting, waiting.reason.as_deref()?)))
        .find(|(_, _, reason)| REASONS.contains(reason))?;
    let failed = view.pod_event(&["Failed"]).filter(|event| event.message.as_deref().is_some_and(is_pull_failure));
    let told = waiting.message.as_deref().unwrap_or_default();
    // Kubelets before 1.31 only say "Back-off pulling image" here and leave the cause to the event.
    let cause = match failed.and_then(|event| event.message.as_deref()) {
        Some(event) if told.is_empty() || (told.starts_with("Back-off") && !told.contains("ErrImagePull")) => event,
        _ => told,
    };
    let cause = essence(cause);
    let image = asked_for(view, &status.name).unwrap_or(&status.image);
    let what = format!("pod {pod} needs image {image}");
    // The event adds nothing where the waiting message has the cause: it stands in the error, and in that message whole.
    let more = failed.filter(|_| !told.contains(&cause)).map(event_line);
    let evidence = [format!("{reason}: {told}")].into_iter().chain(more);
    Some(verdict(view, reason, &what, &cause).evidence(evidence))
}

/// Reasons of a waiting container that are about its image.
const REASONS: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// What registries and runtimes say when the name leads nowhere, in lower case. `no such host` is not among them.
const MISSING: [&str; 5] =
    [": not found", "manifest unknown", "name unknown", "repository does not exist", "no such image"];
/// What a cluster may have in place of `--image-registry`, and what may lead a pull astray.
const MIRRORS: &str = "on OpenShift an ImageDigestMirrorSet or ImageTagMirrorSet (before 4.13 an ImageContentSourcePolicy) \
                       leads pulls to a mirror for the whole cluster: `kubectl get idms,itms,imagecontentsourcepolicy`";
const DENIED: [&str; 5] =
    ["unauthorized", "authentication required", "access denied", "authorization failed", "403 forbidden"];

fn verdict(view: &View<'_>, reason: &str, what: &str, cause: &str) -> Symptom {
    let env = &view.expect.env;
    let lower = cause.to_lowercase();
    let says = |needles: &[&str]| needles.iter().any(|needle| lower.contains(needle));
    if reason == "InvalidImageName" {
        let hint =
            format!("correct the reference: `lsdeploy up --env {env} --image [REGISTRY/]NAME:TAG`, in lower case");
        return Symptom::new("image-invalid", &format!("{what}, which is not a valid image reference: {cause}"), hint)
            .final_at_once();
    }
    if reason == "ErrImageNeverPull" {
        let hint = format!(
            "load the image onto the node, or name one that its registry has: `lsdeploy up --env {env} --image NAME:TAG`"
        );
        return Symptom::new("image-missing", &format!("{what}, and the node may not pull it: {cause}"), hint)
            .final_at_once();
    }
    // Docker Hub says both at once ("repository does not exist or may require authorization"): missing is likelier.
    if says(&MISSING) {
        let hint = format!(
            "name an image that exists: `lsdeploy up --env {env} --image NAME:TAG` (or @sha256:...); for a private one add `--pull-secret NAME`; {MIRRORS}"
        );
        return Symptom::new("image-missing", &format!("{what}, and the registry does not have it: {cause}"), hint)
            .final_at_once();
    }
    let hint = if says(&DENIED) {
        format!(
            "give it a pull secret for that registry, `lsdeploy up --env {env} --pull-secret NAME`, or use a mirror: `--image-registry HOST`; {MIRRORS}"
        )
    } else if says(&["toomanyrequests", "429 too many"]) {
        format!(
            "the registry limits this address: wait, log in with `lsdeploy up --env {env} --pull-secret NAME`, or use a mirror: `--image-registry HOST`; {MIRRORS}"
        )
    } else {
        format!(
            "the node must reach the registry (DNS, proxy, certificate); where it cannot, use a mirror: `lsdeploy up --env {env} --image-registry HOST`; {MIRRORS}"
        )
    };
    let symptom = Symptom::new("image-unreachable", &format!("{what}, and it could not be pulled: {cause}"), hint);
    // One failed pull may be a hiccup of the network; backing off says that the next one failed too.
    if reason == "ErrImagePull" { symptom } else { symptom.final_at_once() }
}

/// The last part of the chain of causes: what stands before it repeats the image's name four times.
fn essence(cause: &str) -> String {
    let plain = words::without_rpc(cause);
    let mut rest = plain.split_once("ErrImagePull: ").map_or(plain.as_str(), |(_, rest)| rest);
    for frame in ["Failed to pull image ", "failed to pull and unpack image ", "failed to resolve reference "] {
        if let Some((_, deeper)) = rest.strip_prefix(frame).and_then(|quoted| quoted.split_once("\": ")) {
            rest = deeper;
        }
    }
    rest.to_owned()
}

fn is_pull_failure(message: &str) -> bool {
    message.starts_with("Failed to pull image") || message.starts_with("Failed to inspect image")
}

/// The image as the pod's spec names it: the status may carry a resolved name.
fn asked_for<'a>(view: &View<'a>, container: &str) -> Option<&'a str> {
    let spec = view.pod?.spec.as_ref()?;
    let mut all = spec.init_containers.iter().flatten().chain(&spec.containers);
    all.find(|candidate| candidate.name == container)?.image.as_deref()
}
