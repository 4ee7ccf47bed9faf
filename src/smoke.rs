//! Checks of every emulated service, each through its own endpoint, with that service's AWS SDK. Does network IO.
//!
//! Takes targets and options, gives one result per target. A service that does not work is data, not an `Err`.
//! Nothing is printed, no environment variable or AWS configuration file is read, and real AWS is never contacted.
//!
//! ```text
//! targets, options -> shared -> run (one per service) -> a check's steps -> cause -> diagnose -> result
//!                                 `- SDK client -> connector -> dial
//! ```
//!
//! To add a service: `docs/add-a-check.md`.

mod cause;
mod certificate;
mod clean;
mod clients;
mod clocks;
mod connector;
mod diagnose;
mod dial;
mod evidence;
mod isolation;
mod marker;
mod options;
mod parts;
mod proxy;
mod registry;
mod result;
mod run;
mod shared;
mod stop;
mod sweep;
mod transport;
mod trust;
mod tunnel;
mod verify;
mod zip;

mod acm;
mod apigateway;
mod cloudformation;
mod cloudwatch;
mod config;
mod dynamodb;
mod dynamodbstreams;
mod ec2;
mod es;
mod events;
mod firehose;
mod iam;
mod kinesis;
mod kms;
mod lambda;
mod logs;
mod opensearch;
mod redshift;
mod resource_groups;
mod resourcegroupstaggingapi;
mod route53;
mod route53resolver;
mod s3;
mod s3control;
mod scheduler;
mod secretsmanager;
mod ses;
mod sns;
mod sqs;
mod ssm;
mod stepfunctions;
mod sts;
mod support;
mod swf;
mod transcribe;
mod web;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

pub use self::{
    clean::{Cleaned, Failed, Removed, Unsearched, clean},
    isolation::{Tenant, isolation},
    options::{Companions, Deadlines, InputError, Limit, Options, Target, check_no_real_aws, proxy_note},
    proxy::Proxies,
    result::{Operation, ServiceResult, Status, Summary, Tally},
    stop::Stop,
    trust::{check_router, trusts},
};
use self::{diagnose::Failure, isolation::Witness, registry::Check, run::Run, shared::Shared};
use crate::finding::{Phase, code};

/// How long a step in progress may go on after the run was asked to stop.
const LAST_STEP: Duration = Duration::from_millis(1500);

/// Checks all targets at the same time, up to `options.concurrency`.
///
/// `on_result` sees each result as it comes, and how many there are by then; the returned results stand in the order of the targets. Must run in a
/// tokio runtime with IO and time. What a check creates is deleted again, also after a failure and after
/// [`Stop::ask`]; a run that is dropped half-way leaves things named `lsdeploy-<run id>-...` behind, for [`clean`].
///
/// # Errors
/// [`InputError`] before anything is sent: a real AWS key or host, or options that cannot work.
pub async fn run(
    targets: &[Target],
    options: &Options,
    mut on_result: impl FnMut(&ServiceResult, Tally),
) -> Result<Vec<ServiceResult>, InputError> {
    let shared = Arc::new(Shared::new(targets, options)?);
    let running = options.stop.begin();
    let ends = Instant::now() + options.deadlines.whole;
    let checks = targets.iter().cloned().enumerate().map(|(place, target)| {
        let shared = Arc::clone(&shared);
        async move { (place, check(shared, target, ends, &[]).await) }
    });
    let mut finished = stream::iter(checks).buffer_unordered(options.concurrency.max(1));
    let mut results = Vec::with_capacity(targets.len());
    while let Some((place, result)) = finished.next().await {
        on_result(&result, Tally { done: results.len() + 1, total: targets.len() });
        results.push((place, result));
    }
    if let Some(Some(marker)) = shared.marker.get() {
        marker.remove(&shared).await;
    }
    drop(running);
    results.sort_by_key(|(place, _)| *place);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Names of the services that have a check, in alphabetical order.
pub fn services() -> impl Iterator<Item = &'static str> {
    registry::CHECKS.iter().map(|check| check.service)
}

/// Whether a service has a check.
pub fn has_check(service: &str) -> bool {
    registry::find(service).is_some()
}

async fn check(shared: Arc<Shared>, target: Target, ends: Instant, witnesses: &[Witness]) -> ServiceResult {
    if let Some(reason) = shared.limit(&target.service, "*") {
        return ServiceResult::skipped(target, reason);
    }
    let Some(Check { steps, .. }) = registry::find(&target.service) else {
        let reason = format!("lsdeploy has no check for `{}`", target.service);
        return ServiceResult::skipped(target, reason);
    };
    if shared.options.stop.is_asked() {
        return ServiceResult::skipped(target, "the run was stopped before".to_owned());
    }
    if !witnesses.is_empty() && sweep::of(&target.service).is_empty() {
        return ServiceResult::skipped(target, "nothing that its check makes can be listed by name".to_owned());
    }
    let stop = shared.options.stop.clone();
    let mut run = Run::new(shared, target);
    if Instant::now() >= ends {
        let late = run.timed_out();
        return run.finish(Err(late));
    }
    let outcome = tokio::select! {
        outcome = timeout_at(ends, through(&mut run, *steps, witnesses)) => outcome.map_err(|_| Run::timed_out as Ending),
        () = out_of_patience(&stop) => Err(Run::cut as Ending),
    };
    let outcome = outcome.unwrap_or_else(|ending| Err(ending(&mut run)));
    let cleaned = run.clean_up().await;
    if outcome.as_ref().is_err_and(is_in_the_dark) {
        clean::after(&run).await;
    }
    run.finish(outcome.and(cleaned))
}

/// Why a check ended in the middle of a step.
type Ending = fn(&mut Run) -> Failure;

/// The steps, and what is asked once they are through or have failed.
async fn through(run: &mut Run, steps: registry::Steps, witnesses: &[Witness]) -> Result<(), Failure> {
    match steps(run).await {
        Ok(()) => {
            marker::same_environment(run).await?;
            isolation::look(run, witnesses).await
        }
        Err(failure) => Err(evidence::look_closer(run, failure).await),
    }
}

/// A step that was sent and whose answer is not known may have made something.
fn is_in_the_dark(failure: &Failure) -> bool {
    let unknown = [code::TIMED_OUT, code::CONNECTION_LOST, code::INTERRUPTED];
    failure.phase >= Phase::Api && unknown.contains(&failure.finding.code)
}

#[expect(clippy::disallowed_methods, reason = "this is a deadline")]
async fn out_of_patience(stop: &Stop) {
    stop.asked().await;
    tokio::time::sleep(LAST_STEP).await;
}
