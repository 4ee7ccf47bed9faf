//! How permissive an SCC is, as a number: fewer points are tried first.

use super::Scc;

const PRIVILEGED: u32 = 1_600_000;
const HOST_PORTS: u32 = 800_000;
const HOST_NETWORK: u32 = 400_000;
const HOST_VOLUME: u32 = 200_000;
const OTHER_VOLUME: u32 = 100_000;

/// Kinds of volumes that cost nothing; a kind nobody has heard of counts like a claim.
const FREE_VOLUMES: [&str; 6] = ["configMap", "downwardAPI", "emptyDir", "none", "projected", "secret"];

/// The points of an SCC, after the public weights of `util/sort/byrestrictions.go`.
///
/// Privilege escalation, seccomp, groups, sysctls, host PID and host IPC do not count.
pub fn points(scc: &Scc) -> u32 {
    let flag = |on: bool, weight: u32| if on { weight } else { 0 };
    flag(scc.allow_privileged_container, PRIVILEGED)
        + flag(scc.allow_host_ports, HOST_PORTS)
        + flag(scc.allow_host_network, HOST_NETWORK)
        + volume_points(scc)
        + strategy_points(&scc.run_as_user.strategy)
        + strategy_points(&scc.se_linux_context.strategy)
        + capability_points(scc)
}

fn volume_points(scc: &Scc) -> u32 {
    let volumes = scc.volumes();
    if volumes.iter().any(|kind| kind == "hostPath" || kind == "*") {
        HOST_VOLUME
    } else if volumes.iter().any(|kind| !FREE_VOLUMES.contains(&kind.as_str())) {
        OTHER_VOLUME
    } else {
        0
    }
}

/// One table serves user ids and `SELinux`; an unknown strategy costs nothing, it fails when the provider is built.
fn strategy_points(strategy: &str) -> u32 {
    match strategy {
        "RunAsAny" => 40_000,
        "MustRunAsNonRoot" => 30_000,
        "MustRunAsRange" => 20_000,
        "MustRunAs" => 10_000,
        _ => 0,
    }
}

fn capability_points(scc: &Scc) -> u32 {
    let names = |list: &[String], name: &str| list.iter().any(|entry| entry.to_uppercase() == name);
    let each = |list: &[String], weight: i64| weight.saturating_mul(i64::try_from(list.len()).unwrap_or(i64::MAX));
    let allowed = scc.allowed_capabilities();
    let dropped = scc.required_drop_capabilities();

    let for_defaults = each(scc.default_add_capabilities(), 300);
    let for_allowed = if names(allowed, "*") || names(allowed, "ALL") {
        4_000
    } else {
        each(allowed, 10)
    };
    let for_dropped = if names(dropped, "ALL") {
        3_000
    } else {
        each(dropped, 50)
    };
    let sum = 5_000_i64
        .saturating_add(for_defaults)
        .saturating_add(for_allowed)
        .saturating_sub(for_dropped);
    u32::try_from(sum.clamp(0, 9_999)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn points_of_known_sccs() {
        let v2 = json!({"allowedCapabilities": ["NET_BIND_SERVICE"], "requiredDropCapabilities": ["ALL"]});
        check(&v2, "MustRunAsRange", &["persistentVolumeClaim"], 132_010);
        check(&v2, "MustRunAsNonRoot", &["persistentVolumeClaim"], 142_010);
        check(&v2, "RunAsAny", &["secret"], 52_010);
        check(&v2, "MustRunAs", &["hostPath", "nfs"], 222_010);
        check(&json!({"allowedCapabilities": ["all"]}), "RunAsAny", &[], 59_000);
    }

    #[test]
    fn capabilities_stay_within_their_digits() {
        let many: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        check(&json!({"defaultAddCapabilities": many}), "RunAsAny", &[], 59_999);
        check(&json!({"requiredDropCapabilities": many}), "RunAsAny", &[], 50_000);
    }

    #[track_caller]
    fn check(capabilities: &Value, user: &str, volumes: &[&str], expected: u32) {
        let mut object = capabilities.clone();
        object["runAsUser"] = json!({"type": user});
        object["seLinuxContext"] = json!({"type": "MustRunAs"});
        object["volumes"] = json!(volumes);
        let scc = Scc::from_value(&object).expect("the table holds readable SCCs");
        assert_eq!(points(&scc), expected, "{object}");
    }
}
