//! The URL of each service. Pure.

use std::collections::BTreeMap;

use crate::environment::{EDGE, Environment};

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

/// The endpoint that reaches every service, where there is one.
pub fn edge(endpoints: &[Endpoint]) -> Option<&Endpoint> {
    endpoints.iter().find(|endpoint| endpoint.service == EDGE)
}
