//! What the API server does with an SCC that is written: decode strictly, fill in defaults, accept or reject.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Groups, Release, Scc, volumes};

mod rules;

pub use rules::validate;

/// Field names of an SCC besides those a `Scc` always writes.
const OPTIONAL: [&str; 7] = [
    "allowPrivilegeEscalation",
    "allowedFlexVolumes",
    "allowedUnsafeSysctls",
    "defaultAllowPrivilegeEscalation",
    "forbiddenSysctls",
    "seccompProfiles",
    "userNamespaceLevel",
];

/// The twelve fields the 4.x schema requires; null will do for some, but they must be there.
pub(crate) const REQUIRED: [&str; 12] = [
    "allowHostDirVolumePlugin",
    "allowHostIPC",
    "allowHostNetwork",
    "allowHostPID",
    "allowHostPorts",
    "allowPrivilegedContainer",
    "allowedCapabilities",
    "defaultAddCapabilities",
    "priority",
    "readOnlyRootFilesystem",
    "requiredDropCapabilities",
    "volumes",
];

const STRUCTURED: [&str; 9] = [
    "apiVersion",
    "fsGroup",
    "groups",
    "kind",
    "metadata",
    "runAsUser",
    "seLinuxContext",
    "supplementalGroups",
    "users",
];

const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Reads an object as a strict server does.
///
/// # Errors
/// The server's words about unknown fields, or a note about a wrong type.
pub fn decode(object: &Value) -> Result<Scc, String> {
    let unknown = unknown_fields(object);
    if unknown.is_empty() {
        return Scc::from_value(object).map_err(|error| format!("SecurityContextConstraints cannot be read: {error}"));
    }
    let unknown: Vec<String> = unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    Err(format!(
        "SecurityContextConstraints in version \"v1\" cannot be handled as a SecurityContextConstraints: strict \
         decoding error: {}",
        unknown.join(", ")
    ))
}

/// Fills in what the server stores for fields left out.
///
/// An absent list of volumes is the trap: it allows every kind but `hostPath`, an empty one allows none.
pub fn default(scc: &mut Scc, release: Release) {
    for groups in [&mut scc.fs_group, &mut scc.supplemental_groups] {
        default_groups(groups);
    }
    scc.users.get_or_insert_default();
    scc.groups.get_or_insert_default();
    scc.allow_privilege_escalation.get_or_insert(true);
    scc.volumes = Some(default_volumes(scc, release));
}

fn default_groups(groups: &mut Groups) {
    if groups.strategy.is_empty() {
        "RunAsAny".clone_into(&mut groups.strategy);
    }
}

/// The old flag for host directories outranks the list, in both directions.
fn default_volumes(scc: &Scc, release: Release) -> Vec<String> {
    let host = scc.allow_host_dir_volume_plugin;
    let mut kinds: BTreeSet<String> = match &scc.volumes {
        None => BTreeSet::from(["*".to_owned()]),
        Some(listed) if listed.is_empty() && !host => BTreeSet::from(["none".to_owned()]),
        Some(listed) => listed.iter().cloned().collect(),
    };
    if host {
        if !kinds.contains("*") {
            kinds.insert("hostPath".to_owned());
        }
    } else {
        kinds.remove("hostPath");
        if kinds.remove("*") {
            let known = volumes::kinds(release).filter(|kind| *kind != "hostPath");
            kinds.extend(known.map(str::to_owned));
        }
    }
    kinds.into_iter().collect()
}

/// The paths of all fields an SCC does not have, in the order of the document.
fn unknown_fields(object: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    let Some(fields) = object.as_object() else {
        return unknown;
    };
    for (name, value) in fields {
        let known = [&OPTIONAL[..], &REQUIRED, &STRUCTURED]
            .concat()
            .contains(&name.as_str());
        if known {
            unknown.extend(unknown_below(name, value));
        } else {
            unknown.push(name.clone());
        }
    }
    unknown
}

fn unknown_below(name: &str, value: &Value) -> Vec<String> {
    let groups = |value: &Value| {
        let mut unknown = unknown_in(name, value, &["type", "ranges"]);
        unknown.extend(unknown_in_list(
            &format!("{name}.ranges"),
            &value["ranges"],
            &["min", "max"],
        ));
        unknown
    };
    match name {
        "metadata" => unknown_in(name, value, &METADATA),
        "runAsUser" => unknown_in(name, value, &["type", "uid", "uidRangeMin", "uidRangeMax"]),
        "fsGroup" | "supplementalGroups" => groups(value),
        "allowedFlexVolumes" => unknown_in_list(name, value, &["driver"]),
        "seLinuxContext" => {
            let mut unknown = unknown_in(name, value, &["type", "seLinuxOptions"]);
            let labels = ["level", "role", "type", "user"];
            unknown.extend(unknown_in(
                &format!("{name}.seLinuxOptions"),
                &value["seLinuxOptions"],
                &labels,
            ));
            unknown
        }
        _ => Vec::new(),
    }
}

fn unknown_in_list(path: &str, list: &Value, known: &[&str]) -> Vec<String> {
    let entries = list.as_array().into_iter().flatten().enumerate();
    entries
        .flat_map(|(index, entry)| unknown_in(&format!("{path}[{index}]"), entry, known))
        .collect()
}

fn unknown_in(path: &str, value: &Value, known: &[&str]) -> Vec<String> {
    let names = value.as_object().into_iter().flat_map(Map::keys);
    names
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| format!("{path}.{name}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn volumes_follow_the_flag() {
        check_volumes(&json!({"allowHostDirVolumePlugin": true, "volumes": []}), &["hostPath"]);
        check_volumes(
            &json!({"allowHostDirVolumePlugin": true, "volumes": ["nfs"]}),
            &["hostPath", "nfs"],
        );
        check_volumes(
            &json!({"allowHostDirVolumePlugin": true, "volumes": ["*", "nfs"]}),
            &["*", "nfs"],
        );
        check_volumes(&json!({"volumes": ["hostPath"]}), &[]);
        check_volumes(&json!({"volumes": ["nfs", "nfs"]}), &["nfs"]);
    }

    #[test]
    fn unknown_fields_are_named_by_path() {
        check_unknown(
            &json!({"runAsUser": {"type": "RunAsAny", "gid": 1}, "zeal": 1}),
            &["runAsUser.gid", "zeal"],
        );
        check_unknown(
            &json!({"fsGroup": {"ranges": [{"min": 1, "mx": 2}]}}),
            &["fsGroup.ranges[0].mx"],
        );
        check_unknown(&json!({"metadata": {"name": "w", "label": {}}}), &["metadata.label"]);
    }

    #[track_caller]
    fn check_volumes(object: &Value, expected: &[&str]) {
        let mut scc = decode(object).expect("the table holds readable SCCs");
        default(&mut scc, Release::RECORDED);
        assert_eq!(scc.volumes(), expected, "{object}");
    }

    #[track_caller]
    fn check_unknown(object: &Value, expected: &[&str]) {
        assert_eq!(unknown_fields(object), expected, "{object}");
    }
}
