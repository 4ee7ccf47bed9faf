//! Fields that Kubernetes 1.11 does not know: it drops them in silence. Pure.

use serde_json::Value;

/// Their names. Each means the same wherever it stands, but for the maps below.
const LATER: [&str; 34] = [
    // pods
    "enableServiceLinks",
    "ephemeralContainers",
    "fsGroupChangePolicy",
    "hostUsers",
    "overhead",
    "podIPs",
    "preemptionPolicy",
    "procMount",
    "runtimeClassName",
    "schedulingGates",
    "seccompProfile",
    "setHostnameAsFQDN",
    "started",
    "startupProbe",
    "subPathExpr",
    "topologySpreadConstraints",
    "windowsOptions",
    // services and network policies
    "allocateLoadBalancerNodePorts",
    "appProtocol",
    "clusterIPs",
    "endPort",
    "internalTrafficPolicy",
    "ipFamilies",
    "ipFamily",
    "ipFamilyPolicy",
    "loadBalancerClass",
    "topologyKeys",
    // everything else
    "ephemeral",
    "immutable",
    "managedFields",
    "scopeSelector",
    "suspend",
    "ttlSecondsAfterFinished",
    "volumeMode",
];
/// Maps whose keys are people's own.
const FREE: [&str; 10] = [
    "annotations",
    "binaryData",
    "data",
    "hard",
    "labels",
    "matchLabels",
    "nodeSelector",
    "properties",
    "selector",
    "stringData",
];

/// Takes them out, wherever they are.
pub(super) fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !LATER.contains(&key.as_str()));
            map.iter_mut().filter(|(key, _)| !FREE.contains(&key.as_str())).for_each(|(_, below)| strip(below));
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn newer_fields_go_and_people_s_own_keys_stay() {
        let mut object = json!({
            "metadata": {"annotations": {"immutable": "yes"}, "managedFields": [{}]},
            "data": {"started": "1"},
            "spec": {"selector": {"immutable": "a"}, "containers": [{"name": "a", "startupProbe": {}, "livenessProbe": {}}],
                "securityContext": {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}},
        });
        strip(&mut object);
        let left = json!({
            "metadata": {"annotations": {"immutable": "yes"}},
            "data": {"started": "1"},
            "spec": {"selector": {"immutable": "a"}, "containers": [{"name": "a", "livenessProbe": {}}],
                "securityContext": {"runAsUser": 0}},
        });
        assert_eq!(object, left);
    }
}
