//! Containers that end although they should serve.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus};
use kube::ResourceExt as _;

use super::seen::LogRequest;
use super::symptom::Symptom;
use super::view::{View, event_line};
use super::words;
use crate::render::names;

/// LocalStack's own exit status for "this image wants a licence token" (its images of 2026-03-23 and later).
const TOKEN_MISSING: i32 = 55;

/// A container crashed: once may be bad luck, twice is a loop.
pub(super) fn crashing(view: &View<'_>) -> Option<Symptom> {
    let pod = view.pod?.name_any();
    let (status, end) = view.containers().find_map(|status| Some((status, crash(view, status)?)))?;
    // The first start is not a restart.
    let crashes = i64::from(status.restart_count) + 1;
    let request = LogRequest { pod: pod.clone(), container: status.name.clone(), restarts: status.restart_count };
    let log = view.seen.last_words.get(&request);
    let mut message = format!("container {} of pod {pod} {}", status.name, how(end, crashes));
    let probe = view
        .pod_event(&["Killing"])
        .filter(|event| event.message.as_deref().is_some_and(|told| told.contains("probe")));
    if let Some(told) = probe.and_then(|event| event.message.as_deref()) {
        message = format!("{message} ({told})");
    }
    if let Some(line) = log.and_then(|lines| lines.last()) {
        message = format!("{message}: {line}");
    }
    let (code, hint) = advice(view, status, end, &pod);
    let mut symptom = Symptom::new(code, &message, hint);
    symptom = symptom.evidence(evidence(end)).evidence(probe.map(event_line));
    symptom = symptom.evidence(log.into_iter().flatten().map(|line| format!("log: {line}")));
    if log.is_none() {
        symptom.log = Some(request);
    }
    let final_now = matches!(code, "token-missing" | "init-failed") || crashes > 1 || backs_off(status);
    if final_now { Some(symptom.final_at_once()) } else { Some(symptom) }
}

/// How the container ended, if it is down now and should not be.
fn crash<'a>(view: &View<'_>, status: &'a ContainerStatus) -> Option<&'a ContainerStateTerminated> {
    let now = status.state.as_ref().and_then(|state| state.terminated.as_ref());
    let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let end = if backs_off(status) { now.or(last)? } else { now? };
    let spec = view.pod?.spec.as_ref()?;
    let init = spec.init_containers.iter().flatten().any(|container| container.name == status.name);
    // An init container is supposed to end.
    (end.exit_code != 0 || !init).then_some(end)
}

fn backs_off(status: &ContainerStatus) -> bool {
    let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
    waiting.and_then(|waiting| waiting.reason.as_deref()) == Some("CrashLoopBackOff")
}

fn how(end: &ContainerStateTerminated, crashes: i64) -> String {
    let times = match crashes {
        1 => "crashed".to_owned(),
        times => format!("crashed {times} times, last"),
    };
    let cause = match (end.reason.as_deref(), end.exit_code) {
        (Some("OOMKilled"), _) => " because it used more memory than its limit".to_owned(),
        (_, 0) => " by ending without an error, although it should keep serving".to_owned(),
        (_, TOKEN_MISSING) => " because it wants a licence token (exit code 55)".to_owned(),
        (Some("StartError"), _) => " because its command cannot be run".to_owned(),
        (_, code @ (126 | 127)) => format!(" because its command cannot be run (exit code {code})"),
        (_, 137) => " killed from outside (exit code 137, SIGKILL)".to_owned(),
        (_, 139) => " by a memory fault (exit code 139, SIGSEGV)".to_owned(),
        (_, 143) => " stopped from outside (exit code 143, SIGTERM)".to_owned(),
        (_, code) => format!(" with exit code {code}"),
    };
    let told = end.message.as_deref().filter(|message| !message.is_empty());
    format!("{times}{cause}{}", told.map_or_else(String::new, |told| format!(" ({})", words::without_rpc(told))))
}

fn evidence(end: &ContainerStateTerminated) -> [String; 1] {
    [format!("terminated: {}, exit code {}", end.reason.as_deref().unwrap_or("no reason given"), end.exit_code)]
}

fn advice(
    view: &View<'_>,
    status: &ContainerStatus,
    end: &ContainerStateTerminated,
    pod: &str,
) -> (&'static str, String) {
    let env = &view.expect.env;
    if status.name == names::INIT_CONTAINER {
        let hint = format!(
            "mend the script and give --init again; `lsdeploy logs --env {env} --init` shows all that the scripts said"
        );
        return ("init-failed", hint);
    }
    if end.reason.as_deref() == Some("OOMKilled") {
        let limit = memory_limit(view, &status.name).map_or_else(String::new, |limit| format!(" (now {limit})"));
        let hint = format!(
            "let it run fewer services (`lsdeploy up --env {env} --services sqs,s3`) or give it a higher memory limit{limit}"
        );
        return ("out-of-memory", hint);
    }
    if end.exit_code == TOKEN_MISSING {
        let hint = format!(
            "take the last release that needs none, `lsdeploy up --env {env} --image docker.io/localstack/localstack:4.14.0`, or give it a token: `lsdeploy up --env {env} --auth-token-from file:PATH`"
        );
        return ("token-missing", hint);
    }
    let mut hint = format!("`lsdeploy logs --env {env}` or `{} logs {pod} --previous` shows more", view.kubectl());
    if view.seen.inherited.contains("crash-loop") {
        // The node retries only every five minutes by then, and would not notice a repair before.
        let kubectl = view.kubectl();
        hint = format!(
            "{hint}; it was backing off before this run: after a repair, `{kubectl} delete pod {pod}` makes it start at once"
        );
    }
    ("crash-loop", hint)
}

fn memory_limit(view: &View<'_>, container: &str) -> Option<String> {
    let spec = view.pod?.spec.as_ref()?;
    let container = spec.containers.iter().find(|candidate| candidate.name == container)?;
    let limits = container.resources.as_ref()?.limits.as_ref()?;
    limits.get("memory").map(|quantity| quantity.0.clone())
}
