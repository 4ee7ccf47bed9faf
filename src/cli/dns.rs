//! The arguments of `dns-debug`, as given.

use std::path::PathBuf;

use clap::Args;

use super::ReportArgs;

/// `dns-debug`.
#[derive(Debug, Clone, Default, Args)]
pub struct DnsArgs {
    /// The names that do not resolve, or addresses to be named [default: a Route's host of the environment, a random
    /// host of the apps domain, the Service `kubernetes`, the API's host]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Take names from this environment, and look from its pod too
    #[arg(long, value_name = "ENV")]
    pub env: Option<String>,
    /// The environment's namespace [default: localstack-<ENV>, or where the environment is]
    #[arg(long, value_name = "NAMESPACE", requires = "env")]
    pub namespace: Option<String>,
    /// Look from here: workstation, pod=NAMESPACE/POD[/CONTAINER], node=NODE, or any NAME=exec:'COMMAND', to which a
    /// command line is added (`node=exec:'ssh core@node1'`); may be repeated [default: workstation, with --env the
    /// environment's pod too]
    #[arg(long = "vantage", value_name = "PLACE")]
    pub vantages: Vec<String>,
    /// Look up this name of the outside world too; may be repeated
    #[arg(long, value_name = "NAME")]
    pub external: Vec<String>,
    /// Take the path from this file instead of finding it out
    #[arg(long, value_name = "FILE")]
    pub chain: Option<PathBuf>,
    /// Judge a saved run again (the JSON of --output or --report); nothing is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["names", "env", "vantages", "external", "chain", "probe", "probe_image"])]
    pub from: Option<PathBuf>,
    /// Say what a finding is, how it shows and how it is mended
    #[arg(long, value_name = "CODE", conflicts_with_all = ["names", "env", "vantages", "external", "chain", "from"])]
    pub explain: Option<String>,
    /// List the codes of all findings
    #[arg(long, conflicts_with_all = ["names", "env", "vantages", "external", "chain", "from", "explain"])]
    pub list_codes: bool,
    /// The program that is sent to other places [default: lsdeploy-dns-probe beside lsdeploy]
    #[arg(long, value_name = "FILE")]
    pub probe: Option<PathBuf>,
    /// Add an ephemeral container of this image to a pod in which the probe cannot run
    #[arg(long, value_name = "REFERENCE")]
    pub probe_image: Option<String>,
    /// Reports.
    #[command(flatten)]
    pub report: ReportArgs,
}
