//! `gc`: removes the environments whose time is over. One that was extended meanwhile stays.

use futures::future::join_all;

use super::down::{outcome, remove_one};
use super::{Context, Outcome};
use crate::cli::OutputFormat;
use crate::cluster::Cluster;
use crate::cluster::inventory::{self, Inventory, Seen};
use crate::environment::EnvName;
use crate::error::Result;
use crate::events::What;
use crate::report::Removed;

pub(super) async fn run(context: Context, colour: bool) -> Result<Outcome> {
    let cluster = context.connect().await?;
    let Seen { inventories, only_projects } = inventory::all(&cluster).await?;
    if only_projects {
        let note = "only your projects were searched: you may not list all namespaces";
        context.events("").send(What::Note(note.to_owned()));
    }
    let now = jiff::Timestamp::now();
    let over = inventories.iter().filter(|inventory| inventory.is_over(now));
    let results = join_all(over.map(|inventory| remove(&cluster, &context, inventory))).await;
    if results.is_empty() && context.output == OutputFormat::Text {
        return Ok(Outcome::success("no environment's time is over\n".to_owned()));
    }
    let results: Vec<(EnvName, Result<Removed>)> = results.into_iter().collect::<Result<_>>()?;
    Ok(outcome(results.into_iter(), &context, colour))
}

/// Removes what an inventory stands for, where it is. Its name was checked when it was made, and is checked again.
async fn remove(cluster: &Cluster, context: &Context, inventory: &Inventory) -> Result<(EnvName, Result<Removed>)> {
    let name = EnvName::parse(&inventory.env)?;
    let removed = remove_one(cluster, context, &name, Some(&inventory.namespace)).await;
    Ok((name, removed))
}
