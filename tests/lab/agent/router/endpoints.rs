//! Where the pods behind a Service listen.

use crate::cluster::{self, Changes, Kept};
use k8s_openapi::api::core::v1::Endpoints;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::watcher;
use kube::{Api, Client};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The ready endpoints of each service, by namespace and name.
pub(crate) type ByService = HashMap<(String, String), BTreeSet<Endpoint>>;

/// One port of one pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Endpoint {
    pub(crate) address: String,
    pub(crate) port: i32,
    /// Name of the service's port; empty for a service with one unnamed port.
    pub(crate) port_name: String,
    pub(crate) pod: String,
}

/// What the cluster tells of endpoints.
pub(crate) enum Backends {
    /// Since Kubernetes 1.21.
    Slices(Kept<EndpointSlice>),
    /// Before.
    Endpoints(Kept<Endpoints>),
}

impl Backends {
    pub(crate) fn keep(client: &Client, old: bool, changes: Changes) -> Self {
        let everything = watcher::Config::default;
        if old {
            Self::Endpoints(cluster::keep(Api::all(client.clone()), everything(), (), changes))
        } else {
            Self::Slices(cluster::keep(Api::all(client.clone()), everything(), (), changes))
        }
    }

    pub(crate) async fn ready(&self) {
        match self {
            Self::Slices(slices) => slices.ready().await,
            Self::Endpoints(endpoints) => endpoints.ready().await,
        }
    }

    pub(crate) fn by_service(&self) -> ByService {
        match self {
            Self::Slices(slices) => by_service(&slices.state()),
            Self::Endpoints(endpoints) => of_endpoints(&endpoints.state()),
        }
    }
}

/// Only ready ones are among the addresses.
fn of_endpoints(all: &[Arc<Endpoints>]) -> ByService {
    let mut services = ByService::new();
    for one in all {
        let (Some(namespace), Some(service)) = (&one.metadata.namespace, &one.metadata.name) else { continue };
        let endpoints = services.entry((namespace.clone(), service.clone())).or_default();
        for subset in one.subsets.iter().flatten() {
            for address in subset.addresses.iter().flatten() {
                let pod = address.target_ref.as_ref().and_then(|pod| pod.name.clone()).unwrap_or_default();
                endpoints.extend(subset.ports.iter().flatten().map(|port| Endpoint {
                    address: address.ip.clone(),
                    port: port.port,
                    port_name: port.name.clone().unwrap_or_default(),
                    pod: pod.clone(),
                }));
            }
        }
    }
    services
}

fn by_service(slices: &[Arc<EndpointSlice>]) -> ByService {
    let mut services = ByService::new();
    for slice in slices {
        let labels = slice.metadata.labels.as_ref();
        let service = labels.and_then(|labels| labels.get("kubernetes.io/service-name"));
        let (Some(namespace), Some(service)) = (&slice.metadata.namespace, service) else { continue };
        let endpoints = services.entry((namespace.clone(), service.clone())).or_default();
        let ready = slice.endpoints.iter().filter(|endpoint| {
            // Unknown counts as ready, as the API documents it.
            endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
        });
        for endpoint in ready {
            let pod = endpoint.target_ref.as_ref().and_then(|pod| pod.name.clone()).unwrap_or_default();
            // Every address of an endpoint is the same pod: the API says to use the first.
            let Some(address) = endpoint.addresses.first() else { continue };
            for port in slice.ports.iter().flatten() {
                let Some(number) = port.port else { continue };
                let port_name = port.name.clone().unwrap_or_default();
                endpoints.insert(Endpoint { address: address.clone(), port: number, port_name, pod: pod.clone() });
            }
        }
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_ready_endpoints_count() {
        let slice: EndpointSlice = serde_json::from_value(json!({
            "metadata": {"namespace": "n", "name": "s-1", "labels": {"kubernetes.io/service-name": "s"}},
            "addressType": "IPv4",
            "endpoints": [
                {"addresses": ["10.0.0.1"], "conditions": {"ready": true}, "targetRef": {"name": "p"}},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": false}},
                {"addresses": ["10.0.0.3"]},
            ],
            "ports": [{"name": "edge", "port": 4566}],
        }))
        .expect("a slice");
        let services = by_service(&[Arc::new(slice)]);
        let addresses: Vec<_> = services[&("n".into(), "s".into())].iter().map(|one| one.address.as_str()).collect();
        assert_eq!(addresses, ["10.0.0.1", "10.0.0.3"]);
    }
}
