//! Flags that several commands share: which environments, what they are to be, how the caller reaches them.

use std::path::PathBuf;

use clap::Args;

/// Where flags may be written down. Read before anything else: see [`super::file`].
#[derive(Debug, Clone, Default, Args)]
pub struct FileArgs {
    /// Take what no flag says from this file: YAML, one `FLAG: VALUE` on each line
    #[arg(long, short, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// One or several environments.
#[derive(Debug, Clone, Args)]
pub struct EnvsArgs {
    /// Flags written down.
    #[command(flatten)]
    pub file: FileArgs,
    /// The environment; several are given by repeating the flag or by commas
    #[arg(long = "env", value_name = "ENV", required = true, value_delimiter = ',')]
    pub envs: Vec<String>,
    /// The namespace; one that exists is used and kept, else it is made [default: localstack-<ENV>, or where it is]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
}

/// One environment.
#[derive(Debug, Clone, Args)]
pub struct OneEnvArgs {
    /// The environment
    #[arg(long, value_name = "ENV")]
    pub env: String,
    /// The namespace [default: localstack-<ENV>, or where the environment is]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
}

/// Settings of an environment. A flag left out keeps what was chosen in an earlier run.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings of the environment (a flag left out keeps the recorded value)")]
pub struct ChoiceArgs {
    /// The emulator: localstack, localstack-legacy, localstack-pro or moto [default: localstack; with --target local moto]
    #[arg(long, value_name = "NAME")]
    pub emulator: Option<String>,
    /// The image, by tag or by digest [default: the emulator's]
    #[arg(long, value_name = "REFERENCE")]
    pub image: Option<String>,
    /// Only these services, e.g. sqs,kinesis [default: all that the emulator has]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub services: Option<Vec<String>>,
    /// The SCC of the pod: custom, existing:NAME or none [default: custom]
    #[arg(long, value_name = "CHOICE")]
    pub scc: Option<String>,
    /// The domain of the Routes [default: the cluster's]
    #[arg(long, value_name = "DOMAIN")]
    pub apps_domain: Option<String>,
    /// TLS of the Routes: edge (plain HTTP too), edge-only or none [default: edge]
    #[arg(long, value_name = "MODE")]
    pub tls: Option<String>,
    /// Keep the emulator's state in a volume of that size, e.g. 1Gi; or none [default: none]
    #[arg(long, value_name = "SIZE")]
    pub persistence: Option<String>,
    /// Run the shell scripts, Python scripts and CloudFormation templates of this directory once the emulator is ready,
    /// in the order of their names; or none [default: none]
    #[arg(long, value_name = "DIRECTORY")]
    pub init: Option<PathBuf>,
    /// Let `lsdeploy gc` remove it this long after the last `up` that changed something or gave --ttl, e.g. 4h, 2d; or none
    /// [default: none]
    #[arg(long, value_name = "DURATION")]
    pub ttl: Option<String>,
    /// The AWS account, 12 digits [default: the emulator's]
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// The AWS region [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Let this user or group change what is in the namespace; or none
    #[arg(long, value_name = "USER|group:GROUP")]
    pub owner: Option<String>,
    /// Let the Routes be reached from this range only, e.g. 192.0.2.0/24; may be repeated; or none
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub allow_from: Option<Vec<String>>,
    /// Put this label on the Routes, for a router that serves only those; may be repeated; or none
    #[arg(long, value_name = "KEY=VALUE")]
    pub route_label: Option<Vec<String>>,
    /// Pull images from this registry in place of their own; or none
    #[arg(long, value_name = "HOST[:PORT][/PATH]")]
    pub image_registry: Option<String>,
    /// Refuse images of other registries than these; or none
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub allowed_registries: Option<Vec<String>>,
    /// Pull images with this Secret of the namespace; may be repeated; or none
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub pull_secret: Option<Vec<String>>,
    /// Take the emulator's token from this Secret of the namespace [key: auth-token]; or none
    #[arg(long, value_name = "NAME[/KEY]", conflicts_with = "auth_token_from")]
    pub auth_token_secret: Option<String>,
    /// Read the emulator's token from there (- is standard input) and keep it in a Secret
    #[arg(long, value_name = "file:PATH|env:NAME|-")]
    pub auth_token_from: Option<String>,
}

/// What only `--target local` has. A flag left out keeps what was chosen in an earlier run.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "With --target local")]
pub struct LocalArgs {
    /// The port of the router [default: the recorded one, else the first that is free from 4566 on]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// An emulator that runs already; lsdeploy puts its router before it and leaves it alone
    #[arg(long, value_name = "URL")]
    pub emulator_url: Option<String>,
}

/// How the caller reaches Routes from where it stands. Not recorded.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reaching the Routes")]
pub struct ReachArgs {
    /// Connect every Route's host to this address, where DNS does not know the hosts
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    pub router: Option<String>,
    /// Trust these certificates (PEM) besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// For commands that find something out.
#[derive(Debug, Clone, Default, Args)]
pub struct ReportArgs {
    /// Write a report too: junit=FILE, html=FILE or json=FILE; may be repeated
    #[arg(long = "report", value_name = "KIND=FILE", help_heading = "Global options")]
    pub reports: Vec<String>,
}
