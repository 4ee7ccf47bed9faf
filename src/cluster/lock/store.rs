//! Where a lock is kept: a Lease, or an annotation of the inventory. Every write carries the version that was read before, and
//! what is not this environment's is no place for its lock.

use serde_json::{Value, json};

use super::Wanted;
use super::record::{PROCESS, Record};
use crate::cluster::{Cluster, Fault};
use crate::environment::{EnvName, NamespaceName};
use crate::plan::{foreign_owner, uid};
use crate::render::INVENTORY;
use crate::render::names::LEASE;

/// The annotation of the inventory that is the lock.
const LOCK: &str = "lsdeploy.dev/lock";

/// Where a lock is kept.
#[derive(Clone)]
pub(super) struct Store {
    cluster: Cluster,
    env: EnvName,
    namespace: NamespaceName,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    /// A Lease of its own.
    Lease,
    /// The inventory; made like this where it is not there.
    Inventory(Option<Box<Value>>),
}

/// A lock as it was read, or the place where one can be.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) record: Option<Record>,
    /// The data of an inventory.
    pub(super) data: Value,
    uid: String,
    version: String,
}

/// Why a lock could not be read or written.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Somebody else wrote at the same time: look again.
    Changed(Fault),
    /// It cannot be kept here: no such kind, no right, nothing that carries it, or what would is somebody else's.
    NoPlace(Fault),
    /// Nothing can be made in the namespace any more.
    Ending,
    /// Anything else.
    Fault(Fault),
}

impl Store {
    pub(super) fn lease(cluster: &Cluster, wanted: &Wanted<'_>) -> Self {
        Self::of(cluster, wanted, Kind::Lease)
    }

    pub(super) fn inventory(cluster: &Cluster, wanted: &Wanted<'_>) -> Self {
        Self::of(cluster, wanted, Kind::Inventory(wanted.inventory.map(bare).map(Box::new)))
    }

    fn of(cluster: &Cluster, wanted: &Wanted<'_>, kind: Kind) -> Self {
        Self { cluster: cluster.clone(), env: wanted.env.clone(), namespace: wanted.namespace.clone(), kind }
    }

    pub(super) fn is_lease(&self) -> bool {
        matches!(self.kind, Kind::Lease)
    }

    /// The data of the inventory that is made to carry the lock.
    pub(super) fn made(&self) -> Option<Value> {
        match &self.kind {
            Kind::Inventory(Some(desired)) => desired.get("data").cloned(),
            _ => None,
        }
    }

    fn collection(&self) -> String {
        let namespace = &self.namespace;
        if self.is_lease() {
            format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
        } else {
            format!("/api/v1/namespaces/{namespace}/configmaps")
        }
    }

    fn path(&self) -> String {
        let name = if self.is_lease() { LEASE } else { INVENTORY };
        format!("{}/{name}", self.collection())
    }

    /// What is there; `None` where nothing is.
    pub(super) async fn read(&self) -> Result<Option<Seen>, Refusal> {
        let found = self.cluster.get_path(&self.path()).await.map_err(Refusal::of)?;
        found.map(|object| self.check(&object).map(|()| self.seen(&object))).transpose()
    }

    /// Nothing of somebody else's is written to or deleted.
    fn check(&self, object: &Value) -> Result<(), Refusal> {
        let what = if self.is_lease() { "Lease" } else { "ConfigMap" };
        let name = if self.is_lease() { LEASE } else { INVENTORY };
        match foreign_owner(self.env.as_str(), self.namespace.as_str(), object) {
            Some(owner) => Err(Refusal::NoPlace(Fault::conflict(format!("{what}/{name} belongs to {owner}")))),
            None => Ok(()),
        }
    }

    /// Makes the lock with what carries it.
    pub(super) async fn create(&self, record: &Record) -> Result<Seen, Refusal> {
        let object = match &self.kind {
            Kind::Lease => json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": LEASE, "annotations": {PROCESS: record.process()}, "labels": {
                    "app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/part-of": "lsdeploy",
                    "app.kubernetes.io/instance": self.env.as_str()}},
                "spec": record.spec(),
            }),
            Kind::Inventory(Some(desired)) => {
                let mut object = desired.as_ref().clone();
                object["metadata"]["annotations"][LOCK] = written(record);
                object
            }
            Kind::Inventory(None) => {
                return Err(Refusal::NoPlace(Fault::Unreachable("there is no inventory".to_owned())));
            }
        };
        let made = self.cluster.post(&self.collection(), &object).await.map_err(Refusal::of)?;
        Ok(self.seen(&made))
    }

    /// Writes the lock if it still is as it was seen.
    pub(super) async fn write(&self, seen: &Seen, record: &Record) -> Result<Seen, Refusal> {
        let mut patch = match &self.kind {
            Kind::Lease => json!({"metadata": {"annotations": {PROCESS: record.process()}}, "spec": record.spec()}),
            Kind::Inventory(_) => json!({"metadata": {"annotations": {LOCK: written(record)}}}),
        };
        seen.require(&mut patch);
        let object = self.cluster.merge_patch(&self.path(), &patch).await.map_err(Refusal::of)?;
        Ok(self.seen(&object))
    }

    /// Takes the lock away if it still is as it was seen. What is gone already is no failure.
    pub(super) async fn clear(&self, seen: &Seen) -> Result<(), Refusal> {
        if self.is_lease() {
            let preconditions = json!({"uid": seen.uid, "resourceVersion": seen.version});
            let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": preconditions});
            return self.cluster.delete_path(&self.path(), &options).await.map(drop).map_err(Refusal::of);
        }
        let mut patch = json!({"metadata": {"annotations": {LOCK: null}}});
        seen.require(&mut patch);
        match self.cluster.merge_patch(&self.path(), &patch).await {
            Err(fault) if fault.code() != Some(404) => Err(Refusal::of(fault)),
            _ => Ok(()),
        }
    }

    fn seen(&self, object: &Value) -> Seen {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let record = if self.is_lease() {
            Record::of_lease(object)
        } else {
            let annotation = object.pointer("/metadata/annotations").and_then(|annotations| annotations.get(LOCK));
            // What cannot be read was not written by us: it holds nobody off.
            annotation.and_then(|text| serde_json::from_str(text.as_str()?).ok())
        };
        Seen {
            record,
            data: super::data(object),
            uid: uid(object).unwrap_or_default(),
            version: text("/metadata/resourceVersion"),
        }
    }
}

impl Seen {
    /// Lets a patch fail where the object is another or was changed since.
    fn require(&self, patch: &mut Value) {
        patch["metadata"]["uid"] = self.uid.clone().into();
        patch["metadata"]["resourceVersion"] = self.version.clone().into();
    }
}

impl Refusal {
    fn of(fault: Fault) -> Self {
        let Fault::Refused(status) = &fault else { return Self::Fault(fault) };
        let details = status.details.as_ref();
        let of_namespace = details.is_some_and(|details| details.kind == "namespaces");
        let ending = details.is_some_and(|details| details.causes.iter().any(|it| it.reason == "NamespaceTerminating"));
        match status.code {
            409 => Self::Changed(fault),
            403 if ending => Self::Ending,
            404 if !of_namespace => Self::NoPlace(fault),
            403 | 405 => Self::NoPlace(fault),
            _ => Self::Fault(fault),
        }
    }
}

fn written(record: &Record) -> Value {
    serde_json::to_string(record).unwrap_or_default().into()
}

/// The inventory without what its own writer adds to it later: only what makes it one.
fn bare(desired: &Value) -> Value {
    let mut object = desired.clone();
    if let Some(data) = object.pointer_mut("/data").and_then(Value::as_object_mut) {
        data.retain(|key, _| ["env", "settings", "namespace"].contains(&key.as_str()));
    }
    if object["metadata"]["annotations"].is_null() {
        object["metadata"]["annotations"] = json!({});
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_that_carries_the_lock_says_what_it_must_and_nothing_of_runs() {
        let desired = json!({"kind": "ConfigMap", "metadata": {"name": INVENTORY, "labels": {"a": "b"}},
            "data": {"env": "team1", "settings": "{}", "namespace": "own", "history": "[]", "expires-at": "x"}});
        let bare = bare(&desired);
        assert_eq!(bare["data"], json!({"env": "team1", "settings": "{}", "namespace": "own"}));
        assert_eq!(bare["metadata"], json!({"name": INVENTORY, "labels": {"a": "b"}, "annotations": {}}));
    }
}
