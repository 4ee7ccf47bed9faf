//! Whether a pod, with the SCC's values written in, fits the SCC: every error, in the server's order and words.

use serde_json::Value;

use super::messages::{FieldError, Path, numbers};
use super::provider::{GroupRule, Provider, UserRule};
use super::{capabilities, pod, se_linux, sysctls, volumes};

/// All reasons why `pod` does not fit, none if it does.
pub(crate) fn validate(provider: &Provider<'_>, pod: &Value) -> Vec<FieldError> {
    let root = Path::new(&format!("provider {}: ", provider.scc.name()));
    let mut errors = validate_pod(provider, pod, &root.child("spec").child("securityContext"));
    for (path, container) in pod::containers(pod, &root) {
        errors.extend(validate_container(provider, pod, container, &path));
    }
    errors
}

fn validate_pod(provider: &Provider<'_>, pod: &Value, path: &Path) -> Vec<FieldError> {
    let spec = &pod["spec"];
    let context = &spec["securityContext"];
    let fs_group: Vec<i64> = context["fsGroup"].as_i64().into_iter().collect();
    let groups: Vec<i64> = pod::array(&context["supplementalGroups"])
        .iter()
        .filter_map(Value::as_i64)
        .collect();

    let mut errors = check_groups(&provider.fs_group, &fs_group, &path.child("fsGroup"));
    errors.extend(check_groups(
        &provider.supplemental_groups,
        &groups,
        &path.child("supplementalGroups"),
    ));
    errors.extend(provider.seccomp.check_pod(pod));
    errors.extend(check_labels(provider, &context["seLinuxOptions"], path));
    errors.extend(check_host_network(provider, spec, path));
    errors.extend(check_host_pid_and_ipc(provider, spec, path));
    errors.extend(check_host_users(provider, spec, path));
    errors.extend(sysctls::check(provider, pod));
    errors.extend(volumes::check(provider, pod, path));
    errors
}

fn validate_container(provider: &Provider<'_>, pod: &Value, container: &Value, path: &Path) -> Vec<FieldError> {
    let spec = &pod["spec"];
    let mut errors: Vec<FieldError> = check_user(provider.user, pod, container, path).into_iter().collect();
    errors.extend(check_labels(
        provider,
        pod::effective(pod, container, "seLinuxOptions"),
        path,
    ));
    errors.extend(provider.seccomp.check_container(pod, container));
    errors.extend(check_privileged(provider, container, path));
    errors.extend(capabilities::check(provider.scc, container, path));
    errors.extend(check_host_network(provider, spec, path));
    if !provider.scc.allow_host_ports {
        errors.extend(check_host_ports(pod, path));
    }
    errors.extend(check_host_pid_and_ipc(provider, spec, path));
    errors.extend(check_read_only(provider, container, path));
    errors.extend(check_escalation(provider, container, path));
    errors
}

fn check_groups(rule: &GroupRule, groups: &[i64], path: &Path) -> Vec<FieldError> {
    if groups.is_empty() && *rule != GroupRule::Any {
        let detail = "unable to validate empty groups against required ranges";
        return vec![FieldError::invalid(path.clone(), numbers(groups), detail)];
    }
    let refused = groups.iter().filter(|group| !rule.allows(**group));
    refused
        .map(|group| {
            FieldError::invalid(
                path.clone(),
                numbers(groups),
                format!("{group} is not an allowed group"),
            )
        })
        .collect()
}

fn check_labels(provider: &Provider<'_>, labels: &Value, path: &Path) -> Vec<FieldError> {
    let demanded = provider.se_linux.as_ref();
    demanded
        .map(|demanded| se_linux::check(demanded, labels, &path.child("seLinuxOptions")))
        .unwrap_or_default()
}

fn check_user(rule: UserRule, pod: &Value, container: &Value, path: &Path) -> Option<FieldError> {
    let uid = pod::effective(pod, container, "runAsUser").as_i64();
    let non_root = pod::effective(pod, container, "runAsNonRoot").as_bool();
    let path = |field: &str| path.child(field);
    match (rule, uid) {
        (UserRule::NonRoot, uid) => match (non_root, uid) {
            (None, None) => Some(FieldError::required_because(path("runAsNonRoot"), "must be true")),
            (Some(false), _) => Some(FieldError::invalid(path("runAsNonRoot"), false, "must be true")),
            (_, Some(0)) => Some(FieldError::invalid(
                path("runAsUser"),
                0,
                "running with the root UID is forbidden",
            )),
            _ => None,
        },
        (UserRule::Exactly(_) | UserRule::Within(_), None) => Some(FieldError::required(path("runAsUser"))),
        (UserRule::Exactly(demanded), Some(uid)) if uid != demanded => Some(FieldError::invalid(
            path("runAsUser"),
            uid,
            format!("must be: {demanded}"),
        )),
        (UserRule::Within(range), Some(uid)) if !range.contains(uid) => {
            let detail = format!("must be in the ranges: [{}, {}]", range.min, range.max);
            Some(FieldError::invalid(path("runAsUser"), uid, detail))
        }
        _ => None,
    }
}

fn check_privileged(provider: &Provider<'_>, container: &Value, path: &Path) -> Option<FieldError> {
    let asked = pod::is_true(&container["securityContext"]["privileged"]);
    let error = || FieldError::invalid(path.child("privileged"), true, "Privileged containers are not allowed");
    (asked && !provider.scc.allow_privileged_container).then(error)
}

/// Said of the pod and again of each container, as are the process and communication spaces.
fn check_host_network(provider: &Provider<'_>, spec: &Value, path: &Path) -> Option<FieldError> {
    let asked = pod::is_true(&spec["hostNetwork"]);
    let error = || {
        FieldError::invalid(
            path.child("hostNetwork"),
            true,
            "Host network is not allowed to be used",
        )
    };
    (asked && !provider.scc.allow_host_network).then(error)
}

fn check_host_pid_and_ipc(provider: &Provider<'_>, spec: &Value, path: &Path) -> Vec<FieldError> {
    let scc = provider.scc;
    let spaces = [
        ("hostPID", "Host PID", scc.allow_host_pid),
        ("hostIPC", "Host IPC", scc.allow_host_ipc),
    ];
    let refused = spaces
        .into_iter()
        .filter(|(field, _, allowed)| !allowed && pod::is_true(&spec[*field]));
    refused
        .map(|(field, name, _)| {
            FieldError::invalid(path.child(field), true, format!("{name} is not allowed to be used"))
        })
        .collect()
}

fn check_host_users(provider: &Provider<'_>, spec: &Value, path: &Path) -> Option<FieldError> {
    if provider.scc.user_namespace_level.as_deref() != Some("RequirePodLevel") {
        return None;
    }
    let value = match spec["hostUsers"].as_bool() {
        Some(false) => return None,
        Some(true) => "true",
        None => "\"null\"",
    };
    Some(FieldError::invalid(
        path.child("hostUsers"),
        value,
        "Host Users must be set to false",
    ))
}

/// The server repeats the ports of all containers for each container, below that container's path.
fn check_host_ports(pod: &Value, path: &Path) -> Vec<FieldError> {
    let on_host = pod::is_true(&pod["spec"]["hostNetwork"]);
    let host_port = |port: &Value| match port["hostPort"].as_i64() {
        // Under hostNetwork a port of the container is one of the node: so the API server fills it in.
        None | Some(0) if on_host => port["containerPort"].as_i64().unwrap_or_default(),
        claimed => claimed.unwrap_or_default(),
    };
    let mut errors = Vec::new();
    for (path, container) in pod::containers(pod, path) {
        for port in pod::array(&container["ports"])
            .iter()
            .map(host_port)
            .filter(|port| *port > 0)
        {
            errors.push(FieldError::invalid(
                path.child("hostPort"),
                port,
                "Host ports are not allowed to be used",
            ));
        }
    }
    errors
}

/// An absent value does not occur: the SCC has written its own.
fn check_read_only(provider: &Provider<'_>, container: &Value, path: &Path) -> Option<FieldError> {
    let denied = container["securityContext"]["readOnlyRootFilesystem"].as_bool() == Some(false);
    let path = path.child("readOnlyRootFilesystem");
    let error = || FieldError::invalid(path, false, "ReadOnlyRootFilesystem must be set to true");
    (denied && provider.scc.read_only_root_filesystem).then(error)
}

/// An absent value does not occur: the SCC has written its own.
fn check_escalation(provider: &Provider<'_>, container: &Value, path: &Path) -> Option<FieldError> {
    let asked = pod::is_true(&container["securityContext"]["allowPrivilegeEscalation"]);
    let path = path.child("allowPrivilegeEscalation");
    let error = || {
        FieldError::invalid(
            path,
            true,
            "Allowing privilege escalation for containers is not allowed",
        )
    };
    (asked && provider.scc.allow_privilege_escalation == Some(false)).then(error)
}
