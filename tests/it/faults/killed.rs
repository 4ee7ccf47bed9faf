//! The tool is killed at request k of `up` and of `down`, before and after the API server has carried the request out. Then
//! `up` converges, nothing of others was touched, and `down` leaves nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::proxy::{Fault, Proxy, When};
use crate::lab::Lab;

/// How many environments are killed at once.
const WORKERS: usize = 3;
/// The environment that must not notice anything.
const NEIGHBOUR: &str = "lockneighbour";
const FOREIGN: &str = "lockforeign";

pub(super) const SETTINGS: [&str; 4] = ["--emulator", "moto", "--services", "sqs"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Up,
    Down,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    verb: Verb,
    number: usize,
    fault: Fault,
}

/// What became of a case.
struct Row {
    case: Case,
    request: String,
    outcome: Result<(), String>,
}

/// Every k: run by `make sweep`.
#[test]
#[ignore = "takes half an hour: `make sweep` runs it"]
fn at_every_request() {
    sweep(1);
}

/// Some k, each time the same ones.
#[test]
fn at_some_requests() {
    sweep(13);
}

fn sweep(step: usize) {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&[NEIGHBOUR, "lockkill0", "lockkill1", "lockkill2"], &[FOREIGN]);
    let begin = Instant::now();
    populate(&lab);
    let (ups, downs) = lengths(&lab);
    let before = versions(&lab);
    let mut cases = cases(Verb::Up, ups, step);
    cases.extend(cases_of_down(downs, step));
    let total = cases.len();
    let (todo, rows) = (Mutex::new(cases), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (lab, todo, rows) = (&lab, &todo, &rows);
            scope.spawn(move || {
                let proxy = Proxy::start(lab);
                let env = format!("lockkill{worker}");
                while let Some(case) = { todo.lock().unwrap().pop() } {
                    let row = run(lab, &proxy, &env, case);
                    println!("{}", line(&row));
                    rows.lock().unwrap().push(row);
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap();
    let failed: Vec<String> = rows.iter().filter(|row| row.outcome.is_err()).map(line).collect();
    println!(
        "{total} kills: {ups} requests of `up` and {downs} of `down`, every {step}. one, before and after the API server; {} \
         converged, {} did not; {} s",
        rows.len() - failed.len(),
        failed.len(),
        begin.elapsed().as_secs()
    );
    assert_eq!(failed, [""; 0]);
    let after = versions(&lab);
    let touched: Vec<_> = before.iter().filter(|(name, version)| after.get(*name) != Some(version)).collect();
    println!("{} objects of others: {} touched", before.len(), touched.len());
    assert!(touched.is_empty() && before.len() > 20, "{touched:?}");
}

fn cases(verb: Verb, requests: usize, step: usize) -> Vec<Case> {
    let both = [Fault::SignalBefore(Signal::SIGKILL), Fault::KillAfter];
    let faults = |number: usize| {
        // A sample takes the two in turns.
        let chosen = if step == 1 { both.to_vec() } else { vec![both[number / step % 2]] };
        chosen.into_iter().map(move |fault| Case { verb, number, fault })
    };
    (1..=requests).step_by(step).flat_map(faults).collect()
}

fn cases_of_down(requests: usize, step: usize) -> Vec<Case> {
    cases(Verb::Down, requests, step)
}

/// How many requests `up` of a new environment sends, and its `down`.
fn lengths(lab: &Lab) -> (usize, usize) {
    let proxy = Proxy::start(lab);
    proxy.arm(None);
    let up = proxy.run(&up("lockkill0"));
    assert_eq!(up.code, 0, "{up:?}");
    let ups = proxy.seen().len();
    proxy.arm(None);
    let down = proxy.run(&["down", "--env", "lockkill0"]);
    assert_eq!(down.code, 0, "{down:?}");
    (ups, proxy.seen().len())
}

pub(super) fn up(env: &str) -> Vec<&str> {
    [&["up", "--env", env], SETTINGS.as_slice()].concat()
}

fn run(lab: &Lab, proxy: &Proxy, env: &str, case: Case) -> Row {
    let outcome = kill_and_mend(lab, proxy, env, case);
    let request = proxy.hit().pop().unwrap_or_else(|| "(it had ended)".to_owned());
    if outcome.is_err() {
        lab.lsdeploy(&["down", "--env", env]);
    }
    Row { case, request, outcome }
}

fn kill_and_mend(lab: &Lab, proxy: &Proxy, env: &str, case: Case) -> Result<(), String> {
    if case.verb == Verb::Down {
        must(lab, &[&up(env)[..], &["--no-smoke"]].concat())?;
    }
    proxy.arm(Some((When::Number(case.number), case.fault)));
    match case.verb {
        Verb::Up => proxy.run(&up(env)),
        Verb::Down => proxy.run(&["down", "--env", env]),
    };
    let again = lab.lsdeploy(&up(env));
    match again.code {
        0 => {}
        // The namespace was on its way out already: nothing can be made in it.
        2 if case.verb == Verb::Down && again.stderr.contains("is being deleted") => {
            must(lab, &["down", "--env", env])?;
            must(lab, &up(env))?;
        }
        _ => return Err(format!("the next `up`: {again:?}")),
    }
    must(lab, &["diff", "--env", env])?;
    must(lab, &["down", "--env", env])?;
    match lab.leftovers(env) + &lab.locks(env) {
        left if left.is_empty() => Ok(()),
        left => Err(format!("`down` left {left}")),
    }
}

fn must(lab: &Lab, arguments: &[&str]) -> Result<(), String> {
    match lab.lsdeploy(arguments) {
        ran if ran.code == 0 => Ok(()),
        ran => Err(format!("{arguments:?}: {ran:?}")),
    }
}

fn line(row: &Row) -> String {
    let Row { case, request, outcome } = row;
    let verb = if case.verb == Verb::Up { "up" } else { "down" };
    let when = if case.fault == Fault::KillAfter { "after" } else { "before" };
    let outcome = outcome.as_ref().map_or_else(|why| format!("FAILED: {why}"), |()| "converged".to_owned());
    format!("kill {verb:4} {:3} {when:6} {request:32} {outcome}", case.number)
}

/// A neighbour, and a namespace of somebody else with objects under our names.
fn populate(lab: &Lab) {
    let ran = lab.lsdeploy(&[&up(NEIGHBOUR)[..], &["--no-smoke"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    lab.try_kubectl(&["create", "namespace", FOREIGN], "");
    for object in [
        ["service", "clusterip", "emulator", "--tcp=80"].as_slice(),
        &["configmap", "lsdeploy-inventory"],
        &["serviceaccount", "emulator"],
        &["role", "lsdeploy-scc", "--verb=get", "--resource=pods"],
    ] {
        lab.try_kubectl(&[&["--namespace", FOREIGN, "create"], object].concat(), "");
    }
}

/// The versions of everything that is not the killed environments'. Other tests run beside this one: only what stays still
/// by itself is looked at.
fn versions(lab: &Lab) -> BTreeMap<String, String> {
    let kinds =
        "configmaps,secrets,serviceaccounts,roles,rolebindings,services,routes,deployments,persistentvolumeclaims";
    let mut versions = BTreeMap::new();
    let mut add = |arguments: &[&str]| {
        let list: Value = serde_json::from_str(&lab.kubectl(arguments)).unwrap();
        let items = list["items"].as_array().cloned().unwrap_or_else(|| vec![list]);
        for object in items {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let env = text("/metadata/labels/app.kubernetes.io~1instance");
            if text("/metadata/labels/app.kubernetes.io~1managed-by") == "lsdeploy" && env != NEIGHBOUR {
                continue;
            }
            let name = format!("{} {}/{}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
            versions.insert(name, text("/metadata/resourceVersion").to_owned());
        }
    };
    add(&["get", "securitycontextconstraints", "--output", "json"]);
    add(&["get", "namespace", FOREIGN, "--output", "json"]);
    for namespace in [FOREIGN.to_owned(), format!("localstack-{NEIGHBOUR}")] {
        add(&["get", kinds, "--namespace", &namespace, "--output", "json"]);
    }
    versions
}
