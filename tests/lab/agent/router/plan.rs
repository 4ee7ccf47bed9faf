//! From judged Routes and endpoints to what `HAProxy` shall serve.

use super::claims::{Claim, Verdict};
use super::endpoints::{ByService, Endpoint};
use super::route::{self, Route};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// One admitted Route, ready to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    /// `namespace:name`
    pub(crate) key: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) termination: Termination,
    pub(crate) insecure: Insecure,
    pub(crate) servers: Vec<Server>,
    /// How many services share the traffic.
    pub(crate) services: usize,
    pub(crate) annotations: BTreeMap<String, String>,
    /// Certificate, key and CA of the Route itself, PEM.
    pub(crate) certificate: Option<String>,
    /// What the pod's certificate is checked against, PEM.
    pub(crate) destination_ca: Option<String>,
}

/// Where TLS ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Termination {
    Plain,
    Edge,
    Reencrypt,
    Passthrough,
}

/// What becomes of plain HTTP on a Route with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insecure {
    Refuse,
    Allow,
    Redirect,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) weight: u32,
    pub(crate) cookie: String,
}

impl Backend {
    /// The name of its section, as the real router calls it.
    pub(crate) fn name(&self) -> String {
        let prefix = match self.termination {
            Termination::Plain => "be_http",
            Termination::Edge => "be_edge_http",
            Termination::Reencrypt => "be_secure",
            Termination::Passthrough => "be_tcp",
        };
        format!("{prefix}:{}", self.key)
    }
}

pub(crate) fn backends(judged: &[(Arc<Route>, Claim, Verdict)], endpoints: &ByService) -> Vec<Backend> {
    let admitted = judged.iter().filter(|(_, _, verdict)| *verdict == Verdict::Admitted);
    admitted.map(|(route, claim, _)| backend(route, claim, endpoints)).collect()
}

fn backend(route: &Route, claim: &Claim, endpoints: &ByService) -> Backend {
    let tls = route.spec.tls.clone().unwrap_or_default();
    let termination = match route.spec.termination().to_ascii_lowercase().as_str() {
        "edge" => Termination::Edge,
        "reencrypt" => Termination::Reencrypt,
        "passthrough" => Termination::Passthrough,
        _ => Termination::Plain,
    };
    let insecure = match tls.insecure_edge_termination_policy.as_str() {
        "Allow" => Insecure::Allow,
        "Redirect" => Insecure::Redirect,
        _ => Insecure::Refuse,
    };
    let pem = [tls.certificate.as_str(), &tls.ca_certificate, &tls.key].map(str::trim).join("\n");
    let targets = targets(route);
    Backend {
        key: route::key(route),
        host: claim.host.clone(),
        path: claim.path.clone(),
        termination,
        insecure,
        services: targets.iter().filter(|(_, weight)| *weight > 0).count(),
        servers: servers(route, &targets, endpoints),
        annotations: route.metadata.annotations.clone().unwrap_or_default(),
        certificate: (!tls.certificate.is_empty()).then_some(pem),
        destination_ca: Some(tls.destination_ca_certificate).filter(|pem| !pem.is_empty()),
    }
}

/// The services of a Route with their weights.
fn targets(route: &Route) -> Vec<(String, u32)> {
    let all = std::iter::once(&route.spec.to).chain(&route.spec.alternate_backends);
    all.map(|target| (target.name.clone(), target.weight.unwrap_or(100))).collect()
}

fn servers(route: &Route, targets: &[(String, u32)], endpoints: &ByService) -> Vec<Server> {
    let namespace = route.metadata.namespace.clone().unwrap_or_default();
    let port = route.spec.port.as_ref().map(|port| &port.target_port);
    let groups: Vec<(&String, u32, Vec<&Endpoint>)> = targets
        .iter()
        .map(|(service, weight)| {
            let all = endpoints.get(&(namespace.clone(), service.clone())).into_iter().flatten();
            (service, *weight, all.filter(|endpoint| wanted(endpoint, port)).collect())
        })
        .collect();
    // A service's weight is shared by its endpoints; HAProxy knows weights up to 256.
    let share = |weight: u32, count: usize| f64::from(weight) / f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let largest = groups.iter().filter(|group| !group.2.is_empty()).map(|group| share(group.1, group.2.len()));
    let largest = largest.fold(0.0, f64::max);
    let mut servers = Vec::new();
    for (service, weight, endpoints) in &groups {
        for endpoint in endpoints {
            let (pod, name) = (&endpoint.pod, &endpoint.port_name);
            let address = match endpoint.address.as_str() {
                v6 if v6.contains(':') => format!("[{v6}]:{}", endpoint.port),
                v4 => format!("{v4}:{}", endpoint.port),
            };
            let id = format!("pod:{pod}:{service}:{name}:{}:{}", endpoint.address, endpoint.port);
            let weight = if *weight == 0 { 0 } else { scaled(share(*weight, endpoints.len()) / largest) };
            servers.push(Server { cookie: digest(&id), id, address, weight });
        }
    }
    servers
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share lies between 0 and 1")]
fn scaled(share: f64) -> u32 {
    ((share * 256.0).round() as u32).clamp(1, 256)
}

/// A name is the service port's name, a number the pod's port; no target port means every port, as in OpenShift.
fn wanted(endpoint: &Endpoint, port: Option<&Value>) -> bool {
    match port {
        Some(Value::Number(number)) => number.as_i64() == Some(endpoint.port.into()),
        Some(Value::String(name)) => *name == endpoint.port_name || *name == endpoint.port.to_string(),
        _ => true,
    }
}

/// A stable name for a cookie value: what it says about a pod must not be readable.
pub(crate) fn digest(text: &str) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, text).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn endpoints() -> ByService {
        let one = |address: &str, port, name: &str| Endpoint {
            address: address.into(),
            port,
            port_name: name.into(),
            pod: "p".into(),
        };
        let emulator = BTreeSet::from([one("10.0.0.1", 4566, "edge"), one("10.0.0.1", 8080, "web")]);
        let other = BTreeSet::from([one("10.0.0.2", 4566, "edge"), one("10.0.0.3", 4566, "edge")]);
        ByService::from([(("n".into(), "emulator".into()), emulator), (("n".into(), "other".into()), other)])
    }

    fn servers_of(spec: &Value) -> Vec<(String, u32)> {
        let route: Route = serde_json::from_value(json!({"metadata": {"namespace": "n", "name": "r"}, "spec": spec}))
            .expect("a route");
        let servers = servers(&route, &targets(&route), &endpoints());
        servers.into_iter().map(|server| (server.address, server.weight)).collect()
    }

    #[test]
    fn the_target_port_is_a_name_a_number_or_every_port() {
        let to = json!({"name": "emulator"});
        let by = |port: Value| servers_of(&json!({"to": to, "port": {"targetPort": port}}));
        assert_eq!(by(json!("web")), [("10.0.0.1:8080".into(), 256)]);
        assert_eq!(by(json!(4566)), [("10.0.0.1:4566".into(), 256)]);
        assert_eq!(by(json!("none")), []);
        assert_eq!(servers_of(&json!({"to": to})).len(), 2);
    }

    #[test]
    fn services_share_traffic_by_weight() {
        let spec = json!({
            "to": {"name": "emulator", "weight": 100}, "port": {"targetPort": "edge"},
            "alternateBackends": [{"name": "other", "weight": 50}, {"name": "gone", "weight": 10}],
        });
        let expected = [("10.0.0.1:4566".into(), 256), ("10.0.0.2:4566".into(), 64), ("10.0.0.3:4566".into(), 64)];
        assert_eq!(servers_of(&spec), expected);
    }
}
