//! The rules a written SCC must keep. They are few: an SCC may pass and still refuse every pod of the cluster.

use crate::scc::messages::{FieldError, Path, quote, strings};
use crate::scc::pod;
use crate::scc::types::items;
use crate::scc::{Groups, RunAsUser, Scc};

const SYSCTL_PATTERN: &str = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?\.)*([a-z0-9][-_a-z0-9]*)?[a-z0-9*]";
const SYSCTL_LENGTH: usize = 253;
const NAME_LENGTH: usize = 253;
const NAME_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
                         '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used \
                         for validation is \
                         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/// Every reason to reject an SCC whose defaults are filled in, in the server's words; empty means it is accepted.
pub fn validate(scc: &Scc) -> Vec<String> {
    let mut errors = check_name(scc);
    if let Some(priority) = scc.priority.filter(|priority| *priority < 0) {
        errors.push(FieldError::invalid(
            Path::new("priority"),
            priority,
            "priority cannot be negative",
        ));
    }
    errors.extend(check_user(&scc.run_as_user));
    errors.extend(check_se_linux(&scc.se_linux_context.strategy));
    errors.extend(check_groups(&scc.fs_group, &Path::new("fsGroup")));
    errors.extend(check_groups(&scc.supplemental_groups, &Path::new("supplementalGroups")));
    errors.extend(check_capabilities(scc));
    errors.extend(check_escalation(scc));
    errors.extend(check_volumes(scc));
    errors.extend(check_sysctls(scc));
    errors.iter().map(FieldError::to_string).collect()
}

fn check_name(scc: &Scc) -> Vec<FieldError> {
    let path = Path::new("metadata.name");
    let generated = scc.metadata.get("generateName").map(pod::text).unwrap_or_default();
    let name = scc.name();
    let is_label = |label: &str| {
        let is_edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bytes = label.as_bytes();
        let inner = bytes.iter().all(|byte| is_edge(Some(byte)) || *byte == b'-');
        inner && is_edge(bytes.first()) && is_edge(bytes.last())
    };
    let mut errors = Vec::new();
    if name.is_empty() && generated.is_empty() {
        errors.push(FieldError::required_because(path, "name or generateName is required"));
    } else if !name.is_empty() {
        if name.len() > NAME_LENGTH {
            let detail = "must be no more than 253 characters";
            errors.push(FieldError::invalid(path.clone(), quote(name), detail));
        }
        if !name.split('.').all(is_label) {
            errors.push(FieldError::invalid(path, quote(name), NAME_RULE));
        }
    }
    errors
}

fn check_user(user: &RunAsUser) -> Vec<FieldError> {
    let path = Path::new("runAsUser");
    let mut errors = Vec::new();
    if !["MustRunAs", "MustRunAsNonRoot", "MustRunAsRange", "RunAsAny"].contains(&user.strategy.as_str()) {
        let detail = "invalid strategy type.  Valid values are MustRunAs, MustRunAsNonRoot, MustRunAsRange, RunAsAny";
        errors.push(FieldError::invalid(path.child("type"), quote(&user.strategy), detail));
    }
    if let Some(uid) = user.uid.filter(|uid| *uid < 0) {
        errors.push(FieldError::invalid(path.child("uid"), uid, "uid cannot be negative"));
    }
    errors
}

fn check_se_linux(strategy: &str) -> Option<FieldError> {
    let detail = "invalid strategy type.  Valid values are MustRunAs, RunAsAny";
    let error = || FieldError::invalid(Path::new("seLinuxContext.type"), quote(strategy), detail);
    (!["MustRunAs", "RunAsAny"].contains(&strategy)).then(error)
}

fn check_groups(groups: &Groups, path: &Path) -> Vec<FieldError> {
    let known = ["MustRunAs", "RunAsAny"];
    let mut errors = Vec::new();
    if !known.contains(&groups.strategy.as_str()) {
        errors.push(FieldError::unsupported(path.child("type"), &groups.strategy, &known));
    }
    for (index, range) in groups.ranges.iter().enumerate() {
        let path = path.child("ranges").index(index);
        if range.min < 0 {
            errors.push(FieldError::invalid(
                path.child("min"),
                range.min,
                "min cannot be negative",
            ));
        }
        if range.max < 0 {
            errors.push(FieldError::invalid(
                path.child("max"),
                range.max,
                "max cannot be negative",
            ));
        }
        if range.min > range.max {
            let value = format!("v1.IDRange{{Min:{}, Max:{}}}", range.min, range.max);
            errors.push(FieldError::invalid(
                path.child("min"),
                value,
                "min cannot be greater than max",
            ));
        }
    }
    errors
}

/// Names compare exactly, so `ALL` may be dropped beside capabilities that are allowed.
fn check_capabilities(scc: &Scc) -> Vec<FieldError> {
    let dropped = scc.required_drop_capabilities();
    let mut errors = Vec::new();
    for (field, names) in [
        ("defaultAddCapabilities", scc.default_add_capabilities()),
        ("allowedCapabilities", scc.allowed_capabilities()),
    ] {
        for name in names.iter().filter(|name| dropped.contains(name)) {
            let detail = format!("capability is listed in {field} and requiredDropCapabilities");
            errors.push(FieldError::invalid(Path::new(field), quote(name), detail));
        }
    }
    if scc.allowed_capabilities().iter().any(|name| name == "*") && !dropped.is_empty() {
        let detail = "required capabilities must be empty when all capabilities are allowed by a wildcard";
        let value = strings("v1.Capability", dropped);
        errors.push(FieldError::invalid(
            Path::new("requiredDropCapabilities"),
            value,
            detail,
        ));
    }
    errors
}

fn check_escalation(scc: &Scc) -> Option<FieldError> {
    let (default, allow) = (scc.default_allow_privilege_escalation, scc.allow_privilege_escalation);
    let detail = "Cannot set DefaultAllowPrivilegeEscalation to true without also setting AllowPrivilegeEscalation to \
                  true";
    let error = || FieldError::invalid(Path::new("defaultAllowPrivilegeEscalation"), true, detail);
    (default == Some(true) && allow == Some(false)).then(error)
}

fn check_volumes(scc: &Scc) -> Vec<FieldError> {
    let volumes = scc.volumes();
    let drivers = items(scc.allowed_flex_volumes.as_ref());
    let path = Path::new("allowedFlexVolumes");
    let mut errors = Vec::new();
    if volumes.len() > 1 && volumes.iter().any(|kind| kind == "none") {
        let detail = "if 'none' is specified, no other values are allowed";
        errors.push(FieldError::invalid(
            Path::new("volumes"),
            strings("v1.FSType", volumes),
            detail,
        ));
    }
    if volumes.iter().any(|kind| kind == "flexVolume" || kind == "*") {
        for (index, _) in drivers.iter().enumerate().filter(|(_, flex)| flex.driver.is_empty()) {
            let path = path.index(index).child("driver");
            errors.push(FieldError::required_because(path, "must specify a driver"));
        }
    } else if !drivers.is_empty() {
        let print = |driver: &str| format!("v1.AllowedFlexVolume{{Driver:{}}}", quote(driver));
        let drivers: Vec<String> = drivers.iter().map(|flex| print(&flex.driver)).collect();
        let value = format!("[]v1.AllowedFlexVolume{{{}}}", drivers.join(", "));
        let detail = "volumes does not include 'flexVolume' or '*', so no flex volumes are allowed";
        errors.push(FieldError::invalid(path, value, detail));
    }
    errors
}

fn check_sysctls(scc: &Scc) -> Vec<FieldError> {
    let allowed = (
        Path::new("allowedUnsafeSysctls"),
        items(scc.allowed_unsafe_sysctls.as_ref()),
    );
    let forbidden = (Path::new("forbiddenSysctls"), items(scc.forbidden_sysctls.as_ref()));
    let mut errors = check_patterns(&allowed.0, allowed.1);
    errors.extend(check_patterns(&forbidden.0, forbidden.1));
    for (i, one) in allowed.1.iter().enumerate() {
        for (j, other) in forbidden.1.iter().enumerate() {
            // Where the allowed pattern lies inside the forbidden one it is to blame, else the forbidden one is.
            let (path, value, overlapped) = match overlap(one, other) {
                Some(Inner::First) => (allowed.0.index(i), one, other),
                Some(Inner::Second) => (forbidden.0.index(j), other, one),
                None => continue,
            };
            errors.push(FieldError::invalid(
                path,
                quote(value),
                format!("sysctl overlaps with {overlapped}"),
            ));
        }
    }
    errors
}

fn check_patterns(path: &Path, patterns: &[String]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, pattern) in patterns.iter().enumerate() {
        if pattern.is_empty() {
            errors.push(FieldError::invalid(
                path.index(index),
                quote(pattern),
                "empty sysctl not allowed",
            ));
        } else if !is_sysctl_pattern(pattern) {
            let detail = format!("must have at most {SYSCTL_LENGTH} characters and match regex {SYSCTL_PATTERN}");
            errors.push(FieldError::invalid(path.index(index), quote(pattern), detail));
        }
    }
    if patterns.len() > 1 && patterns.iter().any(|pattern| pattern == "*") {
        let detail = "if '*' is present, must not specify other sysctls";
        errors.push(FieldError::forbidden(path.child("items"), detail));
    }
    errors
}

/// The regular expression of the message, by hand: segments between dots, the last of which may end in `*`.
fn is_sysctl_pattern(pattern: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_inner = |byte: &u8| is_plain(*byte) || matches!(byte, b'-' | b'_');
    let fits = |segment: &str, may_end: fn(u8) -> bool| match segment.as_bytes() {
        [] => false,
        [only] => is_plain(*only) || may_end(*only),
        [first, inner @ .., last] => {
            is_plain(*first) && inner.iter().all(is_inner) && (is_plain(*last) || may_end(*last))
        }
    };
    let (others, last) = pattern
        .rsplit_once('.')
        .map_or((None, pattern), |(others, last)| (Some(others), last));
    pattern.len() <= SYSCTL_LENGTH
        && fits(last, |byte| byte == b'*')
        && others.is_none_or(|others| others.split('.').all(|segment| fits(segment, |_| false)))
}

/// Which of two overlapping patterns lies inside the other.
enum Inner {
    First,
    Second,
}

fn overlap(one: &str, other: &str) -> Option<Inner> {
    match (one.strip_suffix('*'), other.strip_suffix('*')) {
        (Some(one), Some(other)) if one.starts_with(other) => Some(Inner::First),
        (Some(one), _) if other.starts_with(one) => Some(Inner::Second),
        (None, Some(other)) if one.starts_with(other) => Some(Inner::First),
        (None, None) if one == other => Some(Inner::First),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn rejections_are_in_the_words_of_the_server() {
        check(&json!({}), &[]);
        check(
            &json!({"fsGroup": {"type": "X"}}),
            &[r#"fsGroup.type: Unsupported value: "X": supported values: "MustRunAs", "RunAsAny""#],
        );
        check(
            &json!({"allowedCapabilities": ["*"], "requiredDropCapabilities": ["KILL"]}),
            &[
                r#"requiredDropCapabilities: Invalid value: []v1.Capability{"KILL"}: required capabilities must be empty when all capabilities are allowed by a wildcard"#,
            ],
        );
        check(
            &json!({"allowedUnsafeSysctls": ["a.*"], "forbiddenSysctls": ["a.b"]}),
            &[r#"forbiddenSysctls[0]: Invalid value: "a.b": sysctl overlaps with a.*"#],
        );
        check(
            &json!({"allowedUnsafeSysctls": ["a.b.*"], "forbiddenSysctls": ["a.*"]}),
            &[r#"allowedUnsafeSysctls[0]: Invalid value: "a.b.*": sysctl overlaps with a.*"#],
        );
        check(
            &json!({"forbiddenSysctls": ["*", "a"]}),
            &["forbiddenSysctls.items: Forbidden: if '*' is present, must not specify other sysctls"],
        );
    }

    #[test]
    fn sysctl_patterns() {
        for (pattern, expected) in [
            ("kernel.shm*", true),
            ("*", true),
            ("a.*", true),
            ("a..b", false),
            ("a.*.b", false),
            ("A", false),
            ("a-", false),
        ] {
            assert_eq!(is_sysctl_pattern(pattern), expected, "{pattern}");
        }
    }

    #[track_caller]
    fn check(fields: &Value, expected: &[&str]) {
        let mut object = json!({
            "metadata": {"name": "w"},
            "runAsUser": {"type": "RunAsAny"},
            "seLinuxContext": {"type": "RunAsAny"},
            "fsGroup": {"type": "RunAsAny"},
            "supplementalGroups": {"type": "RunAsAny"},
        });
        for (field, value) in fields.as_object().into_iter().flatten() {
            object[field] = value.clone();
        }
        let scc = Scc::from_value(&object).expect("the table holds readable SCCs");
        assert_eq!(validate(&scc), expected, "{fields}");
    }
}
