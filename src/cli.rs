//! The command line, as given: no defaults that depend on anything, no meaning.

pub mod again;
pub mod bundle;
pub mod chain;
pub mod diff;
pub mod dns;
pub mod file;
pub mod scc;
mod shared;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::dns::DnsArgs;
pub use self::shared::{ChoiceArgs, EnvsArgs, FileArgs, LocalArgs, OneEnvArgs, ReachArgs, ReportArgs};

/// Gives every team on OpenShift its own AWS API environment.
///
/// One environment is a namespace with an emulator (LocalStack or moto), a dedicated SCC, and one Route per AWS service,
/// proved by real AWS SDK calls.
#[derive(Debug, Parser)]
#[command(name = "lsdeploy", version, max_term_width = 100, propagate_version = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags that every command knows.
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create or update environments, wait until they serve, and check every endpoint
    Up(UpArgs),
    /// Delete everything that environments own, and wait until it is gone
    Down(EnvsArgs),
    /// Show one environment: its objects or processes, its SCC, its image, its endpoints
    Status(StatusArgs),
    /// List the environments of the cluster, or of this machine with --target local
    List(ListArgs),
    /// Print the manifests of an environment; nothing is applied
    Render(RenderArgs),
    /// Show what `up` would change; nothing is written
    Diff(diff::DiffArgs),
    /// Check every endpoint of an environment
    Smoke(SmokeArgs),
    /// Print what a client needs to use an environment
    Env(EnvArgs),
    /// Delete the environments whose time (--ttl) is over
    Gc,
    /// Show who changed an environment, when, from where, with which result
    History(OneEnvArgs),
    /// Print what a cluster-admin must apply, so that `up` works without cluster rights
    AdminBundle(bundle::BundleArgs),
    /// Explain the SCC of an environment
    Scc(scc::SccArgs),
    /// Print the emulator's log
    Logs(LogsArgs),
    /// Say which resolver is to blame when a name does not resolve, with evidence and fix
    DnsDebug(DnsArgs),
    /// What `dns-debug` runs at a place: plans on standard input, observations on standard output
    #[command(hide = true)]
    DnsProbe,
    /// Print completions for a shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print a manual page, e.g. for `lsdeploy man up | man -l -`
    Man {
        /// The command that it is about [default: the whole program]
        command: Option<String>,
    },
    /// What `up --target local` starts: the router and the emulator of one environment
    #[command(hide = true)]
    LocalSupervisor {
        /// The environment's directory.
        #[arg(long)]
        directory: PathBuf,
    },
}

/// Flags that every command knows.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Where environments live: on a cluster, or as processes of this machine
    #[arg(long, global = true, value_enum, default_value = "cluster", value_name = "TARGET")]
    pub target: TargetName,
    /// The kubeconfig [default: $KUBECONFIG, ~/.kube/config, or the pod's ServiceAccount]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: the current one]
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// How results are written to standard output
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT")]
    pub output: OutputFormat,
    /// How long to wait before giving up, e.g. 90s, 5m
    #[arg(long, global = true, default_value = "5m", value_name = "DURATION")]
    pub timeout: String,
    /// Say nothing but results and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Name every object and every check
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// Write no colours
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// Where environments live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TargetName {
    /// On a cluster: a namespace, an SCC, Routes.
    Cluster,
    /// On this machine: a process and a router on loopback, no cluster.
    Local,
}

/// Formats of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `up`.
#[derive(Debug, Clone, Args)]
pub struct UpArgs {
    /// Which environments.
    #[command(flatten)]
    pub envs: EnvsArgs,
    /// Apply and leave: do not wait until the environment serves (implies --no-smoke)
    #[arg(long)]
    pub no_wait: bool,
    /// Do not check the endpoints
    #[arg(long)]
    pub no_smoke: bool,
    /// Take over this object of somebody else's under a name that the environment needs; may be repeated
    #[arg(long, value_name = "KIND/NAME")]
    pub adopt: Vec<String>,
    /// What they are to be.
    #[command(flatten)]
    pub choices: ChoiceArgs,
    /// How the caller reaches Routes.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// What only the local target has.
    #[command(flatten)]
    pub local: LocalArgs,
    /// What is written of it.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Flags written down.
    #[command(flatten)]
    pub file: FileArgs,
    /// Which environment.
    #[command(flatten)]
    pub env: OneEnvArgs,
    /// How the caller reaches Routes.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// What is written of it.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// List instead what carries lsdeploy's labels and belongs to none of them, with the command that removes it
    #[arg(long)]
    pub orphans: bool,
}

/// `render`.
#[derive(Debug, Clone, Args)]
pub struct RenderArgs {
    /// Flags written down.
    #[command(flatten)]
    pub file: FileArgs,
    /// Which environment.
    #[command(flatten)]
    pub env: RenderedArgs,
    /// What it is to be.
    #[command(flatten)]
    pub choices: ChoiceArgs,
    /// Write one file per object into this directory instead of a stream to standard output
    #[arg(long, value_name = "DIRECTORY")]
    pub output_dir: Option<PathBuf>,
}

/// What `render` renders: an environment, or what runs `gc` in the cluster.
#[derive(Debug, Clone, Args)]
pub struct RenderedArgs {
    /// The environment
    #[arg(long, value_name = "ENV", required_unless_present = "gc")]
    pub env: Option<String>,
    /// The namespace; one that is named is not among the manifests unless it is lsdeploy's, or the cluster says that it is yet to
    /// be made [default: localstack-<ENV>, or where the environment is; with --gc lsdeploy-gc, which is made]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Render a `CronJob` that runs `lsdeploy gc`, with the rights that it needs, instead of an environment
    #[arg(long, requires = "gc_image", conflicts_with = "env")]
    pub gc: bool,
    /// The image of that `CronJob`, with `lsdeploy` on its PATH
    #[arg(long, value_name = "REFERENCE", requires = "gc")]
    pub gc_image: Option<String>,
    /// When that `CronJob` runs, as cron says it [default: every ten minutes]
    #[arg(long, value_name = "CRON", requires = "gc")]
    pub gc_schedule: Option<String>,
    /// The API of that `CronJob`: Kubernetes before 1.21 (OpenShift before 4.8) knows batch/v1beta1 only
    #[arg(long, value_name = "VERSION", requires = "gc", value_parser = ["batch/v1", "batch/v1beta1"], default_value = "batch/v1")]
    pub gc_api_version: String,
}

/// `smoke`.
#[derive(Debug, Clone, Args)]
pub struct SmokeArgs {
    /// Flags written down.
    #[command(flatten)]
    pub file: FileArgs,
    /// The environment; several for --isolation and --clean, by repeating the flag or by commas
    #[arg(long, value_name = "ENV", required_unless_present = "endpoint", value_delimiter = ',')]
    pub env: Vec<String>,
    /// The namespace [default: localstack-<ENV>, or where the environment is]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Show that environments do not see each other's data: each writes, all others look
    #[arg(long, conflicts_with_all = ["endpoint", "clean"])]
    pub isolation: bool,
    /// Check nothing; remove what killed runs left: everything named lsdeploy-<run id>-...
    #[arg(long)]
    pub clean: bool,
    /// Check an emulator at this URL instead of an environment
    #[arg(long, value_name = "URL", conflicts_with = "env")]
    pub endpoint: Option<String>,
    /// Only these services, e.g. sqs,kinesis
    #[arg(long, alias = "services", value_name = "NAMES", value_delimiter = ',')]
    pub service: Option<Vec<String>>,
    /// How the caller reaches Routes.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// What is written of it.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `env`.
#[derive(Debug, Clone, Args)]
pub struct EnvArgs {
    /// Flags written down.
    #[command(flatten)]
    pub file: FileArgs,
    /// Which environment.
    #[command(flatten)]
    pub env: OneEnvArgs,
    /// The format
    #[arg(long, value_enum, default_value = "shell", value_name = "FORMAT")]
    pub format: EnvFormat,
    /// Where the client runs: outside reaches the Routes, pod the Service, from the environment's own namespace
    #[arg(long, value_enum, default_value = "outside", value_name = "PLACE")]
    pub from: From,
    /// How the caller reaches Routes.
    #[command(flatten)]
    pub reach: ReachArgs,
}

/// Formats of `env`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EnvFormat {
    /// `export NAME='value'` lines for eval.
    Shell,
    /// `NAME=value` lines, as `docker run --env-file` and dotenv libraries read them.
    Dotenv,
    /// One JSON object.
    Json,
    /// A profile for the configuration file of the AWS CLI and SDKs.
    AwsConfig,
    /// Lines for `$GITHUB_ENV`.
    Github,
    /// A provider block.
    Terraform,
}

/// Where a client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// Outside of the cluster.
    Outside,
    /// In a pod of the cluster.
    Pod,
}

/// `logs`.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// Which environment.
    #[command(flatten)]
    pub env: OneEnvArgs,
    /// Go on printing as the emulator logs
    #[arg(long, short)]
    pub follow: bool,
    /// Only the last lines
    #[arg(long, value_name = "LINES")]
    pub tail: Option<u32>,
    /// The log of the scripts of --init
    #[arg(long)]
    pub init: bool,
    /// The log of the container before its last restart
    #[arg(long)]
    pub previous: bool,
}
