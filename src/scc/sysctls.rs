//! Sysctls a pod may set.

use serde_json::Value;

use super::messages::{FieldError, Path, quote};
use super::provider::Provider;
use super::types::items;
use super::{Release, pod};

/// Safe on every release: each sysctl is confined to its pod. Later releases know more, so their lists go on.
const SAFE: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    // from 4.16
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    // from 4.21, which needs kernel 4.15 and runs on 5.14
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

impl Release {
    pub(crate) fn safe_sysctls(self) -> &'static [&'static str] {
        if self >= Self::v4(21) {
            &SAFE
        } else if self >= Self::v4(16) {
            SAFE.split_at(9).0
        } else {
            SAFE.split_at(5).0
        }
    }
}

/// Checks every sysctl of the pod: forbidden ones first, then the safe and the expressly allowed.
pub(crate) fn check(provider: &Provider<'_>, pod: &Value) -> Vec<FieldError> {
    let forbidden = items(provider.scc.forbidden_sysctls.as_ref());
    let allowed = items(provider.scc.allowed_unsafe_sysctls.as_ref());
    let path = Path::new("pod.spec.securityContext.sysctls");
    let mut errors = Vec::new();
    for (index, sysctl) in pod::array(&pod["spec"]["securityContext"]["sysctls"])
        .iter()
        .enumerate()
    {
        let name = pod::text(&sysctl["name"]);
        if matches(forbidden, name) {
            let detail = format!("sysctl {} is not allowed", quote(name));
            errors.push(FieldError::forbidden(path.index(index), detail));
        } else if !provider.safe_sysctls.contains(&name) && !matches(allowed, name) {
            let detail = format!("unsafe sysctl {} is not allowed", quote(name));
            errors.push(FieldError::forbidden(path.index(index), detail));
        }
    }
    errors
}

fn matches(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    })
}
