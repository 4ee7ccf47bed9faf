//! One run at a time changes an environment: the lock, as a Lease in its namespace, or where there are no Leases as an
//! annotation of its inventory.
//!
//! What comes in: a namespace and who asks. What goes out: a [`Lock`], renewed in the background until it is released; or who
//! holds it. Whether a holder lives is told by whether it goes on renewing, on our own clock (`contest`). A run that is killed
//! leaves its lock behind: on the same machine the next run sees that its process is gone, elsewhere it waits until the lock
//! has not been renewed for its duration.

mod contest;
mod keep;
mod record;
mod store;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::{Cluster, Fault};
use crate::environment::{EnvName, NamespaceName};
use crate::error::{CommandError, Result};
use crate::events::Events;
use crate::plan::foreign_owner;
use crate::render::names::LEASE;
use keep::Held;
pub use record::Holder;
use store::{Seen, Store};

/// How long a lock may go unrenewed before the next run takes it over.
const DURATION: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEWED_EVERY: Duration = Duration::from_secs(5);
/// How long it may go unrenewed before its own holder stops to write: well before somebody else may begin.
const TRUSTED_FOR: Duration = Duration::from_secs(10);
/// How long giving it back may take: it becomes free by itself.
const RELEASED_WITHIN: Duration = Duration::from_secs(5);

/// What is to be locked.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The environment.
    pub env: &'a EnvName,
    /// Its namespace, which is there.
    pub namespace: &'a NamespaceName,
    /// Who asks.
    pub holder: &'a Holder,
    /// The inventory as it is to be: made where it has to carry the lock and is not there yet.
    pub inventory: Option<&'a Value>,
}

/// The locks that this run holds. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub struct Locks {
    held: Arc<Mutex<Vec<Arc<Held>>>>,
}

/// A lock that is held. It stays held until it is released, here or by [`Locks::release`].
pub struct Lock {
    locks: Locks,
    held: Arc<Held>,
    /// The inventory's data once the lock was held: what others did before is in it. `None` where there is none to be seen.
    data: Option<Value>,
    /// The data that was written to make an inventory for the lock, if it had to be made.
    made: Option<Value>,
}

impl Locks {
    /// Takes the lock of an environment; `None` where nothing can carry one.
    ///
    /// # Errors
    /// Another run holds it and is alive.
    pub async fn take(
        &self,
        cluster: &Cluster,
        wanted: Wanted<'_>,
        patience: Duration,
        events: &Events,
    ) -> Result<Option<Lock>> {
        let deadline = Instant::now() + patience;
        let lease = Store::lease(cluster, &wanted);
        let inventory = Store::inventory(cluster, &wanted);
        let contest = contest::Contest { wanted, events, deadline };
        match contest.win(&lease).await {
            Ok(Some(seen)) => {
                let lock = self.keep(lease, seen, wanted);
                // Who may not write Leases has put the lock there.
                match contest.outlive(&inventory).await {
                    Ok(found) => Ok(Some(Lock { data: found.map(|seen| seen.data), ..lock })),
                    Err(error) => {
                        lock.release().await;
                        Err(error)
                    }
                }
            }
            Err(contest::Lost::NoPlace(_)) | Ok(None) => {
                contest.outlive(&lease).await?;
                match contest.win(&inventory).await {
                    Ok(Some(seen)) => {
                        let data = Some(seen.data.clone());
                        Ok(Some(Lock { data, ..self.keep(inventory, seen, wanted) }))
                    }
                    Err(contest::Lost::NoPlace(_)) | Ok(None) => Ok(None),
                    Err(lost) => Err(lost.explain(&wanted)),
                }
            }
            Err(lost) => Err(lost.explain(&wanted)),
        }
    }

    /// From here on a signal gives it back: there is nothing to wait for between the answer and this.
    fn keep(&self, store: Store, seen: Seen, wanted: Wanted<'_>) -> Lock {
        let made = store.made();
        let held = Held::keep(store, seen, wanted.holder.clone());
        self.lock().push(Arc::clone(&held));
        Lock { locks: self.clone(), held, data: None, made }
    }

    /// Gives back whatever is still held: after a failure and after a signal.
    pub async fn release(&self) {
        let held = std::mem::take(&mut *self.lock());
        join_all(held.iter().map(|held| timeout(RELEASED_WITHIN, held.release()))).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, lock: &Arc<Held>) {
        self.lock().retain(|held| !Arc::ptr_eq(held, lock));
    }
}

impl Lock {
    /// Gives the lock back, if it is still ours. Where that fails it becomes free by itself.
    pub async fn release(self) {
        self.locks.forget(&self.held);
        let _ = timeout(RELEASED_WITHIN, self.held.release()).await;
    }

    /// Whether another run wrote the inventory after it was read as `before`.
    pub fn changed_since(&self, before: Option<&Value>) -> bool {
        let before = before.map(data);
        self.data != before && (before.is_some() || self.data != self.made)
    }

    /// Gives nothing back: what carried the lock is gone.
    pub fn forget(self) {
        self.locks.forget(&self.held);
        self.held.stop();
    }

    /// Does work that writes; ends early when the lock is lost.
    ///
    /// # Errors
    /// What the work ends with, or why the lock is lost.
    pub async fn guard<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            done = work => done,
            error = self.held.lost() => Err(error),
        }
    }
}

/// Whether a run of this environment has left its lock in a namespace. Where that may not be read there is none.
pub async fn is_left(cluster: &Cluster, env: &EnvName, namespace: &NamespaceName) -> bool {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE}");
    let found = cluster.get_path(&path).await.ok().flatten();
    found.is_some_and(|lease| foreign_owner(env.as_str(), namespace.as_str(), &lease).is_none())
}

/// Whether a Lease of ours is held by a run that goes on as far as one look can tell: its process is not known to be gone, and it
/// was renewed lately, by clocks that differ a little.
pub fn is_held(lease: &Value, asks: &Holder) -> bool {
    record::Record::of_lease(lease).is_some_and(|record| !record.is_orphan(asks) && record.was_renewed_lately())
}

fn data(inventory: &Value) -> Value {
    inventory.get("data").cloned().unwrap_or_default()
}

/// What a lock says that the caller may not take.
fn held_by(wanted: &Wanted<'_>, record: &record::Record) -> CommandError {
    let Wanted { env, namespace, .. } = wanted;
    let (holder, since) = (&record.holder, &record.since);
    CommandError::new(format!("another run is changing the environment {env}: {holder}, since {since}"))
        .hint("wait until it is done, then run this again")
        .hint(format!(
            "when that run is killed, its lock in the namespace {namespace} becomes free {} s later by itself",
            DURATION.as_secs()
        ))
}

/// Why a request about a lock failed.
fn explain(fault: &Fault, wanted: &Wanted<'_>) -> CommandError {
    fault.explain(&format!("take the lock of the environment {} in {}", wanted.env, wanted.namespace))
}
