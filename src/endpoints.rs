//! The URL of each service. Pure.

use std::collections::BTreeMap;

use crate::environment::{EDGE, Environment};
use crate::render::names::EMULATOR;

/// The URL of one service of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The service, or `edge` for the gateway.
    pub service: String,
    /// Its URL, without a slash at the end.
    pub url: String,
}

/// Whether clients speak TLS to the Routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    /// The scheme in a URL.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The endpoints of an environment, services in alphabetical order, the gateway last. `hosts` are the admitted hosts by
/// Route; a Route that no router has admitted yet keeps the host it is going to get.
pub fn endpoints(environment: &Environment, hosts: &BTreeMap<String, String>, scheme: Scheme) -> Vec<Endpoint> {
    let url = |route: &str| {
        let host = hosts.get(route).cloned().unwrap_or_else(|| environment.host(route));
        format!("{}://{host}", scheme.word())
    };
    environment.routes().into_iter().map(|route| Endpoint { url: url(&route), service: route }).collect()
}

/// The endpoints as a pod of the cluster reaches them: straight at the environment's Service, past the router.
pub fn in_cluster(environment: &Environment) -> Vec<Endpoint> {
    let Environment { profile, namespace, .. } = environment;
    let endpoint = |route: String| {
        let name = if route == EDGE { profile.gateway.as_deref()? } else { profile.port_of(&route) };
        let port = profile.ports.iter().find(|port| port.name == name)?.port;
        Some(Endpoint { url: format!("http://{EMULATOR}.{namespace}.svc:{port}"), service: route })
    };
    environment.routes().into_iter().filter_map(endpoint).collect()
}

/// The endpoint that reaches every service, where there is one.
pub fn edge(endpoints: &[Endpoint]) -> Option<&Endpoint> {
    endpoints.iter().find(|endpoint| endpoint.service == EDGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::tests::environment;
    use crate::settings::Choices;

    #[track_caller]
    fn in_pod(emulator: &str, service: &str, url: Option<&str>) {
        let choices = Choices { emulator: Some(emulator.to_owned()), ..Choices::default() };
        let all = in_cluster(&environment("team1", choices).unwrap());
        assert_eq!(all.iter().find(|endpoint| endpoint.service == service).map(|e| e.url.as_str()), url);
    }

    #[test]
    fn a_pod_reaches_the_service_by_the_ports_of_the_emulator() {
        in_pod("moto", "sqs", Some("http://emulator.localstack-team1.svc:5000"));
        in_pod("localstack", EDGE, Some("http://emulator.localstack-team1.svc:4566"));
        in_pod("localstack-legacy", "sqs", Some("http://emulator.localstack-team1.svc:4576"));
        in_pod("localstack-legacy", EDGE, None);
    }
}
