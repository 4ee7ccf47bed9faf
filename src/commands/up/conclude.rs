//! How a run ended, in the record of its inventory.

use serde_json::Value;

use super::Up;
use crate::cluster::{Fault, write};
use crate::events::{Events, What};
use crate::manifest::Kind;
use crate::plan::{Plan, record};
use crate::render::INVENTORY;
use crate::report::{self, EnvReport};

/// How often the end of a run is recorded anew, where others write to the inventory at the same time.
const CONFLICTS: usize = 3;

impl Up<'_> {
    /// Records how the run ended, if it has come so far that the inventory says it was started, beside what others recorded since:
    /// nothing else is changed, so it needs no lock. Where that cannot be written, the record stays. `stored`: the inventory as
    /// this run wrote it.
    pub(super) async fn conclude(&self, plan: &Plan, stored: Option<Value>, report: &EnvReport, events: &Events) {
        let Some(namespace) = report.namespace.as_deref().filter(|_| !plan.is_empty()) else { return };
        let mut done = self.try_conclude(plan, namespace, stored, report).await;
        for _ in 0..CONFLICTS {
            if done.as_ref().is_err_and(|fault| fault.code() == Some(409)) {
                done = self.try_conclude(plan, namespace, None, report).await;
            }
        }
        if let Err(fault) = done {
            events.send(What::Note(fault.explain("record how this run ended").message));
        }
    }

    async fn try_conclude(
        &self,
        plan: &Plan,
        namespace: &str,
        stored: Option<Value>,
        report: &EnvReport,
    ) -> std::result::Result<(), Fault> {
        let live = match stored {
            Some(stored) => stored,
            None => match self.cluster.get(Kind::ConfigMap, namespace, INVENTORY).await? {
                Some(live) => live,
                None => return Ok(()),
            },
        };
        let (run, digest) = (&self.context.run_id, report.digest.as_deref());
        let Some((id, object)) = record::concluded(plan, &live, run, report::result(report), digest) else {
            return Ok(());
        };
        let version = live.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let wanted = write::Wanted { namespace, id: &id, desired: &object, changes: &[], version };
        write::write(self.cluster, plan.writing, wanted).await.map(drop)
    }
}
