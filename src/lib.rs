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

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod emulator;
pub mod endpoints;
pub mod environment;
pub mod error;
pub mod events;
pub mod exit;
pub mod exports;
pub mod finding;
pub mod manifest;
pub mod plan;
pub mod render;
pub mod report;
pub mod scc;
pub mod services;
pub mod settings;
pub mod smoke;
