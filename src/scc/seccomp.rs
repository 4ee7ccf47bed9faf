//! Seccomp profiles: which one a pod gets and which it may have.
//!
//! Admission still thinks in the annotations of Kubernetes before 1.19 and translates the newer field to and fro.

use serde_json::{Value, json};

use super::messages::{FieldError, Path};
use super::pod;

const RUNTIME_DEFAULT: &str = "runtime/default";
const DOCKER_DEFAULT: &str = "docker/default";
const UNCONFINED: &str = "unconfined";
const LOCALHOST: &str = "localhost/";

/// Annotation of a pod's profile.
pub(crate) const POD_ANNOTATION: &str = "seccomp.security.alpha.kubernetes.io/pod";
/// Annotation of one container's profile, before the container's name.
pub(crate) const CONTAINER_ANNOTATION: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// The profiles an SCC allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profiles {
    named: Vec<String>,
    any: bool,
}

impl Profiles {
    pub(crate) fn new(listed: &[String]) -> Self {
        let named = listed.iter().filter(|profile| *profile != "*").cloned().collect();
        Self {
            named,
            any: listed.iter().any(|profile| profile == "*"),
        }
    }

    /// The profile in force for the pod: its annotation, else its field, else the first the SCC names.
    pub(crate) fn choose(&self, pod: &Value) -> String {
        let field = &pod["spec"]["securityContext"]["seccompProfile"];
        match pod::annotation(pod, POD_ANNOTATION) {
            Some(profile) if !profile.is_empty() => profile.to_owned(),
            _ if !field.is_null() => annotation_for_field(field),
            _ => self.named.first().cloned().unwrap_or_default(),
        }
    }

    /// Checks the pod's own profile.
    pub(crate) fn check_pod(&self, pod: &Value) -> Option<FieldError> {
        let field = &pod["spec"]["securityContext"]["seccompProfile"];
        let profile = match pod::annotation(pod, POD_ANNOTATION) {
            Some(profile) if !profile.is_empty() => profile.to_owned(),
            _ => annotation_for_field(field),
        };
        self.check(POD_ANNOTATION, &profile)
    }

    /// Checks the profile in force for a container.
    pub(crate) fn check_container(&self, pod: &Value, container: &Value) -> Option<FieldError> {
        let annotation = format!("{CONTAINER_ANNOTATION}{}", pod::text(&container["name"]));
        let own_field = &container["securityContext"]["seccompProfile"];
        let pod_field = &pod["spec"]["securityContext"]["seccompProfile"];
        let profile = if !own_field.is_null() {
            annotation_for_field(own_field)
        } else if let Some(profile) = pod::annotation(pod, &annotation) {
            profile.to_owned()
        } else if !pod_field.is_null() {
            annotation_for_field(pod_field)
        } else {
            pod::annotation(pod, POD_ANNOTATION).unwrap_or_default().to_owned()
        };
        self.check(&annotation, &profile)
    }

    fn check(&self, annotation: &str, profile: &str) -> Option<FieldError> {
        let path = || Path::new("pod.metadata.annotations").key(annotation);
        let is_default = |profile: &str| profile == RUNTIME_DEFAULT || profile == DOCKER_DEFAULT;
        let same = |allowed: &String| allowed == profile || (is_default(allowed) && is_default(profile));
        if self.any || self.named.iter().any(same) {
            None
        } else if !self.named.is_empty() {
            let named = self.named.join(" ");
            let detail = format!("{profile} is not an allowed seccomp profile. Valid values are [{named}]");
            Some(FieldError::forbidden(path(), detail))
        } else if profile.is_empty() {
            None
        } else {
            Some(FieldError::forbidden(path(), "seccomp may not be set"))
        }
    }
}

/// The field that says the same as an annotation; none if the annotation is no known profile.
pub(crate) fn field_for_annotation(profile: &str) -> Option<Value> {
    match profile {
        UNCONFINED => Some(json!({"type": "Unconfined"})),
        RUNTIME_DEFAULT | DOCKER_DEFAULT => Some(json!({"type": "RuntimeDefault"})),
        other => {
            let file = other.strip_prefix(LOCALHOST).filter(|file| !file.is_empty())?;
            Some(json!({"type": "Localhost", "localhostProfile": file}))
        }
    }
}

/// The annotation that says the same as a field; empty if the field is absent or no known profile.
fn annotation_for_field(field: &Value) -> String {
    match (field["type"].as_str(), field["localhostProfile"].as_str()) {
        (Some("Unconfined"), _) => UNCONFINED.to_owned(),
        (Some("RuntimeDefault"), _) => RUNTIME_DEFAULT.to_owned(),
        (Some("Localhost"), Some(file)) => format!("{LOCALHOST}{file}"),
        _ => String::new(),
    }
}
