//! Do environments see each other's data? Each writes, and all others look. Does network IO.
//!
//! A check runs as ever; before it takes back what it made, its sweep lists through its own environment, which must
//! show it (else the listing proves nothing), and through every other one, which must not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use tokio::time::timeout;

use super::{
    check,
    diagnose::Failure,
    options::{InputError, Options, Target},
    result::{Operation, ServiceResult, Tally, millis},
    run::{Run, mismatch},
    shared::Shared,
    sweep::{Act, Found, Scope, Sweep},
};
use crate::finding::{Finding, Phase, code};

/// One environment of the comparison.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The environment.
    pub name: String,
    /// Its services.
    pub targets: Vec<Target>,
    /// The way to it.
    pub options: Options,
}

/// An environment that looks for what another one made.
#[derive(Clone)]
pub(super) struct Witness {
    /// Who made it.
    pub(super) maker: String,
    /// Who looks.
    pub(super) name: String,
    pub(super) shared: Arc<Shared>,
}

/// Compares every environment with every other, in both directions; results stand in the order of the tenants.
///
/// # Errors
/// [`InputError`] before anything is sent, as in [`super::run`].
pub async fn isolation(
    tenants: &[Tenant],
    mut on_result: impl FnMut(&str, &ServiceResult, Tally),
) -> Result<Vec<Vec<ServiceResult>>, InputError> {
    let all = tenants.iter().zip('a'..='z').map(|(tenant, letter)| {
        let mut options = tenant.options.clone();
        // What two environments make at the same time must not have the same name.
        options.run_id.truncate(15);
        options.run_id.push(letter);
        Ok(Arc::new(Shared::new(&tenant.targets, &options)?))
    });
    let all: Vec<Arc<Shared>> = all.collect::<Result<_, InputError>>()?;
    let running: Vec<_> = all.iter().map(|shared| shared.options.stop.begin()).collect();
    let whole = tenants.iter().map(|tenant| tenant.options.deadlines.whole).max().unwrap_or(Duration::ZERO);
    let ends = tokio::time::Instant::now() + whole;
    let checks = tenants.iter().zip(&all).enumerate().flat_map(|(place, (tenant, shared))| {
        let others = tenants.iter().zip(&all).filter(move |(other, _)| other.name != tenant.name);
        let witnesses: Vec<_> = others
            .map(|(other, shared)| Witness {
                maker: tenant.name.clone(),
                name: other.name.clone(),
                shared: Arc::clone(shared),
            })
            .collect();
        tenant.targets.iter().cloned().enumerate().map(move |(order, target)| {
            let (shared, witnesses) = (Arc::clone(shared), witnesses.clone());
            async move { (place, order, check(shared, target, ends, &witnesses).await) }
        })
    });
    let concurrency = tenants.iter().map(|tenant| tenant.options.concurrency).max().unwrap_or(1).max(1);
    let total = tenants.iter().map(|tenant| tenant.targets.len()).sum();
    let mut finished = stream::iter(checks.collect::<Vec<_>>()).buffer_unordered(concurrency);
    let mut results = Vec::with_capacity(total);
    while let Some((place, order, result)) = finished.next().await {
        if let Some(tenant) = tenants.get(place) {
            on_result(&tenant.name, &result, Tally { done: results.len() + 1, total });
        }
        results.push((place, order, result));
    }
    for shared in &all {
        if let Some(Some(marker)) = shared.marker.get() {
            marker.remove(shared).await;
        }
    }
    drop(running);
    results.sort_by_key(|(place, order, _)| (*place, *order));
    let of = |tenant: usize| results.iter().filter(move |(place, ..)| *place == tenant);
    Ok((0..tenants.len()).map(|tenant| of(tenant).map(|(.., result)| result.clone()).collect()).collect())
}

/// Looks for what a check made, through its own environment and through all others.
pub(super) async fn look(run: &mut Run, witnesses: &[Witness]) -> Result<(), Failure> {
    if witnesses.is_empty() {
        return Ok(());
    }
    let service = run.target.service.clone();
    let (shared, url) = (Arc::clone(&run.shared), run.url().to_owned());
    let own = listing(run, "look_through_own".to_owned(), (shared, &url), |found| !found.is_empty()).await?;
    if own.is_empty() {
        return Err(mismatch(format!(
            "what was made through {url} does not show there when listed: nothing is proved"
        )));
    }
    for Witness { maker, name, shared } in witnesses {
        let operation = format!("look_through_{name}");
        let Some(target) = shared.targets.iter().find(|target| target.service == service) else {
            let skipped = Some(format!("{name} has no {service}"));
            run.add(Operation { name: operation, ms: 0, ok: false, skipped });
            continue;
        };
        let seen = listing(run, operation, (Arc::clone(shared), &target.url), <[Found]>::is_empty).await?;
        if let Some(first) = seen.first() {
            return Err(Failure::new(
                Phase::Data,
                code::NOT_ISOLATED,
                format!(
                    "`{}` ({}), made in {maker} through {url}, is seen in {name} through {}",
                    first.name, first.kind, target.url
                ),
                "both lead to one emulator: `lsdeploy status` shows who has the hosts of the Routes, and where their names lead",
            ));
        }
    }
    Ok(())
}

async fn listing(
    run: &mut Run,
    operation: String,
    (shared, url): (Arc<Shared>, &str),
    is_right: impl Fn(&[Found]) -> bool,
) -> Result<Vec<Found>, Failure> {
    let started = Instant::now();
    let patience = shared.options.deadlines.operation;
    let scope = Scope::Run(run.options().run_id.clone());
    let mut sweep = Sweep::new(shared, url, scope, Act::Look);
    let listed = timeout(patience, sweep.run(&run.target.service)).await.unwrap_or_else(|_| {
        let (message, hint) = (format!("`{operation}` was not done within {patience:?}"), "run it again".to_owned());
        Err(Finding { code: code::TIMED_OUT, message, hint })
    });
    let ok = listed.is_ok() && is_right(&sweep.found);
    run.add(Operation { name: operation, ms: millis(started), ok, skipped: None });
    listed.map(|()| sweep.found).map_err(|finding| Failure { phase: Phase::Api, finding })
}
