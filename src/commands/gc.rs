//! `gc`: removes the environments whose time is over. One that was extended meanwhile stays.

use futures::future::join_all;
use jiff::Timestamp;

use super::down::{Which, outcome, remove_one};
use super::{Context, Outcome};
use crate::cli::OutputFormat;
use crate::cluster::Cluster;
use crate::cluster::inventory::{self, Inventory};
use crate::environment::EnvName;
use crate::error::Result;
use crate::events::What;
use crate::report::Removed;

pub(super) async fn run(context: Context, colour: bool) -> Result<Outcome> {
    let cluster = context.connect().await?;
    let seen = inventory::all(&cluster).await?;
    for note in seen.notes() {
        context.events("").send(What::Note(note));
    }
    let now = Timestamp::now();
    let over = seen.inventories.iter().filter(|inventory| inventory.is_over(now));
    let results = join_all(over.map(|inventory| remove(&cluster, &context, inventory, now))).await;
    let results: Vec<(String, Result<Removed>)> = results.into_iter().flatten().collect();
    if results.is_empty() && context.output == OutputFormat::Text {
        return Ok(Outcome::success("no environment's time is over\n".to_owned()));
    }
    Ok(outcome(results.into_iter(), &context, colour))
}

/// Removes what an inventory stands for, where it is, if its time is still over once nobody else writes to it. Its name was
/// checked when it was made, and is checked again: a bad one is a problem of this environment alone.
async fn remove(
    cluster: &Cluster,
    context: &Context,
    inventory: &Inventory,
    now: Timestamp,
) -> Option<(String, Result<Removed>)> {
    let removed = match EnvName::parse(&inventory.env) {
        Ok(env) => {
            let which = Which { env: &env, namespace: Some(&inventory.namespace), only_if_over: Some(now) };
            remove_one(cluster, context, which).await
        }
        Err(error) => Err(error.hint(inventory::stray(&inventory.namespace))),
    };
    let name = inventory.env.escape_default().to_string();
    if matches!(removed, Ok(None)) {
        let text = format!("note: {name} was given more time meanwhile, and stays");
        context.events(&name).send(What::Note(text));
    }
    Some((name, removed.transpose()?))
}
