//! A Route, as far as the router looks at it. Everything may be missing: one odd object must not stop the watch.

use kube::core::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) type Route = Object<Spec, Status>;

#[derive(Deserialize, Serialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Spec {
    pub(crate) host: String,
    pub(crate) subdomain: String,
    pub(crate) path: String,
    pub(crate) to: Target,
    pub(crate) alternate_backends: Vec<Target>,
    pub(crate) port: Option<Port>,
    pub(crate) tls: Option<Tls>,
    pub(crate) wildcard_policy: String,
}

#[derive(Deserialize, Serialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) weight: Option<u32>,
}

#[derive(Deserialize, Serialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Port {
    /// A name or a number.
    pub(crate) target_port: Value,
}

#[derive(Deserialize, Serialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Tls {
    pub(crate) termination: String,
    pub(crate) insecure_edge_termination_policy: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) ca_certificate: String,
    #[serde(rename = "destinationCACertificate")]
    pub(crate) destination_ca_certificate: String,
}

#[derive(Deserialize, Serialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct Status {
    /// One entry per router; kept as they are, because other routers' entries are written back.
    pub(crate) ingress: Vec<Value>,
}

/// `namespace:name`, as `HAProxy`'s backends are called.
pub(crate) fn key(route: &Route) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    format!("{}:{}", part(&route.metadata.namespace), part(&route.metadata.name))
}

impl Spec {
    pub(crate) fn termination(&self) -> &str {
        self.tls.as_ref().map_or("", |tls| &tls.termination)
    }
}
