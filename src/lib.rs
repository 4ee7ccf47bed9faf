//! lsdeploy gives every team on OpenShift its own AWS API environment.
//!
//! Data flows one way; the modules stand in that order:
//!
//! ```text
//! argv -> cli -> settings -> discover (facts of the cluster) -> environment -> render
//!      -> observe -> plan -> apply -> wait -> endpoints -> smoke -> events -> report -> exit status
//! ```
//!
//! `environment`, `render`, `plan`, `scc` and `report` are pure. Input and output happen in `cluster` and `smoke` only.

pub mod cluster;
pub mod finding;
pub mod scc;
pub mod smoke;
