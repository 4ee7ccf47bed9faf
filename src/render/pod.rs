//! The emulator's pod: environment variables, probes, volumes and security, from the profile.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{context, init, templates};
use crate::emulator::Health;
use crate::environment::{Environment, SccChoice, Tls};
use crate::error::{CommandError, Result};

/// What the template of the Deployment sees besides.
pub(super) fn context(environment: &Environment) -> Result<Value> {
    let profile = &environment.profile;
    let (mut volumes, mounts) = volumes(environment);
    volumes.extend(init::volumes(environment));
    let security = container_security(environment);
    // 3 s between two looks keep a slow start cheap and a quick one quick.
    let starts =
        |health| probe(health, json!({"periodSeconds": 3, "failureThreshold": profile.startup_seconds.div_ceil(3)}));
    Ok(json!({
        "image": environment.image.as_str(),
        "pod_annotations": pod_annotations(environment),
        "pod_security": pod_security(environment),
        "init_container": init::container(environment, &security),
        "container_security": security,
        "container_env": variables(environment)?,
        "container_ports": profile.ports.iter().map(|port| json!({
            "name": port.name, "containerPort": port.port, "protocol": "TCP",
        })).collect::<Vec<_>>(),
        "after_start": profile.after_start,
        "resources": profile.resources,
        "startup_probe": environment.level.has_startup_probes().then(|| starts(&profile.liveness)),
        "no_service_links": environment.level.has_service_links(),
        "readiness_probe": probe(&profile.readiness, json!({"periodSeconds": 2, "failureThreshold": 3})),
        "liveness_probe": probe(&profile.liveness, liveness(environment)),
        "host_aliases": host_aliases(environment)?,
        "volumes": volumes,
        "volume_mounts": mounts,
    }))
}

/// OpenShift 4.14 and later pin the pod to the SCC named here; earlier ones ignore the annotation, and the pod's own
/// request selects the SCC.
fn pod_annotations(environment: &Environment) -> BTreeMap<&'static str, String> {
    let pinned = match &environment.scc {
        SccChoice::Custom => Some(environment.name.scc()),
        SccChoice::Existing(name) => Some(name.clone()),
        SccChoice::None => None,
    };
    let mut annotations: BTreeMap<_, _> = pinned.map(|scc| ("openshift.io/required-scc", scc)).into_iter().collect();
    // The restricted SCCs of that time let no pod choose a profile.
    if !environment.level.has_seccomp_profiles() && environment.scc == SccChoice::Custom {
        annotations.insert("seccomp.security.alpha.kubernetes.io/pod", "runtime/default".to_owned());
    }
    if !environment.scripts.is_empty() {
        // Other scripts want a fresh emulator: the pod is made anew.
        annotations.insert("lsdeploy.dev/init", environment.scripts.digest());
    }
    annotations
}

/// Without an SCC of its own the pod names no uid: the platform gives it one of the namespace's range.
fn pod_security(environment: &Environment) -> Value {
    let user = environment.profile.security.run_as_user;
    let identity = match environment.scc {
        SccChoice::Custom => json!({"runAsUser": user, "runAsNonRoot": user != 0}),
        SccChoice::Existing(_) | SccChoice::None => json!({"runAsNonRoot": true}),
    };
    // Older servers would drop it in silence: there an annotation says the same.
    if environment.level.has_seccomp_profiles() {
        context::with(&identity, json!({"seccompProfile": {"type": "RuntimeDefault"}}))
    } else {
        identity
    }
}

/// Without a startup probe a slow start must not look like a hang.
fn liveness(environment: &Environment) -> Value {
    let pace = json!({"periodSeconds": 10, "failureThreshold": 6});
    if environment.level.has_startup_probes() {
        pace
    } else {
        context::with(&pace, json!({"initialDelaySeconds": environment.profile.startup_seconds}))
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
    let plain = all.iter().map(|(name, text)| Ok(json!({"name": name, "value": fill(environment, text)?})));
    let token = profile.auth_token.as_ref().zip(environment.token.as_ref()).map(|(taken, token)| {
        let key = json!({"name": token.secret, "key": token.key});
        Ok(json!({"name": taken.variable, "valueFrom": {"secretKeyRef": key}}))
    });
    plain.chain(token).collect()
}

/// Names that mean the pod itself inside the pod.
fn host_aliases(environment: &Environment) -> Result<Vec<Value>> {
    let names: Vec<String> =
        environment.profile.own_names.iter().map(|name| fill(environment, name)).collect::<Result<_>>()?;
    Ok(if names.is_empty() { Vec::new() } else { vec![json!({"ip": "127.0.0.1", "hostnames": names})] })
}

fn fill(environment: &Environment, text: &str) -> Result<String> {
    templates::fill_value(text, &context::of_profile(environment)).map_err(|error| {
        CommandError::new(format!("cannot fill `{text}` of the profile {}: {error}", environment.profile.name))
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::tests::environment;
    use crate::level::Level;
    use crate::manifest::Kind;
    use crate::render::render;
    use crate::settings::Choices;

    fn pod_on(level: Level, scc: &str) -> Value {
        let choices = Choices { scc: Some(scc.to_owned()), ..Choices::default() };
        let mut environment = environment("team1", choices).unwrap();
        environment.level = level;
        render(&environment).unwrap().find(Kind::Deployment).unwrap().object["spec"]["template"].clone()
    }

    /// Fields that came after 1.11 would be dropped in silence.
    #[test]
    fn an_old_server_gets_only_what_it_knows_and_the_same_protection() {
        const PROFILE: &str = "/metadata/annotations/seccomp.security.alpha.kubernetes.io~1pod";
        const FIELD: &str = "/spec/securityContext/seccompProfile";
        let new = pod_on(Level::NEWEST, "custom");
        assert!(new.pointer(FIELD).is_some() && new.pointer(PROFILE).is_none(), "{new:#}");
        assert!(new.pointer("/spec/containers/0/startupProbe").is_some());
        let old = pod_on(Level::OPENSHIFT_3, "custom");
        let text = old.to_string();
        for field in ["seccompProfile", "startupProbe", "enableServiceLinks"] {
            assert!(!text.contains(field), "{field}: {old:#}");
        }
        assert_eq!(old.pointer(PROFILE), Some(&json!("runtime/default")));
        let patience = old.pointer("/spec/containers/0/livenessProbe/initialDelaySeconds");
        assert!(patience.and_then(Value::as_u64) >= Some(60), "{old:#}");
        // The restricted SCC of OpenShift 3.11 lets no pod choose a profile.
        assert_eq!(pod_on(Level::OPENSHIFT_3, "none").pointer(PROFILE), None);
    }
}
