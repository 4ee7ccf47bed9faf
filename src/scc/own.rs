//! What lsdeploy demands of the SCCs it writes itself: much more than the server does.
//!
//! The server takes an SCC that refuses every pod of the cluster, or that takes pods of others. So nothing is sent
//! before it passed here.

use serde_json::Value;

use super::admit::STANDARD;
use super::types::items;
use super::write::{self, REQUIRED};
use super::{Scc, points};

/// The points of `nonroot-v2`, the most of the SCCs that ordinary pods get. One with fewer would be tried earlier and
/// take pods that ask for nothing.
const NON_ROOT_POINTS: u32 = 142_010;

/// How the name of every SCC begins that lsdeploy writes.
pub(crate) const PREFIX: &str = "lsdeploy-";

const FORBIDDEN_VOLUMES: [&str; 4] = ["*", "flexVolume", "hostPath", "none"];

/// Checks a rendered manifest and reads it.
///
/// # Errors
/// Every reason not to send it.
pub fn check_own_object(object: &Value) -> Result<Scc, Vec<String>> {
    let missing: Vec<String> = REQUIRED
        .into_iter()
        .filter(|field| object.get(field).is_none())
        .map(|field| format!("{field} is missing: the 4.x schema requires it"))
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let scc = write::decode(object).map_err(|error| vec![error])?;
    check_own(&scc).map(|()| scc)
}

/// Checks an SCC of our own: acceptable to the server, complete, without host features, tried after the SCCs of
/// ordinary pods.
///
/// # Errors
/// Every reason not to send it.
pub fn check_own(scc: &Scc) -> Result<(), Vec<String>> {
    let mut errors = write::validate(scc);
    errors.extend(check_lists(scc));
    errors.extend(check_strategies(scc));
    errors.extend(check_host_features(scc));
    errors.extend(check_place(scc));
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// What the server would fill in is said expressly instead.
fn check_lists(scc: &Scc) -> Vec<String> {
    let lists = [
        ("allowedCapabilities", scc.allowed_capabilities.is_none()),
        ("defaultAddCapabilities", scc.default_add_capabilities.is_none()),
        ("requiredDropCapabilities", scc.required_drop_capabilities.is_none()),
        ("volumes", scc.volumes.is_none()),
        ("allowPrivilegeEscalation", scc.allow_privilege_escalation.is_none()),
    ];
    let mut errors: Vec<String> =
        lists.iter().filter(|(_, absent)| *absent).map(|(field, _)| format!("{field} must be given")).collect();
    if !scc.volumes().iter().any(|kind| kind == "persistentVolumeClaim") {
        errors.push("volumes must list persistentVolumeClaim: without it the SCC takes pods of others".to_owned());
    }
    if items(scc.seccomp_profiles.as_ref()).is_empty() {
        errors.push("seccompProfiles must name a profile: an empty list refuses pods that name one".to_owned());
    }
    for (field, list) in [("users", &scc.users), ("groups", &scc.groups)] {
        if !items(list.as_ref()).is_empty() {
            errors.push(format!("{field} must be empty: rights are granted by RBAC"));
        }
    }
    errors
}

/// One strategy without its values refuses every pod of the cluster.
fn check_strategies(scc: &Scc) -> Vec<String> {
    let user = &scc.run_as_user;
    let mut errors = Vec::new();
    let half_open = user.uid_range_min.is_some() != user.uid_range_max.is_some();
    match user.strategy.as_str() {
        "MustRunAs" if user.uid.is_none() => errors.push("runAsUser MustRunAs needs a uid".to_owned()),
        "MustRunAsRange" if half_open => {
            errors.push("runAsUser MustRunAsRange needs both ends of its range, or neither".to_owned());
        }
        "MustRunAsRange" if user.uid_range_min > user.uid_range_max => {
            errors.push("runAsUser MustRunAsRange needs a range that is not empty".to_owned());
        }
        _ => {}
    }
    errors
}

fn check_host_features(scc: &Scc) -> Vec<String> {
    let flags = [
        ("allowHostDirVolumePlugin", scc.allow_host_dir_volume_plugin),
        ("allowHostIPC", scc.allow_host_ipc),
        ("allowHostNetwork", scc.allow_host_network),
        ("allowHostPID", scc.allow_host_pid),
        ("allowHostPorts", scc.allow_host_ports),
        ("allowPrivilegedContainer", scc.allow_privileged_container),
    ];
    let flags = flags.into_iter().filter(|(_, on)| *on).map(|(field, _)| format!("{field} must be false"));
    let volumes = scc.volumes().iter().filter(|kind| FORBIDDEN_VOLUMES.contains(&kind.as_str()));
    let volumes = volumes.map(|kind| format!("volumes must not list {kind}"));
    let all = scc.allowed_capabilities().iter().filter(|name| *name == "*" || name.eq_ignore_ascii_case("ALL"));
    let all = all.map(|name| format!("allowedCapabilities must not list {name}"));
    flags.chain(volumes).chain(all).collect()
}

fn check_place(scc: &Scc) -> Vec<String> {
    let mut errors = Vec::new();
    // No SCC of the platform, of this release or a later one, and none of another tool has such a name.
    if !scc.name().starts_with(PREFIX) {
        let platform = if STANDARD.contains(&scc.name()) { ": it is an SCC of the platform" } else { "" };
        errors.push(format!("{} is no name of ours, which begin with {PREFIX}{platform}", scc.name()));
    }
    if scc.priority.is_some() {
        errors.push("priority must be null: a higher one takes pods of others".to_owned());
    }
    let points = points(scc);
    if points <= NON_ROOT_POINTS {
        errors.push(format!("{points} points put it before nonroot-v2 ({NON_ROOT_POINTS}): it takes pods of others"));
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_own_scc_is_closed() {
        check(&json!({}), None);
        check(&json!({"runAsUser": {"type": "MustRunAs"}}), Some("runAsUser MustRunAs needs a uid"));
        check(&json!({"runAsUser": {"type": "MustRunAsRange", "uidRangeMin": 5}}), Some("both ends of its range"));
        check(&json!({"runAsUser": {"type": "MustRunAs", "uid": 0}}), Some("122020 points put it before"));
        check(&json!({"runAsUser": {"type": "Whatever"}}), Some("invalid strategy type"));
        check(&json!({"volumes": ["secret"]}), Some("must list persistentVolumeClaim"));
        check(&json!({"volumes": null}), Some("volumes must be given"));
        check(&json!({"volumes": ["persistentVolumeClaim", "hostPath"]}), Some("must not list hostPath"));
        check(&json!({"priority": 0}), Some("priority must be null"));
        check(&json!({"seccompProfiles": []}), Some("seccompProfiles must name a profile"));
        check(&json!({"allowHostPorts": true}), Some("allowHostPorts must be false"));
        check(&json!({"users": ["alice"]}), Some("users must be empty"));
        check(&json!({"fanciness": 3}), Some("unknown field \"fanciness\""));
        check(&json!({"metadata": {"name": "anyuid"}}), Some("SCC of the platform"));
    }

    #[test]
    fn no_scc_of_the_platform_can_be_written() {
        let later = ["restricted-v3", "hostmount-anyuid-v2", "nested-container", "node-exporter", "lsdeploy", ""];
        for name in STANDARD.into_iter().chain(later) {
            check(&json!({"metadata": {"name": name}}), Some("is no name of ours"));
        }
    }

    #[test]
    fn all_required_fields_must_be_there() {
        let errors = check_own_object(&json!({"priority": null})).expect_err("eleven fields are missing");
        assert_eq!(errors.len(), 11, "{errors:?}");
    }

    #[track_caller]
    fn check(fields: &Value, expected: Option<&str>) {
        let mut object = json!({
            "apiVersion": "security.openshift.io/v1",
            "kind": "SecurityContextConstraints",
            "metadata": {"name": "lsdeploy-team1"},
            "allowHostDirVolumePlugin": false,
            "allowHostIPC": false,
            "allowHostNetwork": false,
            "allowHostPID": false,
            "allowHostPorts": false,
            "allowPrivilegedContainer": false,
            "allowPrivilegeEscalation": false,
            "allowedCapabilities": ["SETUID", "SETGID"],
            "defaultAddCapabilities": [],
            "requiredDropCapabilities": ["ALL"],
            "readOnlyRootFilesystem": false,
            "priority": null,
            "runAsUser": {"type": "RunAsAny"},
            "seLinuxContext": {"type": "MustRunAs"},
            "fsGroup": {"type": "MustRunAs"},
            "supplementalGroups": {"type": "MustRunAs"},
            "seccompProfiles": ["runtime/default"],
            "volumes": ["configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"],
            "users": [],
            "groups": [],
        });
        for (field, value) in fields.as_object().into_iter().flatten() {
            object[field] = value.clone();
        }
        let errors = check_own_object(&object).err().unwrap_or_default();
        match expected {
            None => assert!(errors.is_empty(), "{errors:?}"),
            Some(part) => assert!(errors.iter().any(|error| error.contains(part)), "{fields}: {errors:?}"),
        }
    }
}
