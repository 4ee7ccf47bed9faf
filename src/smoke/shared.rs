//! What all services of one run share.

use std::sync::{Arc, atomic::AtomicBool};

use super::{
    dial::Network,
    options::{InputError, Limit, Options, Target, validate},
};

/// Validated input and the network made from it.
pub(super) struct Shared {
    pub(super) targets: Vec<Target>,
    pub(super) options: Options,
    pub(super) network: Arc<Network>,
    /// Whether any endpoint was answered by the emulator rather than by the router.
    pub(super) reached: Arc<AtomicBool>,
}

impl Shared {
    pub(super) fn new(targets: &[Target], options: &Options) -> Result<Self, InputError> {
        validate(targets, options)?;
        let network = Arc::new(Network::new(options)?);
        let reached = Arc::new(AtomicBool::new(false));
        Ok(Self { targets: targets.to_vec(), options: options.clone(), network, reached })
    }

    /// Why `operation` of `service` cannot work with this emulator.
    pub(super) fn limit(&self, service: &str, operation: &str) -> Option<String> {
        let matches = |limit: &&Limit| limit.service == service && limit.operation == operation;
        self.options.limits.iter().find(matches).map(|limit| limit.reason.clone())
    }
}
