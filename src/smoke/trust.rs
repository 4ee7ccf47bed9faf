//! Does a client that stands here trust the certificate of a host? Does network IO.

use super::{
    cause::Cause,
    diagnose::{Place, diagnose},
    dial::{Network, Origin, Way, parse_router},
    options::Deadlines,
    proxy::Proxies,
    transport::{Problem, TransportError},
};
use crate::finding::Finding;

/// Connects to `https://host` as a check would and sends nothing. The rest is as in [`super::Options`].
///
/// # Errors
/// What is in the way: name, connection or certificate.
pub async fn trusts(host: &str, router: Option<&str>, ca_pem: Option<&str>, proxies: &Proxies) -> Result<(), Finding> {
    let failed = |error: TransportError| {
        let place = Place { operation: "connect".to_owned(), hosts: vec![host.to_owned()], ..Place::default() };
        diagnose(&place, &Cause::Transport(error)).finding
    };
    let ca_pem = ca_pem.map(str::as_bytes);
    let way = Way { router, ca_pem, proxies: proxies.clone(), deadlines: Deadlines::default() };
    let network = Network::new(way).map_err(|error| {
        let problem = Problem::Unsendable { detail: error.to_string() };
        failed(TransportError { host: host.to_owned(), peer: None, problem })
    })?;
    network.open(&Origin::https(host)).await.map(drop).map_err(failed)
}

/// Checks the form of a router's address: `address[:port]`.
///
/// # Errors
/// Why it is none.
pub fn check_router(router: &str) -> Result<(), String> {
    parse_router(router).map(drop).map_err(|error| error.to_string())
}
