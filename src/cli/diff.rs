//! `diff`.

use clap::Args;

use super::{ChoiceArgs, FileArgs, OneEnvArgs};

/// `diff`.
#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// Flags written down.
    #[command(flatten)]
    pub file: FileArgs,
    /// Which environment.
    #[command(flatten)]
    pub env: OneEnvArgs,
    /// Take over this object of somebody else's under a name that the environment needs; may be repeated
    #[arg(long, value_name = "KIND/NAME")]
    pub adopt: Vec<String>,
    /// What it is to be.
    #[command(flatten)]
    pub choices: ChoiceArgs,
}
