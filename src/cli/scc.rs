//! `scc`.

use clap::{Args, Subcommand};

use super::OneEnvArgs;

/// `scc`.
#[derive(Debug, Clone, Args)]
pub struct SccArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SccCommand,
}

/// What can be asked about an SCC.
#[derive(Debug, Clone, Subcommand)]
pub enum SccCommand {
    /// Say in words what the SCC of an environment allows and why, which pods get it, and who may use it
    Explain(SccExplainArgs),
}

/// `scc explain`.
#[derive(Debug, Clone, Args)]
pub struct SccExplainArgs {
    /// Which environment; it need not exist yet.
    #[command(flatten)]
    pub env: OneEnvArgs,
}
