//! `admin-bundle`.

use clap::Args;

use super::{ChoiceArgs, FileArgs, OneEnvArgs};

/// `admin-bundle`.
#[derive(Debug, Clone, Args)]
pub struct BundleArgs {
    /// Flags written down.
    #[command(flatten)]
    pub file: FileArgs,
    /// Which environment.
    #[command(flatten)]
    pub env: OneEnvArgs,
    /// Let this user or group (group:NAME) work in the namespace, as the administrator of a project may
    #[arg(long = "for", value_name = "USER|group:G")]
    pub beneficiary: Option<String>,
    /// What it is to be.
    #[command(flatten)]
    pub choices: ChoiceArgs,
}
