//! What the inventory records of runs: who changed what, when, from where, with which result; and until when the environment is
//! to stay. It changes with every run that writes, so it is no difference by itself. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Action, Plan, Step};
use crate::manifest::{Kind, ObjectId};
use crate::render::INVENTORY;

/// The keys of the record in the inventory's data.
const RECORD: [&str; 4] = [CREATED_BY, LAST_RUN, HISTORY, EXPIRES];
const CREATED_BY: &str = "created-by";
const LAST_RUN: &str = "last-run";
const HISTORY: &str = "history";
/// When the environment's time is over (RFC 3339).
pub const EXPIRES: &str = "expires-at";
/// So many runs are kept: the record must fit into a ConfigMap many times over.
const KEPT: usize = 20;
/// The result of a run that did not say how it ended.
pub const STARTED: &str = "started";
/// The result of a run that changed nothing but the inventory, e.g. until when the environment is to stay: one write, which is
/// all of it.
pub const RECORDED: &str = "settings recorded";

/// One run that changed something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// The run's id, also in the user agent of its requests.
    pub run: String,
    /// When (RFC 3339).
    pub at: String,
    /// The command.
    pub command: String,
    /// Who, as the server sees it.
    pub user: String,
    /// The machine that it was run on.
    pub host: String,
    /// The version of lsdeploy.
    pub version: String,
    /// The image that was to run.
    pub image: String,
    /// The digest that ran in the end, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How many objects it wrote or deleted.
    pub objects: usize,
    /// How it ended; [`STARTED`] for one that was killed.
    pub result: String,
}

/// Carries the record of runs over from the live inventory, as it is there.
pub fn keep(desired: &mut Value, live: &Value) {
    let Some(data) = desired["data"].as_object_mut() else { return };
    for key in RECORD {
        match live.pointer("/data").and_then(|data| data.get(key)) {
            Some(value) => drop(data.insert(key.to_owned(), value.clone())),
            None => drop(data.remove(key)),
        }
    }
}

/// Whether a time that an environment has (RFC 3339) is over; one without is there for good.
pub fn is_over(expires: Option<&str>, now: Timestamp) -> bool {
    expires.and_then(|expires| expires.parse::<Timestamp>().ok()).is_some_and(|expires| expires <= now)
}

/// Records a run in the inventory of its plan, which is then written, and until when the environment is to stay.
pub fn stamp(plan: &mut Plan, run: &Run, expires: Option<String>) {
    let objects = plan.steps.iter().filter(|step| step.action != Action::Unchanged).count();
    let Some(step) = plan.steps.iter_mut().find(|step| is_inventory(step)) else { return };
    let data = &mut step.desired["data"];
    data[LAST_RUN] = format!("{} lsdeploy/{} {}", run.at, run.version, run.run).into();
    if data.get(CREATED_BY).is_none() {
        data[CREATED_BY] = run.user.clone().into();
    }
    match (expires, data.as_object_mut()) {
        (Some(expires), _) => data[EXPIRES] = expires.into(),
        (None, Some(data)) => drop(data.remove(EXPIRES)),
        (None, None) => {}
    }
    let mut runs = history(data);
    runs.push(Run { objects, ..run.clone() });
    write(data, runs);
    if step.action == Action::Unchanged {
        step.action = Action::Update;
    }
}

/// The inventory as it is `live`, with the result of a plan's run. `None` where that does not know the run, or says already how it
/// ended.
pub fn concluded(
    plan: &Plan,
    live: &Value,
    run: &str,
    result: &str,
    digest: Option<&str>,
) -> Option<(ObjectId, Value)> {
    let step = plan.steps.iter().find(|step| is_inventory(step))?;
    let mut inventory = step.desired.clone();
    inventory["data"] = live.get("data").cloned().unwrap_or_default();
    let data = &mut inventory["data"];
    let mut runs = history(data);
    let entry = runs.iter_mut().rev().find(|entry| entry.run == run && entry.result == STARTED)?;
    result.clone_into(&mut entry.result);
    entry.digest = digest.map(str::to_owned);
    write(data, runs);
    Some((step.id.clone(), inventory))
}

/// The runs that an inventory's data records, the oldest first. What cannot be read is left out: it is only history.
pub fn history(data: &Value) -> Vec<Run> {
    let text = data.get(HISTORY).and_then(Value::as_str).unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}

fn write(data: &mut Value, mut runs: Vec<Run>) {
    let old = runs.len().saturating_sub(KEPT);
    runs.drain(..old);
    data[HISTORY] = serde_json::to_string(&runs).unwrap_or_default().into();
}

fn is_inventory(step: &Step) -> bool {
    step.id.kind == Kind::ConfigMap && step.id.name == INVENTORY
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan() -> Plan {
        let step = |kind: Kind, name: &str, action| Step {
            id: ObjectId::new(kind, name),
            action,
            desired: json!({"data": {"env": "team1"}}),
            changes: Vec::new(),
            uid: None,
        };
        let steps = vec![
            step(Kind::ConfigMap, INVENTORY, Action::Unchanged),
            step(Kind::Service, "emulator", Action::Update),
            step(Kind::ServiceAccount, "emulator", Action::Unchanged),
        ];
        Plan { steps, writing: crate::level::Writing::Applied }
    }

    fn run(id: &str) -> Run {
        Run { run: id.to_owned(), user: "alice".to_owned(), result: STARTED.to_owned(), ..Run::default() }
    }

    #[test]
    fn a_run_is_recorded_with_its_result_and_only_the_last_ones_are_kept() {
        let mut plan = plan();
        for number in 0..KEPT + 5 {
            stamp(&mut plan, &run(&number.to_string()), None);
        }
        assert_eq!(plan.steps[0].action, Action::Update);
        let live = plan.steps[0].desired.clone();
        let (id, inventory) = concluded(&plan, &live, "24", "ready", Some("sha256:1")).unwrap();
        assert_eq!(id.name, INVENTORY);
        let runs = history(&inventory["data"]);
        assert_eq!((runs.len(), runs[0].run.as_str()), (KEPT, "5"));
        let last = runs.last().unwrap();
        assert_eq!((last.result.as_str(), last.digest.as_deref()), ("ready", Some("sha256:1")));
        assert_eq!(runs[KEPT - 2].result, STARTED);
        assert_eq!(concluded(&plan, &live, "another", "ready", None), None);
        assert_eq!(concluded(&plan, &json!({"data": {}}), "24", "ready", None), None, "it was not written");
        stamp(&mut plan, &Run { result: RECORDED.to_owned(), ..run("25") }, None);
        let live = plan.steps[0].desired.clone();
        assert_eq!(concluded(&plan, &live, "25", "ready", None), None, "its one write has said it all");
    }

    #[test]
    fn the_end_of_a_run_is_recorded_beside_what_another_one_recorded_meanwhile() {
        let mut long = plan();
        stamp(&mut long, &run("long"), Some("2026-11-28T12:00:00Z".to_owned()));
        let mut short = plan();
        keep(&mut short.steps[0].desired, &long.steps[0].desired);
        stamp(&mut short, &Run { result: RECORDED.to_owned(), ..run("short") }, None);
        let live = &short.steps[0].desired;
        let (_, inventory) = concluded(&long, live, "long", "is ready", None).unwrap();
        let results: Vec<String> = history(&inventory["data"]).into_iter().map(|run| run.result).collect();
        assert_eq!((results, inventory["data"].get(EXPIRES)), (vec!["is ready".into(), RECORDED.into()], None));
    }

    #[test]
    fn the_time_it_has_is_renewed_kept_and_taken_away() {
        let mut plan = plan();
        stamp(&mut plan, &run("1"), Some("2026-11-28T12:00:00Z".to_owned()));
        let live = plan.steps[0].desired.clone();
        assert_eq!(live["data"][EXPIRES], "2026-11-28T12:00:00Z");
        assert_eq!((&live["data"][CREATED_BY], history(&live["data"])[0].objects), (&json!("alice"), 1));
        let mut desired = json!({"data": {"env": "team1"}});
        keep(&mut desired, &live);
        assert_eq!(desired, live);
        stamp(&mut plan, &run("2"), None);
        assert_eq!(plan.steps[0].desired["data"].get(EXPIRES), None);
    }
}
