//! `lsdeploy-lab`: makes a plain Kubernetes behave like OpenShift where `lsdeploy` can see the difference.
//!
//! `webhook` answers admission requests (SCC choice, generated Route hosts, namespace annotations), `projects` serves
//! OpenShift's project API, `router` serves Routes with `HAProxy`, and `old` makes the API server an old one. All belong to the lab of `tests/lab`; none is
//! installed with the product.

#![expect(clippy::disallowed_methods, reason = "the lab's program paces reloads and retries by the clock")]

mod access;
mod cluster;
mod failure;
mod log;
mod old;
mod projects;
mod router;
mod tls;
mod webhook;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "lsdeploy-lab", about = "What OpenShift adds to Kubernetes, for lsdeploy's test lab")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer admission requests as OpenShift's API server would
    Webhook(webhook::Args),
    /// Stand in front of the API server as OpenShift 3.11 would
    Old(old::Args),
    /// Serve OpenShift's project API behind the API server
    Projects(projects::Args),
    /// Serve Routes through `HAProxy` and report whether they are admitted
    Router(router::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    // One TLS provider for the whole process: the API client and the webhook's own server.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = match Cli::parse().command {
        Command::Webhook(args) => webhook::run(args).await,
        Command::Old(args) => old::run(args).await,
        Command::Projects(args) => projects::run(args).await,
        Command::Router(args) => router::run(args).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::failure(&failure);
            ExitCode::from(2)
        }
    }
}
