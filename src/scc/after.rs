//! What the API server still holds against a pod once an SCC has written into it.
//!
//! An SCC can make a pod invalid: it writes `allowPrivilegeEscalation: false` beside `CAP_SYS_ADMIN`, or an id too
//! large for Kubernetes. Only what an SCC can cause is checked here, not whether the pod was valid before.

use serde_json::Value;

use super::admit::{Reason, Refusal};
use super::messages::{FieldError, Path, aggregate, quote};
use super::pod;
use super::seccomp::{self, POD_ANNOTATION};

/// Stands for every address in memory that the server prints.
const ADDRESS: &str = "0xc000000000";

/// The fields of `core.SecurityContext` in Kubernetes 1.26, in order, with the types behind the pointers.
const FIELDS: [(&str, &str, &str); 11] = [
    ("Capabilities", "core.Capabilities", "capabilities"),
    ("Privileged", "bool", "privileged"),
    ("SELinuxOptions", "core.SELinuxOptions", "seLinuxOptions"),
    ("WindowsOptions", "core.WindowsSecurityContextOptions", "windowsOptions"),
    ("RunAsUser", "int64", "runAsUser"),
    ("RunAsGroup", "int64", "runAsGroup"),
    ("RunAsNonRoot", "bool", "runAsNonRoot"),
    ("ReadOnlyRootFilesystem", "bool", "readOnlyRootFilesystem"),
    ("AllowPrivilegeEscalation", "bool", "allowPrivilegeEscalation"),
    ("ProcMount", "core.ProcMountType", "procMount"),
    ("SeccompProfile", "core.SeccompProfile", "seccompProfile"),
];

/// The refusal of an admitted pod that an SCC made invalid, if it did.
///
/// The server prints addresses in memory; here each of them is `0xc000000000`.
pub fn invalid_after(pod: &Value) -> Option<Refusal> {
    let errors = errors(pod);
    let refusal = || Refusal {
        message: aggregate(&errors),
        providers: Vec::new(),
        reason: Reason::Invalid,
    };
    (!errors.is_empty()).then(refusal)
}

fn errors(pod: &Value) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = check_annotation(pod).into_iter().collect();
    let spec = Path::new("spec");
    let containers = pod::containers(pod, &spec);
    // Validation comes to the containers before it comes to the init containers.
    let (init, others): (Vec<_>, Vec<_>) = containers.into_iter().partition(|(path, _)| path.is_below("spec.init"));
    for (path, container) in others.into_iter().chain(init) {
        errors.extend(check_container(
            &container["securityContext"],
            &path.child("securityContext"),
        ));
    }
    errors.extend(check_pod_ids(
        &pod["spec"]["securityContext"],
        &spec.child("securityContext"),
    ));
    errors
}

/// An SCC may name any word as a profile, and the first one ends up in this annotation.
fn check_annotation(pod: &Value) -> Option<FieldError> {
    let profile = pod::annotation(pod, POD_ANNOTATION)?;
    let known = profile == "localhost/" || seccomp::field_for_annotation(profile).is_some();
    let path = Path::new("metadata.annotations").child(POD_ANNOTATION);
    (!known).then(|| FieldError::invalid(path, quote(profile), "must be a valid seccomp profile"))
}

fn check_container(context: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["runAsUser", "runAsGroup"] {
        errors.extend(check_id(&context[field], &path.child(field)));
    }
    if context["allowPrivilegeEscalation"].as_bool() == Some(false) {
        let mut contradicts = |detail: &str| {
            let detail = format!("cannot set `allowPrivilegeEscalation` to false and {detail}");
            errors.push(FieldError::invalid(path.clone(), print(context), detail));
        };
        if pod::is_true(&context["privileged"]) {
            contradicts("`privileged` to true");
        }
        for _ in pod::texts(&context["capabilities"]["add"])
            .iter()
            .filter(|name| *name == "CAP_SYS_ADMIN")
        {
            contradicts("`capabilities.Add` CAP_SYS_ADMIN");
        }
    }
    errors
}

fn check_pod_ids(context: &Value, path: &Path) -> Vec<FieldError> {
    let field = |field: &str| check_id(&context[field], &path.child(field));
    let groups = pod::array(&context["supplementalGroups"]).iter().enumerate();
    let groups = groups.map(|(index, group)| check_id(group, &path.child("supplementalGroups").index(index)));
    [field("fsGroup")]
        .into_iter()
        .chain(groups)
        .chain([field("runAsUser"), field("runAsGroup")])
        .flatten()
        .collect()
}

fn check_id(id: &Value, path: &Path) -> Option<FieldError> {
    let id = id.as_i64().filter(|id| !(0..=i64::from(i32::MAX)).contains(id))?;
    Some(FieldError::invalid(
        path.clone(),
        id,
        "must be between 0 and 2147483647, inclusive",
    ))
}

fn print(context: &Value) -> String {
    let fields = FIELDS.map(|(name, go_type, field)| {
        let value = if context[field].is_null() { "nil" } else { ADDRESS };
        format!("{name}:(*{go_type})({value})")
    });
    format!("core.SecurityContext{{{}}}", fields.join(", "))
}
