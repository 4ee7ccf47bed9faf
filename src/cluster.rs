//! The cluster: the only place that talks to a Kubernetes API.
//!
//! `client` connects, `discover` asks what the cluster is, `observe` reads what is there, `preflight` asks what the
//! caller may do, `lock` keeps other runs out, `apply` (by `write`) and `remove` write, `wait` watches.

pub mod apply;
pub mod client;
mod credentials;
pub mod discover;
pub mod dns;
mod fault;
pub mod grant;
pub mod inventory;
pub(crate) mod kubeconfig;
pub mod leave;
pub mod lock;
pub mod observe;
pub mod orphans;
pub mod preflight;
pub mod project;
pub mod remove;
pub mod sccs;
mod transport;
pub mod vouch;
pub mod wait;
pub mod write;

pub use client::{ClientArgs, Cluster, Propagation};
pub use fault::Fault;
pub use transport::{Gate, Link};
