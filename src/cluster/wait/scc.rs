//! The SCC that the pod really got.

use kube::ResourceExt as _;

use super::ExpectedScc;
use super::symptom::Symptom;
use super::view::View;

/// Annotation in which SCC admission names its choice.
const CHOSEN: &str = "openshift.io/scc";

/// The SCC that took the pod.
pub(super) fn chosen<'a>(view: &View<'a>) -> Option<&'a str> {
    view.pod?.annotations().get(CHOSEN).map(String::as_str)
}

/// Another SCC than the expected one took the pod. Admission decides once per pod: waiting changes nothing.
pub(super) fn not_chosen(view: &View<'_>) -> Option<Symptom> {
    let ExpectedScc::Named(expected) = &view.expect.scc else {
        return None;
    };
    let pod = view.pod?.name_any();
    let env = &view.expect.env;
    let Some(chosen) = chosen(view) else {
        let message = format!(
            "pod {pod} was to run under SCC {expected}, but carries no annotation {CHOSEN}: SCC admission did not look at it"
        );
        let hint = format!(
            "namespaces of run-level 0 or 1 and clusters without SCC admission have none; use another `--namespace`, or `lsdeploy up --env {env} --scc none`"
        );
        return Some(Symptom::new("scc-not-chosen", &message, hint).final_at_once());
    };
    if chosen == expected {
        return None;
    }
    let message = format!(
        "pod {pod} was to run under SCC {expected}, but SCC {chosen} took it: its user, capabilities and volumes are those of {chosen}, not the ones that were reviewed"
    );
    let hint = format!(
        "the higher priority is tried first, then the more restrictive SCC, then the name: compare `kubectl get securitycontextconstraints {expected} {chosen}`; \
         take {chosen} away from the service account, or accept it with `--scc existing:{chosen}`"
    );
    Some(
        Symptom::new("scc-not-chosen", &message, hint)
            .evidence([format!("pod {pod}: {CHOSEN}={chosen}")])
            .final_at_once(),
    )
}
