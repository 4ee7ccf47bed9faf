//! The inventories of a cluster: which environments there are, where, and with which recorded choices.
//!
//! Whoever may write a ConfigMap can write an inventory. One that cannot be read keeps nobody from the others, and of several of
//! one name the one counts for which others vouch.

mod choose;

use jiff::Timestamp;
use serde_json::Value;

use super::{Cluster, Fault, project};
use crate::environment::{EnvName, Tenure};
use crate::error::{CommandError, Result};
use crate::manifest::Kind;
use crate::plan::record::{self, EXPIRES, Run};
use crate::printable::printable;
use crate::render::{INVENTORY, INVENTORY_LABEL, instance_selector};
use crate::settings::Choices;
use choose::choose;
pub use choose::stray;

/// What an inventory says.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The environment's name.
    pub env: String,
    /// Its namespace.
    pub namespace: String,
    /// Whose the namespace is.
    pub tenure: Tenure,
    /// What was chosen for it.
    pub choices: Choices,
    /// When it was made (RFC 3339).
    pub created: Option<String>,
    /// Who made it.
    pub created_by: Option<String>,
    /// The run that changed it last.
    pub last_run: Option<String>,
    /// When its time is over (RFC 3339); for good without one.
    pub expires: Option<String>,
    /// The runs that changed it, the oldest first.
    pub history: Vec<Run>,
}

impl Inventory {
    /// True when its time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        record::is_over(self.expires.as_deref(), now)
    }
}

/// The environments that a caller sees.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Their inventories.
    pub inventories: Vec<Inventory>,
    /// Only the caller's projects were searched: it may not search all namespaces.
    pub only_projects: bool,
    /// Inventories that cannot be read, each with where it is and why.
    pub damaged: Vec<String>,
}

impl Seen {
    /// What is to be said of what is not shown.
    pub fn notes(&self) -> Vec<String> {
        let searched = "only your projects were searched: you may not list all namespaces";
        let damaged = self.damaged.iter().map(|why| format!("{why}; it is left out"));
        self.only_projects.then(|| searched.to_owned()).into_iter().chain(damaged).collect()
    }
}

/// Every environment that the caller may see.
pub async fn all(cluster: &Cluster) -> Result<Seen> {
    let selector = format!("app.kubernetes.io/managed-by=lsdeploy,{INVENTORY_LABEL}=true");
    let explain = |fault: &Fault| fault.explain("list the environments of all namespaces");
    let (found, only_projects) = match cluster.list(Kind::ConfigMap, None, &selector).await {
        Ok(found) => (found, false),
        Err(fault) if fault.code() == Some(403) => {
            let Some(projects) = project::mine(cluster).await? else {
                return Err(explain(&fault)
                    .hint("one that you know needs less: `lsdeploy status --env ENV --namespace NAMESPACE`"));
            };
            let found = project::look_into(cluster, &projects, Kind::ConfigMap, INVENTORY).await;
            (found.map_err(|fault| explain(&fault))?, true)
        }
        Err(fault) => return Err(explain(&fault)),
    };
    let (inventories, damaged) = sort(&found);
    let damaged = damaged.into_iter().map(|(_, error)| error.message).collect();
    Ok(Seen { inventories, only_projects, damaged })
}

/// What a search for an environment came to.
#[derive(Debug, Clone)]
pub enum Search {
    /// It is there.
    Found(Box<Inventory>),
    /// It is not.
    Absent,
    /// It is in none of the caller's projects, and elsewhere the caller may not look.
    NotYours,
    /// The caller may look neither in all namespaces nor in this one.
    Hidden(Fault, String),
}

impl Search {
    /// The inventory, if it was found.
    pub fn found(self) -> Option<Inventory> {
        match self {
            Self::Found(inventory) => Some(*inventory),
            Self::Absent | Self::NotYours | Self::Hidden(..) => None,
        }
    }

    /// The inventory of an environment that is to be there.
    ///
    /// # Errors
    /// It is not, or not where the caller may look.
    pub fn existing(self, env: &EnvName) -> Result<Inventory> {
        match self {
            Self::Found(inventory) => Ok(*inventory),
            Self::Absent => Err(CommandError::new(format!("there is no environment {env}"))
                .hint(format!("`lsdeploy up --env {env}` makes it, or finishes what a killed run began"))
                .hint("`lsdeploy list` shows those there are, `lsdeploy list --orphans` what killed runs left")
                .hint("if it is in a namespace of another name and you may not search them all, give --namespace")),
            Self::NotYours => Err(CommandError::new(format!(
                "there is no environment {env} in your projects, and elsewhere you may not look"
            ))
            .hint("if it is there, have who administers it let you in: `oc policy add-role-to-user edit USER -n NAMESPACE`")
            .hint(format!("`lsdeploy list` shows what you may see; `lsdeploy up --env {env}` would make it"))),
            Self::Hidden(..) => self
                .certain(env)
                .and_then(|found| found.ok_or_else(|| CommandError::new(format!("there is no environment {env}")))),
        }
    }

    /// The inventory, if it is there; an error where that cannot be known.
    pub fn certain(self, env: &EnvName) -> Result<Option<Inventory>> {
        match self {
            Self::Found(inventory) => Ok(Some(*inventory)),
            Self::Absent | Self::NotYours => Ok(None),
            Self::Hidden(fault, namespace) => Err(fault
                .explain(&format!("look for the environment {env} in namespace {namespace}"))
                .hint("if it is in another namespace, name that with --namespace")),
        }
    }
}

/// Looks for one environment. Where the caller may not search all namespaces, `namespace` (or the default one) is looked
/// at, and then the caller's projects.
pub async fn find(cluster: &Cluster, env: &EnvName, namespace: Option<&str>) -> Result<Search> {
    let selector = format!("{},{INVENTORY_LABEL}=true", instance_selector(env.as_str()));
    let fault = match cluster.list(Kind::ConfigMap, None, &selector).await {
        Ok(found) => return choose(cluster, env, namespace, &found).await,
        Err(fault) if fault.code() == Some(403) => fault,
        Err(fault) => return Err(fault.explain(&format!("look for the environment {env}"))),
    };
    let home = namespace.map_or_else(|| env.default_namespace(), str::to_owned);
    let is_hidden = match cluster.get(Kind::ConfigMap, &home, INVENTORY).await {
        Ok(Some(found)) => return choose(cluster, env, None, &[found]).await,
        Ok(None) => false,
        Err(fault) if fault.code() == Some(403) => true,
        Err(fault) => return Err(fault.explain(&format!("read the inventory in {home}"))),
    };
    let Some(projects) = project::mine(cluster).await? else {
        return Ok(if is_hidden { Search::Hidden(fault, home) } else { Search::Absent });
    };
    let found = project::look_into(cluster, &projects, Kind::ConfigMap, INVENTORY).await;
    let found = found.map_err(|fault| fault.explain(&format!("look for the environment {env} in your projects")))?;
    match choose(cluster, env, namespace, &found).await? {
        Search::Absent if is_hidden => Ok(Search::NotYours),
        search => Ok(search),
    }
}

/// What can be read, and what cannot: where it is and why.
fn sort(found: &[Value]) -> (Vec<Inventory>, Vec<(String, CommandError)>) {
    let named = |object: &&Value| object.pointer("/metadata/name").is_some_and(|name| name == INVENTORY);
    let (mut inventories, mut damaged) = (Vec::new(), Vec::new());
    for object in found.iter().filter(named) {
        let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
        match read(object) {
            Ok(inventory) => inventories.push(inventory),
            Err(error) => damaged.push((namespace.to_owned(), error)),
        }
    }
    (inventories, damaged)
}

fn read(object: &Value) -> Result<Inventory> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let namespace = text("/metadata/namespace").unwrap_or_default();
    let damaged = |what: &str| {
        CommandError::new(format!("the inventory in {namespace} is damaged: {}", printable(what)))
            .hint(format!("`kubectl -n {namespace} get configmap {INVENTORY} -o yaml` shows it"))
    };
    let settings = text("/data/settings").ok_or_else(|| damaged("it has no settings"))?;
    Ok(Inventory {
        env: text("/data/env").ok_or_else(|| damaged("it names no environment"))?,
        tenure: Tenure::of_word(&text("/data/namespace").unwrap_or_default()),
        choices: serde_json::from_str(&settings).map_err(|error| damaged(&error.to_string()))?,
        created: text("/metadata/creationTimestamp"),
        created_by: text("/data/created-by"),
        last_run: text("/data/last-run"),
        expires: object["data"][EXPIRES].as_str().map(str::to_owned),
        history: record::history(&object["data"]),
        namespace,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, namespace: &str, data: &Value) -> Value {
        json!({"metadata": {"name": name, "namespace": namespace}, "data": data})
    }

    fn good(namespace: &str) -> Value {
        object(INVENTORY, namespace, &json!({"env": "team1", "namespace": "own", "settings": "{}"}))
    }

    #[test]
    fn one_inventory_that_cannot_be_read_keeps_nobody_from_the_others() {
        let bare = object(INVENTORY, "aaa", &json!({"env": "team1"}));
        let other_name = object("copy", "bbb", &json!({"env": "team1", "settings": "{}"}));
        let found = [bare, other_name, good("localstack-team1")];
        let (inventories, damaged) = sort(&found);
        assert_eq!((inventories.len(), damaged.len()), (1, 1));
        assert!(damaged[0].1.message.contains("in aaa is damaged: it has no settings"), "{damaged:?}");
    }

    #[test]
    fn what_is_left_out_is_said() {
        let seen =
            Seen { inventories: vec![], only_projects: true, damaged: vec!["the inventory in aaa is damaged".into()] };
        assert_eq!(seen.notes().len(), 2);
        assert!(seen.notes()[1].ends_with("; it is left out"));
    }
}
