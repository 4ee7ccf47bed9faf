//! Does a client that stands here trust the certificate of a host? Does network IO.

use super::{
    cause::Cause,
    diagnose::{Place, diagnose},
    dial::{Network, Origin, parse_router},
    options::{Companions, Deadlines, Options},
    transport::{Problem, TransportError},
};
use crate::finding::Finding;

/// Connects to `https://host` as a check would and sends nothing. `router` and `ca_pem` are those of [`Options`].
///
/// # Errors
/// What is in the way: name, connection or certificate.
pub async fn trusts(host: &str, router: Option<&str>, ca_pem: Option<&str>) -> Result<(), Finding> {
    let failed = |problem: Problem| {
        let place = Place { operation: "connect".to_owned(), hosts: vec![host.to_owned()], emulator_reached: false };
        let error = TransportError { host: host.to_owned(), problem };
        diagnose(&place, &Cause::Transport(error)).finding
    };
    let options = Options {
        router: router.map(str::to_owned),
        ca_pem: ca_pem.map(|pem| pem.as_bytes().to_vec()),
        account: None,
        region: String::new(),
        deadlines: Deadlines::default(),
        run_id: String::new(),
        limits: Vec::new(),
        concurrency: 1,
        companions: Companions::Own,
    };
    let network = Network::new(&options).map_err(|error| failed(Problem::Unsendable { detail: error.to_string() }))?;
    network.open(&Origin::https(host)).await.map(drop).map_err(failed)
}

/// Checks the form of a router's address: `address[:port]`.
///
/// # Errors
/// Why it is none.
pub fn check_router(router: &str) -> Result<(), String> {
    parse_router(router).map(drop).map_err(|error| error.to_string())
}
