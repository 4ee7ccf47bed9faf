//! The cluster: the only place that talks to a Kubernetes API.
//!
//! `client` connects, `discover` asks what the cluster is, `observe` reads what is there, `preflight` asks what the
//! caller may do, `lock` keeps other runs out, `apply` and `remove` write, `wait` watches.

pub mod apply;
pub mod client;
pub mod discover;
pub mod dns;
mod fault;
pub mod inventory;
pub mod lock;
pub mod observe;
pub mod orphans;
pub mod preflight;
pub mod project;
pub mod remove;
pub mod sccs;
mod transport;
pub mod wait;

pub use client::{ClientArgs, Cluster, Propagation};
pub use fault::Fault;
pub use transport::{Gate, Link};
