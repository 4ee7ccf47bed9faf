//! Reads each rendered object into its kind's own type and compares: a key that the type does not know is lost on the
//! way, and that is an error.

use k8s_openapi::api::{apps::v1 as apps, core::v1 as core, networking::v1 as networking, rbac::v1 as rbac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::manifest::Kind;
use crate::scc;

/// Checks an object against its kind's type.
pub(super) fn check(kind: Kind, object: &Value) -> Result<(), String> {
    match kind {
        Kind::Namespace => round_trip::<core::Namespace>(object),
        Kind::SecurityContextConstraints => check_scc(object),
        Kind::ServiceAccount => round_trip::<core::ServiceAccount>(object),
        Kind::Role => round_trip::<rbac::Role>(object),
        Kind::RoleBinding => round_trip::<rbac::RoleBinding>(object),
        Kind::Secret => round_trip::<core::Secret>(object),
        Kind::ConfigMap => round_trip::<core::ConfigMap>(object),
        Kind::PersistentVolumeClaim => round_trip::<core::PersistentVolumeClaim>(object),
        Kind::ResourceQuota => round_trip::<core::ResourceQuota>(object),
        Kind::LimitRange => round_trip::<core::LimitRange>(object),
        Kind::NetworkPolicy => round_trip::<networking::NetworkPolicy>(object),
        Kind::Service => round_trip::<core::Service>(object),
        Kind::Route => serde_json::from_value::<Route>(object.clone()).map(drop).map_err(|error| error.to_string()),
        Kind::Deployment => round_trip::<apps::Deployment>(object),
    }
}

fn round_trip<T: DeserializeOwned + Serialize>(object: &Value) -> Result<(), String> {
    let typed: T = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
    let back = serde_json::to_value(&typed).map_err(|error| error.to_string())?;
    match lost(object, &back, "") {
        Some(path) => Err(format!("its type does not know {path}")),
        None => Ok(()),
    }
}

/// The first path of `sent` that `kept` lacks.
fn lost(sent: &Value, kept: &Value, path: &str) -> Option<String> {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => sent.iter().find_map(|(key, value)| {
            let path = format!("{path}/{key}");
            match kept.get(key) {
                Some(kept) => lost(value, kept, &path),
                None => (!is_empty(value)).then_some(path),
            }
        }),
        (Value::Array(sent), Value::Array(kept)) if sent.len() == kept.len() => sent
            .iter()
            .zip(kept)
            .enumerate()
            .find_map(|(index, (sent, kept))| lost(sent, kept, &format!("{path}/{index}"))),
        (sent, kept) => (sent != kept).then(|| path.to_owned()),
    }
}

/// Types leave empty maps and lists out.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        other => other.is_null(),
    }
}

/// A broken SCC refuses every pod of the cluster, so ours passes the rules of the admission before it is sent.
fn check_scc(object: &Value) -> Result<(), String> {
    scc::check_own_object(object).map(drop).map_err(|errors| errors.join("; "))
}

/// The part of a Route that lsdeploy writes (route.openshift.io/v1).
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read for its shape only")]
struct Route {
    api_version: String,
    kind: String,
    metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
    spec: RouteSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read for its shape only")]
struct RouteSpec {
    host: Option<String>,
    to: RouteTarget,
    port: RoutePort,
    tls: Option<RouteTls>,
    wildcard_policy: WildcardPolicy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape only")]
struct RouteTarget {
    kind: String,
    name: String,
    weight: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read for its shape only")]
struct RoutePort {
    target_port: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read for its shape only")]
struct RouteTls {
    termination: Termination,
    insecure_edge_termination_policy: InsecurePolicy,
}

#[derive(Deserialize)]
enum WildcardPolicy {
    None,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Termination {
    Edge,
}

#[derive(Deserialize)]
enum InsecurePolicy {
    Allow,
    None,
}
