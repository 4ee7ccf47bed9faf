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
mod clients;
mod clocks;
mod connector;
mod diagnose;
mod dial;
mod options;
mod parts;
mod registry;
mod result;
mod run;
mod shared;
mod transport;
mod trust;
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

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

pub use self::{
    options::{Companions, Deadlines, InputError, Limit, Options, Target, check_no_real_aws},
    result::{Operation, ServiceResult, Status, Summary, Tally},
    trust::{check_router, trusts},
};
use self::{registry::Check, run::Run, shared::Shared};

/// Checks all targets at the same time, up to `options.concurrency`.
///
/// `on_result` sees each result as it comes, and how many there are by then; the returned results stand in the order of the targets. Must run in a
/// tokio runtime with IO and time. What a check creates is deleted again, also after a failure; a run that is
/// dropped half-way leaves things named `lsdeploy-<run id>-...` behind.
///
/// # Errors
/// [`InputError`] before anything is sent: a real AWS key or host, or options that cannot work.
pub async fn run(
    targets: &[Target],
    options: &Options,
    mut on_result: impl FnMut(&ServiceResult, Tally),
) -> Result<Vec<ServiceResult>, InputError> {
    let shared = Arc::new(Shared::new(targets, options)?);
    let ends = Instant::now() + options.deadlines.whole;
    let checks = targets.iter().cloned().enumerate().map(|(place, target)| {
        let shared = Arc::clone(&shared);
        async move { (place, check(shared, target, ends).await) }
    });
    let mut finished = stream::iter(checks).buffer_unordered(options.concurrency.max(1));
    let mut results = Vec::with_capacity(targets.len());
    while let Some((place, result)) = finished.next().await {
        on_result(&result, Tally { done: results.len() + 1, total: targets.len() });
        results.push((place, result));
    }
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

async fn check(shared: Arc<Shared>, target: Target, ends: Instant) -> ServiceResult {
    if let Some(reason) = shared.limit(&target.service, "*") {
        return ServiceResult::skipped(target, reason);
    }
    let Some(Check { steps, .. }) = registry::find(&target.service) else {
        let reason = format!("lsdeploy has no check for `{}`", target.service);
        return ServiceResult::skipped(target, reason);
    };
    let mut run = Run::new(shared, target);
    let outcome = match timeout_at(ends, steps(&mut run)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(run.timed_out()),
    };
    let cleaned = run.clean_up().await;
    run.finish(outcome.and(cleaned))
}
