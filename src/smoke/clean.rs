//! Removes what killed runs left: everything named `lsdeploy-<run id>-...`, and nothing else. Does network IO.

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use serde::Serialize;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    options::{InputError, Options, Target},
    run::Run,
    shared::Shared,
    sweep::{self, Act, Found, Scope, Sweep},
};
use crate::finding::{Finding, code};

/// What a cleaning did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cleaned {
    /// What is gone.
    pub removed: Vec<Removed>,
    /// What is there still, or could not be looked for.
    pub failed: Vec<Failed>,
    /// Services in which nothing was looked for.
    pub unsearched: Vec<Unsearched>,
}

/// One thing that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Where it was.
    pub service: String,
    /// What it was: `queue`.
    pub kind: &'static str,
    /// How it was called.
    pub name: String,
}

/// Something that did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Where.
    pub service: String,
    /// What is there still; none where listing failed.
    pub name: Option<String>,
    /// Why.
    pub finding: Finding,
}

/// A service in which nothing was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsearched {
    /// Which.
    pub service: String,
    /// Why.
    pub reason: String,
}

/// Cleans every target. A run that goes on meanwhile loses what it has made.
///
/// # Errors
/// [`InputError`] before anything is sent, as in [`super::run`].
pub async fn clean(targets: &[Target], options: &Options) -> Result<Cleaned, InputError> {
    let shared = Arc::new(Shared::new(targets, options)?);
    let ends = Instant::now() + options.deadlines.whole;
    let mut cleaned = Cleaned::default();
    for turn in [Turn::First, Turn::Second, Turn::Last] {
        let group = targets.iter().filter(|target| turn_of(&target.service) == turn).cloned();
        let sweeps = group.map(|target| one(Arc::clone(&shared), target, ends));
        let mut finished = stream::iter(sweeps).buffer_unordered(options.concurrency.max(1));
        while let Some(part) = finished.next().await {
            cleaned.add(part);
        }
    }
    cleaned.removed.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
    cleaned.failed.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
    cleaned.unsearched.sort_by(|a, b| a.service.cmp(&b.service));
    Ok(cleaned)
}

/// When a service is swept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Stacks take with them what they made.
    First,
    Second,
    /// What others may still use.
    Last,
}

fn turn_of(service: &str) -> Turn {
    match service {
        "cloudformation" | "lambda" => Turn::First,
        "ec2" | "iam" | "sts" => Turn::Last,
        _ => Turn::Second,
    }
}

/// What a check that stopped in the middle may have made without knowing: removed by its name.
pub(super) async fn after(run: &Run) {
    let scope = Scope::Check(run.name());
    let mut sweep = Sweep::new(Arc::clone(&run.shared), run.url(), scope, Act::Remove);
    let swept = timeout(run.options().deadlines.connect, sweep.run(&run.target.service)).await;
    let all_gone = matches!(swept, Ok(Ok(()))) && sweep.found.iter().all(|found| found.fault.is_none());
    if !all_gone {
        run.options().stop.leave(&run.name());
    }
}

async fn one(shared: Arc<Shared>, target: Target, ends: Instant) -> Cleaned {
    let Target { service, url } = target;
    let mut cleaned = Cleaned::default();
    let unsearched = |reason: String| Unsearched { service: service.clone(), reason };
    if let Some(reason) = shared.limit(&service, "*") {
        cleaned.unsearched.push(unsearched(reason));
        return cleaned;
    }
    if sweep::of(&service).is_empty() {
        cleaned.unsearched.push(unsearched("nothing that its check makes can be listed by name".to_owned()));
        return cleaned;
    }
    let mut sweep = Sweep::new(Arc::clone(&shared), &url, Scope::Runs, Act::Remove);
    let swept = timeout_at(ends, sweep.run(&service)).await;
    match swept.unwrap_or_else(|_| Err(too_late(&shared))) {
        Ok(()) => {}
        // What the emulator does not have holds nothing.
        Err(finding) if [code::SERVICE_OFF, code::NOT_LICENSED, code::PART_NOT_INSTALLED].contains(&finding.code) => {
            cleaned.unsearched.push(unsearched(format!("the emulator does not have it ({})", finding.code)));
        }
        Err(finding) => cleaned.failed.push(Failed { service: service.clone(), name: None, finding }),
    }
    for Failed { finding, .. } in &mut cleaned.failed {
        finding.hint = shared.options.way.pasteable(&finding.hint);
    }
    for Found { kind, name, fault } in sweep.found {
        match fault {
            None => cleaned.removed.push(Removed { service: service.clone(), kind, name }),
            Some(finding) => cleaned.failed.push(Failed { service: service.clone(), name: Some(name), finding }),
        }
    }
    cleaned
}

fn too_late(shared: &Shared) -> Finding {
    let whole = shared.options.deadlines.whole;
    let hint = "give it more time with `--timeout`, or fewer services with `--service`";
    Finding {
        code: code::TIMED_OUT,
        message: format!("not done when the {whole:?} of the whole run were over"),
        hint: hint.to_owned(),
    }
}

impl Cleaned {
    /// Two sweeps may have met at the same thing.
    fn add(&mut self, part: Self) {
        for removed in part.removed {
            if !self.removed.iter().any(|known| (known.kind, &known.name) == (removed.kind, &removed.name)) {
                self.removed.push(removed);
            }
        }
        self.failed.extend(part.failed);
        self.unsearched.extend(part.unsearched);
    }
}
