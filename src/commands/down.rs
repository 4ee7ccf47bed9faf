//! `down`: deletes what environments own and waits until nothing is left.

use futures::future::join_all;

use super::{Context, Outcome, target};
use crate::cli::EnvsArgs;
use crate::cluster::Cluster;
use crate::cluster::discover;
use crate::cluster::inventory::{self, Search};
use crate::cluster::remove::{self, Doomed, Remover};
use crate::environment::{EnvName, NamespaceName, Tenure};
use crate::error::Result;
use crate::exit::ExitStatus;
use crate::report::{self, Removed};

pub(super) async fn run(args: &EnvsArgs, context: Context, colour: bool) -> Result<Outcome> {
    let names = target::names(&args.envs, args.namespace.as_deref())?;
    let cluster = context.connect().await?;
    let results =
        join_all(names.iter().map(|name| remove_one(&cluster, &context, name, args.namespace.as_deref()))).await;
    Ok(outcome(names.into_iter().zip(results), &context, colour))
}

/// What became of environments that were to be removed.
pub(super) fn outcome(
    results: impl Iterator<Item = (EnvName, Result<Removed>)>,
    context: &Context,
    colour: bool,
) -> Outcome {
    let mut outcome = Outcome::success(String::new());
    let mut removed = Vec::new();
    for (name, result) in results {
        match result {
            Ok(one) => removed.push(one),
            Err(error) => {
                let error = error.pasteable(&context.flags(name.as_str()));
                outcome.problems.push_str(&report::text::error(&error, colour));
                outcome.status = ExitStatus::Error;
            }
        }
    }
    outcome.text = report::removed(&removed, context.output);
    outcome
}

/// Removes one environment, and waits until nothing of it is left.
pub(super) async fn remove_one(
    cluster: &Cluster,
    context: &Context,
    name: &EnvName,
    namespace: Option<&str>,
) -> Result<Removed> {
    let (search, user) = tokio::join!(inventory::find(cluster, name, namespace), discover::user(cluster));
    let search = search?;
    let out_of_sight = matches!(search, Search::NotYours);
    let found = search.certain(name)?;
    let is_project = found.as_ref().is_some_and(|inventory| inventory.tenure == Tenure::Project);
    let home = match (found, namespace) {
        (Some(inventory), _) => inventory.namespace,
        (None, Some(namespace)) => namespace.to_owned(),
        (None, None) => name.default_namespace(),
    };
    let home = NamespaceName::parse(&home)?;
    let events = context.events(name.as_str());
    let doomed = Doomed { env: name, namespace: &home, is_project };
    let holder = context.holder(user.as_deref());
    let remover = Remover { locks: &context.locks, holder: &holder, timeout: context.timeout, events: &events };
    let deleted = remove::remove(cluster, doomed, remover).await?;
    Ok(Removed { env: name.to_string(), namespace: Some(home.to_string()), deleted, out_of_sight })
}
