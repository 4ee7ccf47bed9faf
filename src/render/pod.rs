//! The emulator's pod: environment variables, probes, volumes and security, from the profile.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{context, templates};
use crate::emulator::Health;
use crate::environment::{Environment, SccChoice, Tls};
use crate::error::{CommandError, Result};

/// What the template of the Deployment sees besides.
pub(super) fn context(environment: &Environment) -> Result<Value> {
    let profile = &environment.profile;
    let (volumes, mounts) = volumes(environment);
    // 3 s between two looks keep a slow start cheap and a quick one quick.
    let starts =
        |health| probe(health, json!({"periodSeconds": 3, "failureThreshold": profile.startup_seconds.div_ceil(3)}));
    Ok(json!({
        "image": environment.image.as_str(),
        "pod_annotations": pod_annotations(environment),
        "pod_security": pod_security(environment),
        "container_security": container_security(environment),
        "container_env": variables(environment)?,
        "container_ports": profile.ports.iter().map(|port| json!({
            "name": port.name, "containerPort": port.port, "protocol": "TCP",
        })).collect::<Vec<_>>(),
        "resources": profile.resources,
        "startup_probe": starts(&profile.liveness),
        "readiness_probe": probe(&profile.readiness, json!({"periodSeconds": 2, "failureThreshold": 3})),
        "liveness_probe": probe(&profile.liveness, json!({"periodSeconds": 10, "failureThreshold": 6})),
        "volumes": volumes,
        "volume_mounts": mounts,
    }))
}

/// OpenShift 4.14 and later pin the pod to the SCC named here; earlier ones ignore the annotation, and the pod's own
/// request selects the SCC.
fn pod_annotations(environment: &Environment) -> BTreeMap<&'static str, String> {
    match &environment.scc {
        SccChoice::Custom => BTreeMap::from([("openshift.io/required-scc", environment.name.scc())]),
        SccChoice::Existing(name) => BTreeMap::from([("openshift.io/required-scc", name.clone())]),
        SccChoice::None => BTreeMap::new(),
    }
}

/// Without an SCC of its own the pod names no uid: the platform gives it one of the namespace's range.
fn pod_security(environment: &Environment) -> Value {
    let seccomp = json!({"type": "RuntimeDefault"});
    let user = environment.profile.security.run_as_user;
    match environment.scc {
        SccChoice::Custom => json!({"runAsUser": user, "runAsNonRoot": user != 0, "seccompProfile": seccomp}),
        SccChoice::Existing(_) | SccChoice::None => json!({"runAsNonRoot": true, "seccompProfile": seccomp}),
    }
}

fn container_security(environment: &Environment) -> Value {
    let added = &environment.profile.security.capabilities;
    let capabilities = if environment.scc == SccChoice::Custom && !added.is_empty() {
        json!({"drop": ["ALL"], "add": added})
    } else {
        json!({"drop": ["ALL"]})
    };
    json!({"allowPrivilegeEscalation": false, "capabilities": capabilities})
}

fn variables(environment: &Environment) -> Result<Vec<Value>> {
    let profile = &environment.profile;
    let mut all = profile.env.clone();
    if environment.tls == Tls::EdgeOnly {
        all.extend(profile.https_only_env.clone());
    }
    if environment.account.is_some() {
        all.extend(profile.account_env.clone());
    }
    if let (Some(data), Some(_)) = (&profile.data, &environment.persistence) {
        all.extend(data.env.clone());
    }
    let values = context::of_profile(environment);
    all.iter()
        .map(|(name, text)| {
            let value = templates::fill_value(text, &values).map_err(|error| {
                CommandError::new(format!("cannot fill {name} of the profile {}: {error}", profile.name))
            })?;
            Ok(json!({"name": name, "value": value}))
        })
        .collect()
}

fn probe(health: &Health, timing: Value) -> Value {
    let handler = match &health.path {
        Some(path) => json!({"httpGet": {"path": path, "port": health.port}}),
        None => json!({"tcpSocket": {"port": health.port}}),
    };
    context::with(&context::with(&handler, timing), json!({"timeoutSeconds": 5}))
}

/// Scratch directories are emptyDirs; the data directory is the claim where there is one.
fn volumes(environment: &Environment) -> (Vec<Value>, Vec<Value>) {
    let mut volumes = Vec::new();
    let mut mounts = Vec::new();
    for (index, path) in environment.profile.scratch.iter().enumerate() {
        let name = format!("scratch-{index}");
        volumes.push(json!({"name": name, "emptyDir": {}}));
        mounts.push(json!({"name": name, "mountPath": path}));
    }
    if let Some(data) = &environment.profile.data {
        volumes.push(match environment.persistence {
            Some(_) => json!({"name": "data", "persistentVolumeClaim": {"claimName": context::CLAIM}}),
            None => json!({"name": "data", "emptyDir": {}}),
        });
        mounts.push(json!({"name": "data", "mountPath": data.mount}));
    }
    (volumes, mounts)
}
