//! Smoke checks against a real emulator, and against a scripted server for what no emulator does on purpose.

mod clean;
pub(crate) mod emulator;
mod faults;
mod isolation;
mod parts;
mod proxies;
mod routers;
mod safety;
mod scripted;
mod tls;

use lsdeploy::hint::Way;
use lsdeploy::smoke::{Deadlines, Limit, Options, Target};

/// Options as a run of the command has them.
pub(crate) fn options(run_id: &str) -> Options {
    Options {
        router: None,
        ca_pem: None,
        account: None,
        region: "us-east-1".to_owned(),
        deadlines: Deadlines::default(),
        run_id: run_id.to_owned(),
        limits: Vec::new(),
        concurrency: 16,
        companions: lsdeploy::smoke::Companions::default(),
        edge: None,
        admitted: false,
        env: None,
        proxies: lsdeploy::smoke::Proxies::default(),
        stop: lsdeploy::smoke::Stop::default(),
        way: Way::default(),
    }
}

pub(crate) fn target(service: &str, url: &str) -> Target {
    Target { service: service.to_owned(), url: url.to_owned() }
}

pub(crate) fn limit(service: &str, operation: &str, reason: &str) -> Limit {
    Limit { service: service.to_owned(), operation: operation.to_owned(), reason: reason.to_owned() }
}
