//! `list`: the environments of the cluster, or what belongs to none of them.

use super::{Context, Outcome};
use crate::cli::{ListArgs, OutputFormat};
use crate::cluster::inventory::{self, Seen};
use crate::cluster::orphans;
use crate::error::Result;
use crate::events::What;
use crate::report;

pub(super) async fn run(args: &ListArgs, context: Context) -> Result<Outcome> {
    let cluster = context.connect().await?;
    let seen = inventory::all(&cluster).await?;
    for note in seen.notes() {
        context.events("").send(What::Note(note));
    }
    if args.orphans {
        let mut found = orphans::find(&cluster, &seen, &context.holder(None)).await?;
        let way = context.way("");
        for orphan in &mut found {
            orphan.command = way.pasted(&orphan.command);
        }
        return Ok(Outcome::success(match context.output {
            OutputFormat::Json => report::orphans::json(&found),
            OutputFormat::Text => report::orphans::text(&found, seen.only_projects, jiff::Timestamp::now()),
        }));
    }
    let Seen { inventories: found, only_projects, .. } = seen;
    Ok(Outcome::success(match context.output {
        OutputFormat::Json => report::json::list(&found),
        OutputFormat::Text => report::text::list(&found, only_projects, jiff::Timestamp::now()),
    }))
}
