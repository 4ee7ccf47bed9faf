//! Results for programs: a frozen shape (`lsdeploy/v1`). Keys may be added, none renamed.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::preflight::{self, Asked};
use super::{EnvReport, ListedLocal, Machine, Removed, Run};
use crate::cluster::inventory::Inventory;
use crate::error::CommandError;
use crate::exit::ExitStatus;
use crate::manifest::ObjectId;
use crate::rights::Preflight;
use crate::smoke::{Cleaned, ServiceResult, Summary};

pub(super) const SCHEMA: &str = "lsdeploy/v1";

#[derive(Serialize)]
struct Environment<'a> {
    schema: &'static str,
    env: &'a str,
    run_id: &'a str,
    status: &'static str,
    namespace: Option<&'a str>,
    local: Option<Local<'a>>,
    emulator: &'a str,
    image: Option<&'a str>,
    digest: Option<&'a str>,
    scc: Option<&'a str>,
    owner: Option<&'a str>,
    access: Option<Access<'a>>,
    endpoints: Vec<Endpoint<'a>>,
    objects: Vec<Object<'a>>,
    phases: Vec<Phase>,
    smoke: Option<Smoke<'a>>,
    finding: Option<Stuck<'a>>,
    error: Option<Failure<'a>>,
    notes: &'a [String],
    preflight: Vec<Asked<'a>>,
}

#[derive(Serialize)]
struct Access<'a> {
    open: bool,
    allow_from: &'a [String],
    route_labels: &'a BTreeMap<String, String>,
    router: &'a str,
    summary: String,
}

#[derive(Serialize)]
struct Local<'a> {
    url: String,
    port: u16,
    emulator: &'a str,
    supervisor_pid: Option<u32>,
    emulator_pid: Option<u32>,
    restarts: u32,
    log: Option<String>,
}

#[derive(Serialize)]
struct Endpoint<'a> {
    service: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct Object<'a> {
    kind: &'static str,
    name: &'a str,
    action: &'static str,
}

#[derive(Serialize)]
struct Phase {
    name: &'static str,
    ms: u128,
}

#[derive(Serialize)]
struct Smoke<'a> {
    schema: &'static str,
    env: &'a str,
    passed: usize,
    failed: usize,
    skipped: usize,
    results: &'a [ServiceResult],
}

#[derive(Serialize)]
struct Stuck<'a> {
    code: &'static str,
    message: &'a str,
    hint: &'a str,
    evidence: &'a [String],
}

#[derive(Serialize)]
struct Failure<'a> {
    message: &'a str,
    hints: &'a [String],
}

#[derive(Serialize)]
struct Refusal<'a> {
    schema: &'static str,
    status: &'static str,
    error: Failure<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preflight: Option<Vec<Asked<'a>>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    env: &'a str,
    namespace: Option<&'a str>,
    emulator: &'a str,
    created: Option<&'a str>,
    created_by: Option<&'a str>,
    owner: Option<&'a str>,
    expires_at: Option<&'a str>,
    url: Option<&'a str>,
    state: Option<&'a str>,
}

/// One environment as an object, several as an object with an array `envs`.
pub fn environments(reports: &[EnvReport]) -> String {
    match reports {
        [one] => write(&of(one)),
        many => write(&serde_json::json!({"schema": SCHEMA, "envs": many.iter().map(of).collect::<Vec<_>>()})),
    }
}

/// A command that could not do its job.
pub fn error(error: &CommandError) -> String {
    write(&Refusal {
        schema: SCHEMA,
        status: "error",
        error: failure(error),
        preflight: error.preflight.is_some().then(|| asked(error.preflight.as_deref())),
    })
}

/// The checks alone, for `smoke`.
pub fn smoke(env: &str, results: &[ServiceResult]) -> String {
    write(&smoke_of(env, results))
}

/// A whole run: what `--output json` prints, and where the run ended early, why.
pub fn report(run: &Run<'_>) -> String {
    match (run.error, run.reports) {
        (Some(error), _) => self::error(error),
        (None, [one]) if run.command == "smoke" && one.smoke.is_some() => {
            smoke(&one.env, one.smoke.as_deref().unwrap_or_default())
        }
        (None, reports) => environments(reports),
    }
}

/// The checks of several environments, for `smoke --isolation`.
pub fn isolation(envs: &[(&str, &Vec<ServiceResult>)]) -> String {
    let envs: Vec<_> = envs.iter().map(|(env, results)| smoke_of(env, results)).collect();
    write(&serde_json::json!({"schema": SCHEMA, "envs": envs}))
}

/// What `smoke --clean` did: one environment as an object, several as an object with an array `envs`.
pub fn cleaned(envs: &[(String, Cleaned)]) -> String {
    let of = |(env, cleaned): &(String, Cleaned)| {
        serde_json::json!({"schema": SCHEMA, "env": env, "removed": cleaned.removed, "failed": cleaned.failed,
            "unsearched": cleaned.unsearched})
    };
    match envs {
        [one] => write(&of(one)),
        many => write(&serde_json::json!({"schema": SCHEMA, "envs": many.iter().map(of).collect::<Vec<_>>()})),
    }
}

/// The list of environments.
pub fn list(inventories: &[Inventory]) -> String {
    let envs: Vec<Listed<'_>> = inventories
        .iter()
        .map(|inventory| Listed {
            env: &inventory.env,
            namespace: Some(&inventory.namespace),
            emulator: inventory.choices.emulator(),
            created: inventory.created.as_deref(),
            created_by: inventory.created_by.as_deref(),
            owner: inventory.choices.owner.as_deref().filter(|owner| *owner != "none"),
            expires_at: inventory.expires.as_deref(),
            url: None,
            state: None,
        })
        .collect();
    write(&serde_json::json!({"schema": SCHEMA, "envs": envs}))
}

/// The list of environments of this machine.
pub fn local_list(found: &[ListedLocal]) -> String {
    let one = |one: &'_ ListedLocal| {
        serde_json::to_value(Listed {
            env: &one.env,
            namespace: None,
            emulator: &one.emulator,
            created: Some(&one.created),
            created_by: None,
            owner: None,
            expires_at: None,
            url: Some(&one.url),
            state: Some(one.state),
        })
    };
    let envs: Vec<Value> = found.iter().filter_map(|listed| one(listed).ok()).collect();
    write(&serde_json::json!({"schema": SCHEMA, "envs": envs}))
}

/// Environments that are gone.
pub(super) fn removed(removed: &[Removed]) -> String {
    let named = |ids: &[ObjectId]| {
        ids.iter().map(|id| serde_json::json!({"kind": id.kind.name(), "name": id.name})).collect::<Vec<_>>()
    };
    let envs = removed.iter().map(|Removed { env, namespace, deleted, left, unseen, .. }| {
        serde_json::json!({"env": env, "namespace": namespace, "deleted": deleted, "left": named(left),
            "unseen": named(unseen)})
    });
    write(&serde_json::json!({"schema": SCHEMA, "envs": envs.collect::<Vec<_>>()}))
}

fn of(report: &EnvReport) -> Environment<'_> {
    Environment {
        schema: SCHEMA,
        env: &report.env,
        run_id: &report.run_id,
        status: match report.status {
            ExitStatus::Success => "ok",
            ExitStatus::Failure => "failed",
            _ => "error",
        },
        namespace: report.namespace.as_deref(),
        local: report.machine.as_ref().map(local),
        emulator: &report.emulator,
        image: report.image.as_deref(),
        digest: report.digest.as_deref(),
        scc: report.scc.as_deref(),
        owner: report.owner.as_deref(),
        access: report.access.as_ref().map(|access| Access {
            open: access.allow_from.is_empty(),
            allow_from: &access.allow_from,
            route_labels: &access.route_labels,
            router: &access.router,
            summary: super::run::access(access),
        }),
        endpoints: report.endpoints.iter().map(|e| Endpoint { service: &e.service, url: &e.url }).collect(),
        objects: report
            .objects
            .iter()
            .map(|(id, action)| Object { kind: id.kind.name(), name: &id.name, action })
            .chain(report.machine.iter().map(|one| Object { kind: "Process", name: &report.env, action: one.action }))
            .collect(),
        phases: report.phases.done.iter().map(|(name, took)| Phase { name, ms: took.as_millis() }).collect(),
        smoke: report.smoke.as_deref().map(|results| smoke_of(&report.env, results)),
        finding: report.stuck.as_ref().map(|(finding, evidence)| Stuck {
            code: finding.code,
            message: &finding.message,
            hint: &finding.hint,
            evidence,
        }),
        error: report.error.as_ref().map(failure),
        notes: &report.notes,
        preflight: asked(report.preflight.as_ref().or_else(|| report.error.as_ref()?.preflight.as_deref())),
    }
}

fn asked(preflight: Option<&Preflight>) -> Vec<Asked<'_>> {
    preflight.map(preflight::json).unwrap_or_default()
}

fn failure(error: &CommandError) -> Failure<'_> {
    Failure { message: &error.message, hints: &error.hints }
}

fn local(machine: &Machine) -> Local<'_> {
    Local {
        url: format!("http://localhost:{}", machine.port),
        port: machine.port,
        emulator: &machine.emulator,
        supervisor_pid: machine.supervisor,
        emulator_pid: machine.process,
        restarts: machine.restarts,
        log: machine.log.as_ref().map(|log| log.display().to_string()),
    }
}

fn smoke_of<'a>(env: &'a str, results: &'a [ServiceResult]) -> Smoke<'a> {
    let Summary { passed, failed, skipped } = Summary::of(results);
    Smoke { schema: SCHEMA, env, passed, failed, skipped, results }
}

pub(super) fn write<T: Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    format!("{value:#}\n")
}
