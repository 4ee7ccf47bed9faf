//! The values that templates see: one flat map per template.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::environment::{EDGE, Environment, HostSource, Owner, SccChoice};
use crate::error::{CommandError, Result};

/// The name of the inventory ConfigMap in an environment's namespace.
pub const INVENTORY: &str = "lsdeploy-inventory";
/// The label that tells inventories from other ConfigMaps.
pub const INVENTORY_LABEL: &str = "lsdeploy.dev/inventory";

/// The name of the Deployment, its Service and its ServiceAccount. It must not be `localstack`: the entrypoint of that
/// image reads variables of the form `LOCALSTACK_*`.
pub(crate) const EMULATOR: &str = "emulator";
/// The Lease that is an environment's lock.
pub(crate) const LEASE: &str = "lsdeploy";
/// The name of the claim.
pub(crate) const CLAIM: &str = "emulator-data";
/// The name of the ConfigMap of scripts.
pub(crate) const INIT: &str = "emulator-init";
/// The name of the container that runs them.
pub(crate) const INIT_CONTAINER: &str = "init";
/// The name of Role and RoleBinding.
pub(crate) const GRANT: &str = "lsdeploy-scc";

/// The name of the owner's RoleBinding.
pub(crate) const OWNER: &str = "lsdeploy-owner";
/// The name of ResourceQuota and LimitRange.
pub(crate) const LIMITS: &str = "lsdeploy";
/// The name of the Secret that holds the emulator's token.
pub(crate) const AUTH: &str = crate::environment::token::SECRET;

/// The labels of every object of an environment.
pub fn labels(environment: &Environment) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("app.kubernetes.io/managed-by", "lsdeploy".to_owned()),
        ("app.kubernetes.io/part-of", "lsdeploy".to_owned()),
        ("app.kubernetes.io/name", environment.profile.name.clone()),
        ("app.kubernetes.io/instance", environment.name.to_string()),
    ])
}

/// The label selector that finds every object of the environment of that name.
pub fn instance_selector(env: &str) -> String {
    format!("app.kubernetes.io/managed-by=lsdeploy,app.kubernetes.io/instance={env}")
}

/// What all templates share.
pub(super) fn of(environment: &Environment) -> Result<Value> {
    let labels = labels(environment);
    let scc_name = match &environment.scc {
        SccChoice::Existing(name) => name.clone(),
        SccChoice::Custom | SccChoice::None => environment.name.scc(),
    };
    let settings = serde_json::to_string(&environment.choices)
        .map_err(|error| CommandError::new(format!("cannot write the settings of {}: {error}", environment.name)))?;
    let ports = &environment.profile.ports;
    Ok(json!({
        "namespace": environment.namespace.as_str(),
        "namespace_labels": namespace_labels(environment, &labels),
        "display_name": format!("AWS environment {}", environment.name),
        "description": format!("{} of {}, made by lsdeploy", environment.profile.name, environment.name),
        "labels": labels,
        "selector": {
            "app.kubernetes.io/name": environment.profile.name,
            "app.kubernetes.io/instance": environment.name.as_str(),
        },
        "service_account": EMULATOR,
        "pull_secrets": environment.pull_secrets.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "pull_secret_names": environment.pull_secrets.join(","),
        "owner_binding": OWNER,
        "owner_kind": environment.owner.as_ref().map(Owner::kind),
        "owner_name": environment.owner.as_ref().map(Owner::name),
        "limits": LIMITS,
        "auth": AUTH,
        "service": EMULATOR,
        "deployment": EMULATOR,
        "claim": CLAIM,
        "claim_size": environment.persistence,
        "grant": GRANT,
        "scc_name": scc_name,
        "scc_description": format!(
            "The {} of environment {}, usable by its ServiceAccount only. Made and removed by lsdeploy.",
            environment.profile.name, environment.name
        ),
        "capabilities": environment.profile.security.capabilities,
        "init": INIT,
        "inventory": INVENTORY,
        "inventory_labels": with_entry(&labels, INVENTORY_LABEL, "true"),
        "inventory_data": {
            "env": environment.name.as_str(),
            "namespace": environment.tenure.word(),
            "settings": settings,
        },
        "service_ports": ports.iter().map(|port| json!({
            "name": port.name, "port": port.port, "protocol": "TCP", "targetPort": port.name,
        })).collect::<Vec<_>>(),
    }))
}

/// What the template of a Route sees besides.
pub(super) fn of_route(environment: &Environment, route: &str) -> Value {
    let written = environment.hosts == HostSource::Written;
    let mut all: BTreeMap<&str, &str> =
        environment.route_labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let ours = labels(environment);
    all.extend(ours.iter().map(|(key, value)| (*key, value.as_str())));
    json!({
        "route_labels": all,
        // Routers read a list with spaces only; with anything else they let everybody in.
        "allow_from": environment.allow_from.join(" "),
        "route": route,
        "host": written.then(|| environment.host(route)),
        "target_port": environment.profile.port_of(route),
        "tls": environment.tls.insecure_policy(),
    })
}

/// What values in an emulator's profile may refer to.
pub(super) fn of_profile(environment: &Environment) -> Value {
    json!({
        "edge_host": environment.host(EDGE),
        "edge_port": if environment.tls == crate::environment::Tls::EdgeOnly { 443 } else { 80 },
        "account": environment.account,
    })
}

/// `base` with the keys of `more`.
pub(super) fn with(base: &Value, more: Value) -> Value {
    let mut all: Map<String, Value> = base.as_object().cloned().unwrap_or_default();
    if let Value::Object(more) = more {
        all.extend(more);
    }
    Value::Object(all)
}

/// Pod security admission must let in what the SCC lets in: added capabilities and root need `baseline`. OpenShift's
/// label syncer sets only `audit` and `warn` on some platforms, so all three are written.
fn namespace_labels(environment: &Environment, labels: &BTreeMap<&'static str, String>) -> BTreeMap<String, String> {
    let security = &environment.profile.security;
    let asks_for_more = security.run_as_user == 0 || !security.capabilities.is_empty();
    let level = if environment.scc != SccChoice::None && asks_for_more { "baseline" } else { "restricted" };
    let mut all: BTreeMap<String, String> =
        labels.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    for mode in ["enforce", "audit", "warn"] {
        all.insert(format!("pod-security.kubernetes.io/{mode}"), level.to_owned());
    }
    all
}

fn with_entry(
    labels: &BTreeMap<&'static str, String>,
    key: &'static str,
    value: &str,
) -> BTreeMap<&'static str, String> {
    let mut all = labels.clone();
    all.insert(key, value.to_owned());
    all
}
