//! lsdeploy gives every team on OpenShift its own AWS API environment.
//!
//! Data flows one way; the modules stand in that order:
//!
//! ```text
//! argv -> cli -> settings -> discover (facts of the cluster) -> environment -> render
//!      -> observe -> plan -> apply -> wait -> endpoints -> smoke -> events -> report -> exit status
//! ```
//!
//! `environment`, `render`, `plan`, `scc` and `report` are pure. Input and output happen in `cluster`, `local` and
//! `smoke` only.

// From argv to what is wanted: pure.
pub mod cli;
pub mod settings;

pub mod emulator;
pub mod environment;
pub mod services;

pub mod manifest;
pub mod render;
pub mod scc;

// From what is wanted to what is there.
pub mod plan;

pub mod cluster;
pub mod local;

// From what is there to whether it works.
pub mod endpoints;
pub mod exports;

pub mod finding;
pub mod smoke;

// What is said of all this.
pub mod events;
pub mod report;

pub mod error;
pub mod exit;
pub mod printable;
pub mod yaml;

// The steps of each command, in order.
pub mod commands;
