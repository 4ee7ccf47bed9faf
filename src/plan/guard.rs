//! Fields that protect: a server that drops one of them without a word has not done what was asked. Pure.

use serde_json::Value;

use super::compare::differences;
use crate::manifest::Kind;

/// Parts of a pod's paths that protect.
const OF_PODS: [&str; 5] =
    ["ecurityContext", "/serviceAccountName", "/automountServiceAccountToken", "seccomp", "required-scc"];

/// The paths of fields that protect and that are not stored as they were sent.
pub fn lost(kind: Kind, sent: &Value, stored: &Value) -> Vec<String> {
    let mut lost = differences(sent, stored);
    lost.retain(|path| protects(kind, path));
    lost
}

fn protects(kind: Kind, path: &str) -> bool {
    match kind {
        Kind::SecurityContextConstraints
        | Kind::Role
        | Kind::RoleBinding
        | Kind::NetworkPolicy
        | Kind::ResourceQuota
        | Kind::LimitRange
        | Kind::ServiceAccount => !path.starts_with("/metadata/annotations"),
        Kind::Deployment => OF_PODS.iter().any(|part| path.contains(part)),
        Kind::Namespace => path.contains("pod-security"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_that_protects_is_missed_by_its_path_and_others_are_not() {
        let sent = json!({"spec": {"paused": true, "template": {"spec": {"securityContext": {"runAsUser": 0,
            "seccompProfile": {"type": "RuntimeDefault"}}}}}});
        let stored = json!({"spec": {"template": {"spec": {"securityContext": {"runAsUser": 0}}}}});
        let lost_by = |kind| lost(kind, &sent, &stored);
        assert_eq!(lost_by(Kind::Deployment), ["/spec/template/spec/securityContext/seccompProfile"]);
        assert_eq!(lost_by(Kind::Service), [""; 0]);
    }
}
