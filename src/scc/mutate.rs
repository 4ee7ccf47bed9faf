//! What an SCC writes into a pod: a value for everything it demands and the pod leaves open, never over one it has.

use serde_json::{Value, json};

use super::capabilities;
use super::pod::{self, CONTAINER_LISTS};
use super::provider::{Provider, UserRule};
use super::seccomp::{self, CONTAINER_ANNOTATION, POD_ANNOTATION};

/// The pod with the SCC's values written in, fitting or not: `validate` looks at the result.
pub(crate) fn mutate(provider: &Provider<'_>, pod: &Value) -> Value {
    let mut pod = pod.clone();
    mutate_pod(provider, &mut pod);
    // Containers fall back on what stands at pod level by now, and on the pod's annotations.
    let finished = pod.clone();
    for list in CONTAINER_LISTS {
        let containers = pod
            .get_mut("spec")
            .and_then(|spec| spec.get_mut(list))
            .and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            mutate_container(provider, &finished, container);
        }
    }
    pod
}

fn mutate_pod(provider: &Provider<'_>, pod: &mut Value) {
    let profile = provider.seccomp.choose(pod);
    if let Some(spec) = pod.get_mut("spec") {
        let is_open = |spec: &Value, field: &str| spec["securityContext"][field].is_null();
        if is_open(spec, "supplementalGroups")
            && let Some(group) = provider.supplemental_groups.default()
        {
            pod::set(spec, "supplementalGroups", json!([group]));
        }
        if is_open(spec, "fsGroup")
            && let Some(group) = provider.fs_group.default()
        {
            pod::set(spec, "fsGroup", group.into());
        }
        if is_open(spec, "seLinuxOptions")
            && let Some(labels) = &provider.se_linux
        {
            pod::set(spec, "seLinuxOptions", json!(labels));
        }
        if !profile.is_empty() {
            set_profile(spec, &profile);
        }
    }
    if !profile.is_empty() {
        pod::annotate(pod, POD_ANNOTATION, &profile);
    }
}

/// `SELinux` labels need no look here: where an SCC demands them, the pod has them by now and passes them on.
fn mutate_container(provider: &Provider<'_>, pod: &Value, container: &mut Value) {
    let scc = provider.scc;
    if pod::effective(pod, container, "runAsUser").is_null()
        && let Some(uid) = default_user(provider.user)
    {
        pod::set(container, "runAsUser", uid.into());
    }
    if pod::effective(pod, container, "runAsNonRoot").is_null() && runs_as_non_root(provider, pod, container) {
        pod::set(container, "runAsNonRoot", true.into());
    }
    if let Some(capabilities) = capabilities::joined(scc, container) {
        pod::set(container, "capabilities", capabilities);
    }
    if scc.read_only_root_filesystem && container["securityContext"]["readOnlyRootFilesystem"].is_null() {
        pod::set(container, "readOnlyRootFilesystem", true.into());
    }
    let annotation = format!("{CONTAINER_ANNOTATION}{}", pod::text(&container["name"]));
    if let Some(profile) = pod::annotation(pod, &annotation) {
        set_profile(container, profile);
    }
    if container["securityContext"]["allowPrivilegeEscalation"].is_null()
        && let Some(allow) = default_escalation(provider, container)
    {
        pod::set(container, "allowPrivilegeEscalation", allow.into());
    }
}

fn default_user(rule: UserRule) -> Option<i64> {
    match rule {
        UserRule::Any | UserRule::NonRoot => None,
        UserRule::Exactly(uid) => Some(uid),
        UserRule::Within(range) => Some(range.min),
    }
}

/// Marked wherever a uid above 0 is in force, so that the `restricted` level of pod security is met too.
fn runs_as_non_root(provider: &Provider<'_>, pod: &Value, container: &Value) -> bool {
    match pod::effective(pod, container, "runAsUser").as_i64() {
        Some(uid) => uid > 0,
        None => provider.user == UserRule::NonRoot,
    }
}

/// The default of the SCC, unless it would make a privileged container invalid; a prohibition knows no exception.
fn default_escalation(provider: &Provider<'_>, container: &Value) -> Option<bool> {
    let context = &container["securityContext"];
    let needs_escalation = pod::is_true(&context["privileged"])
        || pod::texts(&context["capabilities"]["add"])
            .iter()
            .any(|name| name == "CAP_SYS_ADMIN");
    let default = provider
        .scc
        .default_allow_privilege_escalation
        .filter(|_| !needs_escalation);
    default.or_else(|| provider.scc.allow_privilege_escalation.filter(|allow| !allow))
}

/// Writes the field that says the same as an annotation; for one that is no known profile the field goes.
fn set_profile(owner: &mut Value, profile: &str) {
    match seccomp::field_for_annotation(profile) {
        Some(field) => pod::set(owner, "seccompProfile", field),
        None => pod::unset(owner, "seccompProfile"),
    }
}
