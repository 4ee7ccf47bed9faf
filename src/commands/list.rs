//! `list`: the environments of the cluster.

use super::{Context, Outcome};
use crate::cli::OutputFormat;
use crate::cluster::inventory;
use crate::error::Result;
use crate::report;

pub(super) async fn run(context: Context) -> Result<Outcome> {
    let cluster = context.connect().await?;
    let found = inventory::all(&cluster).await?;
    Ok(Outcome::success(match context.output {
        OutputFormat::Json => report::json::list(&found),
        OutputFormat::Text => report::text::list(&found, jiff::Timestamp::now()),
    }))
}
