//! Whole paths to begin from: an OpenShift 3 node with its pod, an OpenShift 4 with CoreDNS, a workstation. A scenario changes what it breaks:
//! `Three { cluster_rule: "", ..Three::healthy() }.start()`.

mod four;
mod home;
mod pair;
mod three;

pub(crate) use four::{COREFILE, Four};
pub(crate) use home::{CRC, CRC_API, Home, NIP};
pub(crate) use pair::Pair;
pub(crate) use three::Three;

/// The wildcard record's address: the router.
pub(crate) const ROUTER: &str = "203.0.113.7";
/// The Service that every cluster has.
pub(crate) const KNOWN: &str = "kubernetes.default.svc.cluster.local";
/// The Service that a user asks for.
pub(crate) const SERVICE: &str = "kinesis.team1.svc.cluster.local";
/// The host of a Route.
pub(crate) const ROUTE: &str = "kinesis-team1.apps.example.com";
/// A name that nobody here serves.
pub(crate) const OUTSIDE: &str = "github.com";
