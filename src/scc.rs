//! The rules of `SecurityContextConstraints` (SCC), as pure functions.
//!
//! In: a pod, the SCCs of a cluster, the facts of a namespace and who may use what, all as plain data.
//! Out: which SCC takes the pod and what it writes into it, or the refusal in the server's own words.
//! Nothing here reads a file, talks to a cluster or panics.
//!
//! The rules follow the public `openshift/apiserver-library-go`. They are held against 290 decisions recorded from a
//! real `kube-apiserver` by `tests/it/oracle.rs`.
//!
//! ```text
//! Scc ── points ── order ──┐
//! NamespaceFacts ── provider ── for each in order: may it be used? ── mutate ── validate ──► Admitted | Refusal
//! ```

mod access;
mod admit;
mod after;
mod capabilities;
pub mod explain;
mod messages;
mod mutate;
mod namespace;
mod order;
mod own;
mod pod;
mod points;
mod provider;
pub mod rbac;
mod se_linux;
mod seccomp;
mod sysctls;
mod types;
mod validate;
mod volumes;
pub mod write;

pub use access::Subject;
pub use admit::{Admitted, Reason, Refusal, Release, Request, admit};
pub use after::invalid_after;
pub use namespace::NamespaceFacts;
pub use order::{order, sorted};
pub(crate) use own::PREFIX;
pub use own::{check_own, check_own_object};
pub use points::points;
pub use types::{FlexDriver, Groups, IdRange, RunAsUser, Scc, SeLinuxContext, SeLinuxOptions};
