//! The inventories of a cluster: which environments there are, where, and with which recorded choices.

use jiff::Timestamp;
use serde_json::Value;

use super::{Cluster, Fault, project};
use crate::environment::{EnvName, Tenure};
use crate::error::{CommandError, Result};
use crate::manifest::Kind;
use crate::plan::record::{self, EXPIRES, Run};
use crate::render::{INVENTORY, INVENTORY_LABEL, instance_selector};
use crate::settings::Choices;

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
        self.expires
            .as_deref()
            .and_then(|expires| expires.parse::<Timestamp>().ok())
            .is_some_and(|expires| expires <= now)
    }
}

/// The environments that a caller sees.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Their inventories.
    pub inventories: Vec<Inventory>,
    /// Only the caller's projects were searched: it may not search all namespaces.
    pub only_projects: bool,
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
    Ok(Seen { inventories: found.iter().map(read).collect::<Result<_>>()?, only_projects })
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
                .hint(format!("`lsdeploy up --env {env}` makes it; `lsdeploy list` shows those there are"))
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
        Ok(found) => return choose(env, namespace, &found),
        Err(fault) if fault.code() == Some(403) => fault,
        Err(fault) => return Err(fault.explain(&format!("look for the environment {env}"))),
    };
    let home = namespace.map_or_else(|| env.default_namespace(), str::to_owned);
    let is_hidden = match cluster.get(Kind::ConfigMap, &home, INVENTORY).await {
        Ok(Some(found)) => return choose(env, None, &[found]),
        Ok(None) => false,
        Err(fault) if fault.code() == Some(403) => true,
        Err(fault) => return Err(fault.explain(&format!("read the inventory in {home}"))),
    };
    let Some(projects) = project::mine(cluster).await? else {
        return Ok(if is_hidden { Search::Hidden(fault, home) } else { Search::Absent });
    };
    let found = project::look_into(cluster, &projects, Kind::ConfigMap, INVENTORY).await;
    let found = found.map_err(|fault| fault.explain(&format!("look for the environment {env} in your projects")))?;
    match choose(env, namespace, &found)? {
        Search::Absent if is_hidden => Ok(Search::NotYours),
        search => Ok(search),
    }
}

/// One environment per name: a second one elsewhere is refused.
fn choose(env: &EnvName, namespace: Option<&str>, found: &[Value]) -> Result<Search> {
    let all: Vec<Inventory> = found.iter().map(read).collect::<Result<_>>()?;
    let Some(inventory) = all.into_iter().find(|inventory| inventory.env == env.as_str()) else {
        return Ok(Search::Absent);
    };
    match namespace {
        Some(namespace) if namespace != inventory.namespace => {
            Err(CommandError::new(format!("the environment {env} is in the namespace {} already", inventory.namespace))
                .hint(format!("leave --namespace out, or remove it first: lsdeploy down --env {env}")))
        }
        _ => Ok(Search::Found(Box::new(inventory))),
    }
}

fn read(object: &Value) -> Result<Inventory> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let namespace = text("/metadata/namespace").unwrap_or_default();
    let damaged = |what: &str| {
        CommandError::new(format!("the inventory in {namespace} is damaged: {what}"))
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
