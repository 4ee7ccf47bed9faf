//! lsdeploy gives every team on OpenShift its own AWS API environment.
//!
//! Data flows one way; the modules stand in that order:
//!
//! ```text
//! argv -> cli -> settings -> discover (facts of the cluster) -> environment -> render
//!      -> observe -> plan -> apply -> wait -> endpoints -> smoke -> events -> report -> exit status
//! ```
//!
//! Without the feature `full` only `dns` is there: the probe that travels into pods is made of it.
//!
//! `environment`, `render`, `plan`, `scc` and `report` are pure. Input and output happen in `cluster`, `local`,
//! `smoke`, `dns::probe` and `dns::vantage` only.

// From argv to what is wanted: pure.
#[cfg(feature = "full")]
pub mod cli;
#[cfg(feature = "full")]
pub mod settings;

#[cfg(feature = "full")]
pub mod emulator;
#[cfg(feature = "full")]
pub mod environment;
#[cfg(feature = "full")]
pub mod level;
#[cfg(feature = "full")]
pub mod services;

#[cfg(feature = "full")]
pub mod manifest;
#[cfg(feature = "full")]
pub mod render;
#[cfg(feature = "full")]
pub mod scc;

// From what is wanted to what is there.
#[cfg(feature = "full")]
pub mod plan;

#[cfg(feature = "full")]
pub mod rights;

#[cfg(feature = "full")]
pub mod cluster;
#[cfg(feature = "full")]
pub mod local;

// From what is there to whether it works.
#[cfg(feature = "full")]
pub mod endpoints;
#[cfg(feature = "full")]
pub mod exports;

pub mod dns;
#[cfg(feature = "full")]
pub mod finding;
#[cfg(feature = "full")]
pub mod smoke;

// What is said of all this.
#[cfg(feature = "full")]
pub mod events;
#[cfg(feature = "full")]
pub mod report;

#[cfg(feature = "full")]
pub mod error;
#[cfg(feature = "full")]
pub mod exit;
#[cfg(feature = "full")]
pub mod hint;
#[cfg(feature = "full")]
pub mod printable;
#[cfg(feature = "full")]
mod quantity;
#[cfg(feature = "full")]
pub mod yaml;

// The steps of each command, in order.
#[cfg(feature = "full")]
pub mod commands;

#[cfg(test)]
mod fuzz;
