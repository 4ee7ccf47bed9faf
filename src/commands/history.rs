//! `history`: the runs that changed an environment, as its inventory records them.

use super::{Context, Outcome};
use crate::cli::{OneEnvArgs, OutputFormat};
use crate::cluster::inventory;
use crate::environment::EnvName;
use crate::error::Result;
use crate::report::life as report;

pub(super) async fn run(args: &OneEnvArgs, context: Context) -> Result<Outcome> {
    let name = EnvName::parse(&args.env)?;
    let cluster = context.connect().await?;
    let found = inventory::find(&cluster, &name, args.namespace.as_deref()).await?.existing(&name);
    let inventory = found
        .map_err(|error| error.hint("history goes with its environment; the API server's audit log knows more"))?;
    Ok(Outcome::success(match context.output {
        OutputFormat::Text => report::history(&inventory),
        OutputFormat::Json => report::history_json(&inventory),
    }))
}
