//! The inventories of a cluster: which environments there are, where, and with which recorded choices.

use serde_json::Value;

use super::{Cluster, Fault};
use crate::environment::{EnvName, Tenure};
use crate::error::{CommandError, Result};
use crate::manifest::Kind;
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
}

/// Every environment that the caller may see.
pub async fn all(cluster: &Cluster) -> Result<Vec<Inventory>> {
    let selector = format!("app.kubernetes.io/managed-by=lsdeploy,{INVENTORY_LABEL}=true");
    let found = cluster.list(Kind::ConfigMap, None, &selector).await.map_err(|fault| {
        let error = fault.explain("list the environments of all namespaces");
        match fault.code() {
            Some(403) => error.hint("one that you know needs less: `lsdeploy status --env ENV --namespace NAMESPACE`"),
            _ => error,
        }
    })?;
    found.iter().map(read).collect()
}

/// What a search for an environment came to.
#[derive(Debug, Clone)]
pub enum Search {
    /// It is there.
    Found(Box<Inventory>),
    /// It is not.
    Absent,
    /// The caller may look neither in all namespaces nor in this one.
    Hidden(Fault, String),
}

impl Search {
    /// The inventory, if it was found.
    pub fn found(self) -> Option<Inventory> {
        match self {
            Self::Found(inventory) => Some(*inventory),
            Self::Absent | Self::Hidden(..) => None,
        }
    }

    /// The inventory, if it is there; an error where that cannot be known.
    pub fn certain(self, env: &EnvName) -> Result<Option<Inventory>> {
        match self {
            Self::Found(inventory) => Ok(Some(*inventory)),
            Self::Absent => Ok(None),
            Self::Hidden(fault, namespace) => Err(fault
                .explain(&format!("look for the environment {env} in namespace {namespace}"))
                .hint("if it is in another namespace, name that with --namespace")),
        }
    }
}

/// Looks for one environment. Where the caller may not search all namespaces, only `namespace` (or the default one) is
/// looked at.
pub async fn find(cluster: &Cluster, env: &EnvName, namespace: Option<&str>) -> Result<Search> {
    let selector = format!("{},{INVENTORY_LABEL}=true", instance_selector(env.as_str()));
    match cluster.list(Kind::ConfigMap, None, &selector).await {
        Ok(found) => choose(env, namespace, &found),
        Err(fault) if fault.code() == Some(403) => {
            let namespace = namespace.map_or_else(|| env.default_namespace(), str::to_owned);
            match cluster.get(Kind::ConfigMap, &namespace, INVENTORY).await {
                Ok(found) => choose(env, None, found.as_slice()),
                Err(fault) if fault.code() == Some(403) => Ok(Search::Hidden(fault, namespace)),
                Err(fault) => Err(fault.explain(&format!("read the inventory in {namespace}"))),
            }
        }
        Err(fault) => Err(fault.explain(&format!("look for the environment {env}"))),
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
        namespace,
    })
}
