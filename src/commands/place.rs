//! Where an environment is to be, for commands that print what others apply: by its flags alone where `--apps-domain` is given, else
//! as the cluster says. Reads only.

use super::Context;
use super::target::{self, Home};
use crate::cluster::{Cluster, discover, inventory};
use crate::environment::{EnvName, Place, Tenure};
use crate::error::{CommandError, Result};
use crate::level::Level;
use crate::manifest::Kind;
use crate::settings::Choices;

/// What is looked for, and by which command.
pub(super) struct Sought<'a> {
    pub(super) name: &'a EnvName,
    pub(super) namespace: Option<&'a str>,
    pub(super) choices: Choices,
    pub(super) context: &'a Context,
    pub(super) command: &'static str,
}

/// What was found: choices with those that were recorded, the place, and what could not be seen of it.
pub(super) struct Found {
    pub(super) choices: Choices,
    pub(super) place: Place,
    pub(super) notes: Vec<String>,
}

impl Sought<'_> {
    pub(super) async fn find(self) -> Result<Found> {
        let Self { name, namespace, choices, context, command } = self;
        if choices.apps_domain.is_some() {
            // Nothing is asked: one that is named is not taken to be ours.
            let tenure = target::tenure(name, "", Home::Hidden, namespace.map(|_| Tenure::Guest))?;
            let place = Place {
                namespace: namespace.map(str::to_owned),
                tenure,
                cluster_domain: None,
                has_sccs: true,
                level: Level::NEWEST,
            };
            return Ok(Found { choices, place, notes: namespace.map(unseen).into_iter().collect() });
        }
        let offline = |error: CommandError| {
            error.hint(format!("`{command}` needs no cluster when --apps-domain names the domain of the Routes"))
        };
        let cluster = context.connect().await.map_err(offline)?;
        let facts = discover::discover(&cluster).await.map_err(offline)?;
        let found = inventory::find(&cluster, name, namespace).await?.found();
        let recorded = found.as_ref().map(|inventory| inventory.tenure);
        let home = found.as_ref().map(|inventory| inventory.namespace.as_str()).or(namespace);
        let home = home.map_or_else(|| name.default_namespace(), str::to_owned);
        let said = recorded.or_else(|| namespace.map(|_| Tenure::Guest));
        let (tenure, notes) = tenure(&cluster, name, &home, said).await?;
        let place = Place {
            namespace: Some(home),
            tenure,
            cluster_domain: facts.apps_domain,
            has_sccs: facts.has_sccs,
            level: facts.level,
        };
        Ok(Found { choices: choices.over(found.map(|inventory| inventory.choices).unwrap_or_default()), place, notes })
    }
}

/// Whose the namespace is to be, and what could not be seen.
async fn tenure(cluster: &Cluster, name: &EnvName, home: &str, said: Option<Tenure>) -> Result<(Tenure, Vec<String>)> {
    let found = match cluster.get(Kind::Namespace, "", home).await {
        Ok(found) => found,
        Err(fault) if fault.code() == Some(403) => {
            let notes = said.map(|_| unseen(home)).into_iter().collect();
            return Ok((target::tenure(name, home, Home::Hidden, said)?, notes));
        }
        Err(fault) => return Err(fault.explain(&format!("read the namespace {home}"))),
    };
    let seen = found.as_ref().map_or(Home::Absent, Home::There);
    Ok((target::tenure(name, home, seen, said)?, Vec::new()))
}

fn unseen(namespace: &str) -> String {
    format!("the namespace {namespace} is taken to be there already, and not to be made")
}
