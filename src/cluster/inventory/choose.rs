//! Which inventory of an environment counts: the one that is meant, or for which others vouch. Reads only.

use futures::future::join_all;
use serde_json::Value;

use super::{Inventory, Search, sort};
use crate::cluster::Cluster;
use crate::cluster::vouch::voucher;
use crate::environment::EnvName;
use crate::error::{CommandError, Result};
use crate::manifest::Kind;
use crate::render::INVENTORY;

/// One environment per name: a second one elsewhere is refused.
pub(super) async fn choose(
    cluster: &Cluster,
    env: &EnvName,
    namespace: Option<&str>,
    found: &[Value],
) -> Result<Search> {
    let mut all = of_env(env, namespace, found)?;
    if let Some(at) = all.iter().position(|inventory| namespace == Some(&inventory.namespace)) {
        return Ok(Search::Found(Box::new(all.swap_remove(at))));
    }
    let inventory = match all.len() {
        0 => return Ok(Search::Absent),
        1 => all.remove(0),
        _ => most_trusted(cluster, env, all).await?,
    };
    match namespace {
        Some(_) => {
            let place = &inventory.namespace;
            Err(CommandError::new(format!("the environment {env} is in the namespace {place} already"))
                .hint(format!("leave --namespace out, or remove it first: lsdeploy down --env {env}"))
                .hint(stray(place)))
        }
        None => Ok(Search::Found(Box::new(inventory))),
    }
}

/// The inventories of one environment. One that cannot be read is an error where the environment is looked for.
fn of_env(env: &EnvName, namespace: Option<&str>, found: &[Value]) -> Result<Vec<Inventory>> {
    let (mut all, damaged) = sort(found);
    let home = namespace.map_or_else(|| env.default_namespace(), str::to_owned);
    if let Some((_, error)) = damaged.into_iter().find(|(place, _)| *place == home) {
        return Err(error);
    }
    all.retain(|inventory| inventory.env == env.as_str());
    Ok(all)
}

/// Of several inventories of one name the one for which others vouch.
async fn most_trusted(cluster: &Cluster, env: &EnvName, all: Vec<Inventory>) -> Result<Inventory> {
    // What the caller may not see vouches for nothing.
    let scc = async { cluster.get(Kind::SecurityContextConstraints, "", &env.scc()).await.ok().flatten() };
    let places = all.iter().map(|inventory| cluster.get(Kind::Namespace, "", &inventory.namespace));
    let (scc, places) = tokio::join!(scc, join_all(places));
    let mut ranked: Vec<_> = all
        .into_iter()
        .zip(places)
        .map(|(inventory, place)| {
            let place = place.ok().flatten();
            let voucher = voucher(env.as_str(), &inventory.namespace, place.as_ref(), scc.as_ref());
            (std::mem::discriminant(&voucher), voucher, inventory)
        })
        .collect();
    ranked.sort_by(|(_, a, _), (_, b, _)| b.cmp(a));
    if let [(first, ..), (second, ..), ..] = ranked.as_slice()
        && first == second
    {
        let names: Vec<&str> = ranked.iter().map(|(.., inventory)| inventory.namespace.as_str()).collect();
        return Err(CommandError::new(format!(
            "more than one namespace says that it holds the environment {env}: {}",
            names.join(", ")
        ))
        .hint("say which is meant with --namespace")
        .hint(
            "an inventory that nobody needs is removed by `kubectl -n NAMESPACE delete configmap lsdeploy-inventory`",
        ));
    }
    let missing = || CommandError::new(format!("there is no environment {env}"));
    ranked.into_iter().next().map(|(.., inventory)| inventory).ok_or_else(missing)
}

/// How to get rid of an inventory for which nobody vouches.
pub fn stray(namespace: &str) -> String {
    format!("if nobody made it there on purpose: `kubectl -n {namespace} delete configmap {INVENTORY}`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_that_cannot_be_read_is_an_error_only_where_it_is_meant() {
        let inventory = |namespace: &str, data: Value| json!({"metadata": {"name": INVENTORY, "namespace": namespace}, "data": data});
        let good = inventory("localstack-team1", json!({"env": "team1", "namespace": "own", "settings": "{}"}));
        let found = [inventory("aaa", json!({"env": "team1"})), good];
        let env = EnvName::parse("team1").unwrap();
        let all = of_env(&env, None, &found).unwrap();
        assert_eq!(all.iter().map(|one| one.namespace.as_str()).collect::<Vec<_>>(), ["localstack-team1"]);
        assert!(of_env(&env, Some("aaa"), &found).is_err());
    }
}
