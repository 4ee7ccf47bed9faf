//! What all services of one run share.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use super::{
    dial::{Network, Way},
    marker::Marker,
    options::{InputError, Limit, Options, Target, host_of, validate},
};

/// Validated input and the network made from it.
pub(super) struct Shared {
    pub(super) targets: Vec<Target>,
    pub(super) options: Options,
    pub(super) network: Arc<Network>,
    /// Where the emulator answered rather than the router.
    pub(super) reached: Arc<Reached>,
    /// Made at the gateway by the first check that is through.
    pub(super) marker: OnceCell<Option<Marker>>,
    /// Addresses of every host of the run, looked up once somebody doubts one.
    pub(super) addresses: OnceCell<BTreeMap<String, BTreeSet<IpAddr>>>,
}

/// The addresses at which something answered that may be an emulator.
#[derive(Debug, Default)]
pub(super) struct Reached(Mutex<BTreeSet<IpAddr>>);

impl Reached {
    pub(super) fn note(&self, address: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(address);
    }

    pub(super) fn any(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

impl Shared {
    pub(super) fn new(targets: &[Target], options: &Options) -> Result<Self, InputError> {
        validate(targets, options)?;
        let network = Arc::new(Network::new(Way {
            router: options.router.as_deref(),
            ca_pem: options.ca_pem.as_deref(),
            proxies: options.proxies.clone(),
            deadlines: options.deadlines.clone(),
        })?);
        let reached = Arc::new(Reached::default());
        let (marker, addresses) = (OnceCell::new(), OnceCell::new());
        Ok(Self { targets: targets.to_vec(), options: options.clone(), network, reached, marker, addresses })
    }

    /// Why `operation` of `service` cannot work with this emulator.
    pub(super) fn limit(&self, service: &str, operation: &str) -> Option<String> {
        let matches = |limit: &&Limit| limit.service == service && limit.operation == operation;
        self.options.limits.iter().find(matches).map(|limit| limit.reason.clone())
    }

    /// Hosts of all targets and of the gateway.
    pub(super) fn hosts(&self) -> impl Iterator<Item = String> {
        let urls = self.targets.iter().map(|target| target.url.as_str()).chain(self.options.edge.as_deref());
        urls.filter_map(host_of)
    }
}
