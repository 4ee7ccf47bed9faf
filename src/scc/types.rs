//! The SCC object as the API stores it, complete or not.
//!
//! The API accepts objects no pod can be admitted with, such as `MustRunAs` without a uid; they must be representable,
//! because one of them refuses every pod of the cluster. The rules in force come later, in `provider`.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// One `SecurityContextConstraints` object of `security.openshift.io/v1`.
///
/// Serialising writes the twelve fields the 4.x schema requires even when they are empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the API has one flag per host feature")]
pub struct Scc {
    /// Always `security.openshift.io/v1`.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// Always `SecurityContextConstraints`.
    #[serde(default = "kind")]
    pub kind: String,
    /// Name, labels, annotations and what the server adds.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub metadata: Map<String, Value>,
    /// Tried earlier when higher; none counts as 0.
    #[serde(default)]
    pub priority: Option<i32>,
    /// Containers may ask to be privileged.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub allow_privileged_container: bool,
    /// Capabilities every container gets unless it drops them.
    #[serde(default)]
    pub default_add_capabilities: Option<Vec<String>>,
    /// Capabilities every container loses.
    #[serde(default)]
    pub required_drop_capabilities: Option<Vec<String>>,
    /// Capabilities a container may ask for; `*` means all.
    #[serde(default)]
    pub allowed_capabilities: Option<Vec<String>>,
    /// The old flag for `hostPath` volumes; defaulting keeps `volumes` in step with it.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub allow_host_dir_volume_plugin: bool,
    /// Kinds of volumes a pod may have; `*` means all, `none` none.
    #[serde(default)]
    pub volumes: Option<Vec<String>>,
    /// Drivers allowed with `flexVolume`; empty means every driver.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub allowed_flex_volumes: Option<Vec<FlexDriver>>,
    /// Pods may use the network of the node.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub allow_host_network: bool,
    /// Containers may claim ports of the node.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub allow_host_ports: bool,
    /// Pods may see the processes of the node.
    #[serde(default, rename = "allowHostPID", deserialize_with = "null_is_empty")]
    pub allow_host_pid: bool,
    /// Pods may use the inter-process communication of the node.
    #[serde(default, rename = "allowHostIPC", deserialize_with = "null_is_empty")]
    pub allow_host_ipc: bool,
    /// `RequirePodLevel` demands `hostUsers: false` (4.18 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_namespace_level: Option<String>,
    /// Written into containers that say nothing about privilege escalation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_allow_privilege_escalation: Option<bool>,
    /// False forbids privilege escalation; none is stored as true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_privilege_escalation: Option<bool>,
    /// The `SELinux` labels of a pod.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub se_linux_context: SeLinuxContext,
    /// The user ids of containers.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub run_as_user: RunAsUser,
    /// The supplemental groups of a pod.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub supplemental_groups: Groups,
    /// The group that owns a pod's volumes.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub fs_group: Groups,
    /// Containers run with a read-only root file system.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub read_only_root_filesystem: bool,
    /// Users who may use this SCC, by exact name.
    #[serde(default)]
    pub users: Option<Vec<String>>,
    /// Groups whose members may use this SCC, by exact name.
    #[serde(default)]
    pub groups: Option<Vec<String>>,
    /// Seccomp profiles a pod may have, `*` for any; empty means a pod must not name one.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub seccomp_profiles: Option<Vec<String>>,
    /// Sysctls allowed beyond the safe ones; a final `*` is a wildcard.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub allowed_unsafe_sysctls: Option<Vec<String>>,
    /// Sysctls refused even if safe; a final `*` is a wildcard.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub forbidden_sysctls: Option<Vec<String>>,
}

/// One allowed driver of flex volumes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlexDriver {
    /// Name of the driver.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub driver: String,
}

/// `runAsUser`: the strategy by name, and whatever values were stored with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunAsUser {
    /// `MustRunAs`, `MustRunAsRange`, `MustRunAsNonRoot` or `RunAsAny`.
    #[serde(
        default,
        rename = "type",
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub strategy: String,
    /// The uid of `MustRunAs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<i64>,
    /// First uid of `MustRunAsRange`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid_range_min: Option<i64>,
    /// Last uid of `MustRunAsRange`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid_range_max: Option<i64>,
}

/// `seLinuxContext`: the strategy by name, and its labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeLinuxContext {
    /// `MustRunAs` or `RunAsAny`.
    #[serde(
        default,
        rename = "type",
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub strategy: String,
    /// The labels of `MustRunAs`; without a level the namespace gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub se_linux_options: Option<SeLinuxOptions>,
}

/// `SELinux` labels, in an SCC as in a pod; an empty part is an absent one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeLinuxOptions {
    /// Sensitivity and categories, such as `s0:c1,c2`.
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub level: String,
    /// `SELinux` role.
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub role: String,
    /// `SELinux` type.
    #[serde(
        default,
        rename = "type",
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub kind: String,
    /// `SELinux` user.
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub user: String,
}

/// `fsGroup` or `supplementalGroups`: the strategy by name, and its ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// `MustRunAs` or `RunAsAny`.
    #[serde(
        default,
        rename = "type",
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub strategy: String,
    /// Allowed ids; without any the namespace gives them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub ranges: Vec<IdRange>,
}

/// Ids from `min` to `max`, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRange {
    /// First id.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "null_is_empty")]
    pub min: i64,
    /// Last id.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "null_is_empty")]
    pub max: i64,
}

impl Scc {
    /// Reads an object as the API stores it. Fields this release of the type does not know are left out, so that one
    /// new field of a newer cluster does not make all its SCCs unreadable; `write::decode` is the strict reader.
    ///
    /// # Errors
    /// A field has the wrong JSON type.
    pub fn from_value(object: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(object)
    }

    /// `metadata.name`, or an empty string.
    pub fn name(&self) -> &str {
        self.metadata.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn allowed_capabilities(&self) -> &[String] {
        items(self.allowed_capabilities.as_ref())
    }

    pub(crate) fn default_add_capabilities(&self) -> &[String] {
        items(self.default_add_capabilities.as_ref())
    }

    pub(crate) fn required_drop_capabilities(&self) -> &[String] {
        items(self.required_drop_capabilities.as_ref())
    }

    pub(crate) fn volumes(&self) -> &[String] {
        items(self.volumes.as_ref())
    }
}

impl IdRange {
    /// Whether `id` lies in the range.
    pub fn contains(self, id: i64) -> bool {
        self.min <= id && id <= self.max
    }
}

/// The entries of a nullable list: the API does not tell an absent list from an empty one, except for `volumes`.
pub(crate) fn items<T>(list: Option<&Vec<T>>) -> &[T] {
    list.map_or(&[], Vec::as_slice)
}

fn api_version() -> String {
    "security.openshift.io/v1".to_owned()
}

fn kind() -> String {
    "SecurityContextConstraints".to_owned()
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn is_empty<T>(list: &Option<Vec<T>>) -> bool {
    items(list.as_ref()).is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}
