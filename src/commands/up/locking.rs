//! One run at a time writes to an environment: the lock, and what another run did before it was ours.

use super::{Draft, Up};
use crate::cluster::apply::{self, Applied};
use crate::cluster::lock::{Lock, Wanted};
use crate::error::Result;
use crate::events::Events;
use crate::manifest::{Kind, ObjectId};
use crate::plan::{Action, Plan};
use crate::render::INVENTORY;
use crate::settings::Choices;

impl Up<'_> {
    /// Takes the environment's lock, if there is anything to write. What another run wrote after the environment was looked
    /// at makes the draft anew. Also says what had to be made for the lock, besides so many objects that were `made` before.
    pub(super) async fn hold(
        &self,
        draft: &mut Draft,
        choices: Choices,
        made: usize,
        events: &Events,
    ) -> Result<(Option<Lock>, Applied)> {
        if draft.plan.is_empty() {
            return Ok((None, Applied::default()));
        }
        if only_records(&draft.plan) {
            if let Some(recorded) = self.record(draft, events).await? {
                return Ok((None, recorded));
            }
            // Another run was faster: what it wrote counts, and is not to be written over.
            *draft = self.draft(&draft.environment.name.clone(), choices.clone()).await?;
        }
        let namespace = draft.environment.namespace.clone();
        let mut before = apply::make_place(self.cluster, namespace.as_str(), &draft.plan, events).await?;
        before.writes += made;
        let inventory = ObjectId::new(Kind::ConfigMap, INVENTORY);
        let holder = self.context.holder(self.facts.user.as_deref());
        let wanted = Wanted {
            env: &draft.environment.name,
            namespace: &namespace,
            holder: &holder,
            inventory: draft.plan.steps.iter().find(|step| step.id == inventory).map(|step| &step.desired),
        };
        let taken = self.context.locks.take(self.cluster, wanted, self.context.timeout, events).await;
        let lock = taken.map_err(|error| apply::interrupted(error, before.writes))?;
        let is_stale = lock.as_ref().is_some_and(|lock| lock.changed_since(draft.live.objects.get(&inventory)));
        if is_stale {
            let name = draft.environment.name.clone();
            match self.draft(&name, choices).await {
                Ok(anew) => *draft = anew,
                Err(error) => {
                    // Other environments of this run go on: nobody is to wait for their end.
                    release(lock).await;
                    return Err(apply::interrupted(error, before.writes));
                }
            }
        }
        Ok((lock, before))
    }

    /// One write, e.g. of another time to live, needs no lock: it is whole or it is not. `None` where somebody else wrote since
    /// the environment was looked at.
    async fn record(&self, draft: &Draft, events: &Events) -> Result<Option<Applied>> {
        let Draft { environment, plan, live, .. } = draft;
        let Some(seen) = live.objects.get(&ObjectId::new(Kind::ConfigMap, INVENTORY)) else { return Ok(None) };
        match apply::record(self.cluster, environment.namespace.as_str(), plan, seen, events).await {
            Ok(recorded) => Ok(Some(recorded)),
            Err(fault) if fault.code() == Some(409) => Ok(None),
            Err(fault) => Err(fault.explain(&format!("record this run in {}", environment.namespace))),
        }
    }
}

/// Whether nothing is written but the record in an inventory that is there.
pub(super) fn only_records(plan: &Plan) -> bool {
    plan.steps
        .iter()
        .filter(|step| step.action != Action::Unchanged)
        .all(|step| step.action == Action::Update && step.id.kind == Kind::ConfigMap && step.id.name == INVENTORY)
}

/// Work that ends when the lock is lost.
pub(super) async fn guard<T>(lock: Option<&Lock>, work: impl Future<Output = Result<T>>) -> Result<T> {
    match lock {
        Some(lock) => lock.guard(work).await,
        None => work.await,
    }
}

/// Gives the lock back.
pub(super) async fn release(lock: Option<Lock>) {
    if let Some(lock) = lock {
        lock.release().await;
    }
}
