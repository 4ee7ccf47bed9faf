//! `list`: the environments of the cluster.

use super::{Context, Outcome};
use crate::cli::OutputFormat;
use crate::cluster::inventory::{self, Seen};
use crate::error::Result;
use crate::events::What;
use crate::report;

pub(super) async fn run(context: Context) -> Result<Outcome> {
    let cluster = context.connect().await?;
    let Seen { inventories: found, only_projects } = inventory::all(&cluster).await?;
    if only_projects {
        let note = "only your projects were searched: you may not list all namespaces";
        context.events("").send(What::Note(note.to_owned()));
    }
    Ok(Outcome::success(match context.output {
        OutputFormat::Json => report::json::list(&found),
        OutputFormat::Text => report::text::list(&found, only_projects, jiff::Timestamp::now()),
    }))
}
