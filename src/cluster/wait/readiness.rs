//! Runs, but is not ready, or is ready and not among the endpoints.

use std::time::Duration;

use kube::ResourceExt as _;

use super::progress;
use super::symptom::Symptom;
use super::view::{View, event_line};
use crate::render::names;

/// An emulator that starts usually answers within this time; before that a failing probe is no news.
const START_GRACE: Duration = Duration::from_secs(20);
/// Endpoints follow a pod's readiness within a second or two.
const ENDPOINTS_GRACE: Duration = Duration::from_secs(10);

/// The container runs and its probe fails. A slow start looks the same, so only the deadline is final.
pub(super) fn failing(view: &View<'_>) -> Option<Symptom> {
    let pod = view.pod?.name_any();
    let emulator = view.emulator()?;
    emulator.state.as_ref()?.running.as_ref()?;
    if emulator.ready {
        return filling(view, &pod);
    }
    let event = view.pod_event(&["Unhealthy"]);
    let told = event.and_then(|event| event.message.as_deref());
    let probe = if emulator.started == Some(false) { "startup" } else { "readiness" };
    let seen = told.map_or_else(|| format!("its {probe} probe has not passed yet"), ToOwned::to_owned);
    let message = format!("container {} of pod {pod} runs but is not ready: {seen}", emulator.name);
    let (env, patience) = (&view.expect.env, view.expect.patience());
    let hint = format!("`lsdeploy logs --env {env}` shows what the emulator is doing; a slow start needs {patience}");
    let symptom = Symptom::new("readiness-failing", &message, hint).evidence(event.map(event_line));
    Some(symptom.named_after(START_GRACE))
}

/// The emulator is ready, and the scripts of `--init` still run.
fn filling(view: &View<'_>, pod: &str) -> Option<Symptom> {
    let scripts = view.containers().find(|status| status.name == names::INIT_CONTAINER && !status.ready)?;
    scripts.state.as_ref()?.running.as_ref()?;
    let message = format!("container {} of pod {pod} still runs the scripts of --init", scripts.name);
    let (env, patience) = (&view.expect.env, view.expect.patience());
    let hint = format!(
        "`lsdeploy logs --env {env} --init` shows which one and what it said; mend it and give `--init` again, or give it {patience}"
    );
    Some(Symptom::new("readiness-failing", &message, hint).named_after(START_GRACE))
}

/// The pod is ready and the Service does not lead to it.
pub(super) fn no_endpoints(view: &View<'_>) -> Option<Symptom> {
    let pod = view.pod?.name_any();
    if !view.emulator()?.ready || progress::in_endpoints(view) {
        return None;
    }
    let service = &view.expect.service;
    let message = format!("pod {pod} is ready, but Service {service} does not have it among its endpoints");
    let kubectl = view.kubectl();
    let hint = format!(
        "compare the selector of `{kubectl} get service {service} -o wide` with `{kubectl} get pod {pod} --show-labels`; `lsdeploy up --env {}` mends what was changed by hand",
        view.expect.env
    );
    Some(Symptom::new("no-endpoints", &message, hint).named_after(ENDPOINTS_GRACE))
}
