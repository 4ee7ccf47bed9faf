//! `down`: deletes what environments own and waits until nothing is left.

use futures::future::join_all;
use jiff::Timestamp;

use super::{Context, Outcome, target};
use crate::cli::EnvsArgs;
use crate::cluster::Cluster;
use crate::cluster::discover;
use crate::cluster::inventory::{self, Search};
use crate::cluster::leave::{self, Leave, Released};
use crate::cluster::remove::{self, Doomed, Removal, Remover};
use crate::environment::{EnvName, NamespaceName};
use crate::error::{CommandError, Result};
use crate::exit::ExitStatus;
use crate::manifest::{Kind, ObjectId};
use crate::report::{self, Removed};
use crate::settings::Choices;

pub(super) async fn run(args: &EnvsArgs, context: Context, colour: bool) -> Result<Outcome> {
    let names = target::names(&args.envs, args.namespace.as_deref())?;
    let cluster = context.connect().await?;
    let namespace = args.namespace.as_deref();
    let results =
        join_all(names.iter().map(|env| remove_one(&cluster, &context, Which { env, namespace, only_if_over: None })));
    let results = results.await.into_iter().map(|removed| removed.map(Option::unwrap_or_default));
    Ok(outcome(names.iter().map(ToString::to_string).zip(results), &context, colour))
}

/// What became of environments that were to be removed.
pub(super) fn outcome(
    results: impl Iterator<Item = (String, Result<Removed>)>,
    context: &Context,
    colour: bool,
) -> Outcome {
    let mut outcome = Outcome::success(String::new());
    let mut removed = Vec::new();
    for (name, result) in results {
        match result {
            Ok(one) => {
                if let Some(error) = left_behind(&one) {
                    outcome.problems.push_str(&report::text::error(&error, colour));
                    outcome.status = ExitStatus::Error;
                }
                removed.push(one);
            }
            Err(error) => {
                let error = error.pasteable(&context.way(&name));
                outcome.problems.push_str(&report::text::error(&error, colour));
                outcome.status = ExitStatus::Error;
            }
        }
    }
    outcome.text = report::removed(&removed, context.output);
    outcome
}

/// Which environment is to be removed.
#[derive(Clone, Copy)]
pub(super) struct Which<'a> {
    pub(super) env: &'a EnvName,
    pub(super) namespace: Option<&'a str>,
    /// Only if its time is over by then.
    pub(super) only_if_over: Option<Timestamp>,
}

/// Removes one environment, and waits until nothing of it is left. `None` where it is to stay.
pub(super) async fn remove_one(cluster: &Cluster, context: &Context, which: Which<'_>) -> Result<Option<Removed>> {
    let Which { env: name, namespace, only_if_over } = which;
    let (search, user) = tokio::join!(inventory::find(cluster, name, namespace), discover::user(cluster));
    let search = search?;
    let out_of_sight = matches!(search, Search::NotYours);
    let found = search.certain(name)?;
    let was_there = found.is_some();
    let has_own_scc = found.as_ref().is_none_or(|inventory| !has_other_scc(&inventory.choices));
    let home = match (found, namespace) {
        (Some(inventory), _) => inventory.namespace,
        (None, Some(namespace)) => namespace.to_owned(),
        (None, None) => leave::home_of_scc(cluster, name).await?.unwrap_or_else(|| name.default_namespace()),
    };
    let home = NamespaceName::parse(&home)?;
    let events = context.events(name.as_str());
    let Leave { keep, mut left, unseen, as_project } = leave::ask(cluster, name, &home).await?;
    let doomed = Doomed { env: name, namespace: &home, as_project, keep: &keep, only_if_over };
    let holder = context.holder(user.as_deref());
    let remover = Remover { locks: &context.locks, holder: &holder, timeout: context.timeout, events: &events };
    let Removal::Gone(mut deleted) = remove::remove(cluster, doomed, remover).await? else { return Ok(None) };
    let stays = !(as_project || left.iter().any(|id| id.kind == Kind::Namespace));
    if stays {
        // Also where there was nothing else: a run that was killed may have left only this.
        match leave::release(cluster, name, &home, &events).await? {
            Released::Deleted => deleted += 1,
            Released::Left(id) => left.push(id),
            Released::Nothing => {}
        }
    }
    // Without an inventory only a namespace with our labels says that a cluster-admin prepared it.
    let was_prepared = as_project || left.iter().any(|id| id.kind == Kind::Namespace);
    let is_known = has_own_scc && (was_there || was_prepared);
    let unseen = if is_known { unseen } else { Vec::new() };
    let (env, namespace) = (name.to_string(), Some(home.to_string()));
    Ok(Some(Removed { env, namespace, deleted, out_of_sight, left, unseen }))
}

fn has_other_scc(choices: &Choices) -> bool {
    choices.scc.as_deref().is_some_and(|scc| scc != "custom")
}

/// What a cluster-admin must delete, and how; `None` where nothing is left.
fn left_behind(removed: &Removed) -> Option<CommandError> {
    let Removed { env, namespace, left, unseen, .. } = removed;
    let all: Vec<&ObjectId> = left.iter().chain(unseen).collect();
    if all.is_empty() {
        return None;
    }
    let list = |ids: &[ObjectId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut why = Vec::new();
    if !left.is_empty() {
        why.push(format!("you may not delete {}", list(left)));
    }
    if !unseen.is_empty() {
        why.push(format!("you may not see whether {} is left", list(unseen)));
    }
    let delete = |namespaced: bool| {
        let ids = all.iter().filter(|id| id.kind.is_namespaced() == namespaced);
        let ids: Vec<String> = ids.map(|id| format!("{}/{}", id.kind.plural(), id.name)).collect();
        let place = namespace.as_ref().filter(|_| namespaced).map_or_else(String::new, |name| format!(" -n {name}"));
        (!ids.is_empty()).then(|| format!("`kubectl delete --ignore-not-found{place} {}`", ids.join(" ")))
    };
    // Without its inventory nothing else says where it was.
    let elsewhere = namespace.as_deref().filter(|name| *name != format!("localstack-{env}"));
    let elsewhere = elsewhere.map(|name| format!(" --namespace {name}")).unwrap_or_default();
    let commands: Vec<String> = [delete(true), delete(false)].into_iter().flatten().collect();
    Some(
        CommandError::new(format!("{env} is gone but for what a cluster-admin must delete: {}", why.join("; ")))
            .hint(format!("a cluster-admin runs {}", commands.join(" and ")))
            .hint(format!("or, with the same result: `lsdeploy down --env {env}{elsewhere}` as cluster-admin")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_named_with_the_commands_that_delete_it() {
        let scc = ObjectId::new(Kind::SecurityContextConstraints, "lsdeploy-a");
        let role = ObjectId::new(Kind::Role, "lsdeploy-scc");
        let removed = Removed {
            env: "a".into(),
            namespace: Some("house".into()),
            left: vec![role],
            unseen: vec![scc],
            ..Removed::default()
        };
        let error = left_behind(&removed).unwrap();
        assert!(error.message.contains("you may not delete Role/lsdeploy-scc; you may not see whether"), "{error}");
        let commands = "`kubectl delete --ignore-not-found -n house roles/lsdeploy-scc` and \
             `kubectl delete --ignore-not-found securitycontextconstraints/lsdeploy-a`";
        assert!(error.hints[0].contains(commands), "{:?}", error.hints);
        assert!(error.hints[1].contains("`lsdeploy down --env a --namespace house`"), "{:?}", error.hints);
        let usual = left_behind(&Removed { namespace: Some("localstack-a".into()), ..removed }).unwrap();
        assert!(usual.hints[1].contains("`lsdeploy down --env a`"), "{:?}", usual.hints);
        assert_eq!(left_behind(&Removed::default()), None);
    }
}
