//! One request of each kind (method and resource) of `up` and `down` is cut, delayed or refused, in each way that an API server
//! or a network knows.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::killed::up;
use super::proxy::{Fault, Proxy, When, distinct};
use crate::lab::{Lab, Ran};

const WORKERS: usize = 3;

const FAULTS: [(&str, Fault); 8] = [
    ("cut before", Fault::CutBefore),
    ("cut after", Fault::CutAfter),
    ("delayed 3 s", Fault::Delay(Duration::from_secs(3))),
    ("409", Fault::Answer(409, None)),
    ("429, come again in 1 s", Fault::Answer(429, Some(1))),
    ("500", Fault::Answer(500, None)),
    ("503", Fault::Answer(503, None)),
    ("401", Fault::Answer(401, None)),
];

/// All of them: run by `make sweep`.
#[test]
#[ignore = "takes half an hour: `make sweep` runs it"]
fn every_kind_in_every_way() {
    sweep(1);
}

#[test]
fn some_kinds_in_some_ways() {
    sweep(31);
}

fn sweep(step: usize) {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockkind0", "lockkind1", "lockkind2"], &[]);
    let begin = Instant::now();
    let kinds = kinds(&lab);
    let all =
        kinds.iter().flat_map(|kind| ways(kind).into_iter().map(move |(name, fault)| (kind.clone(), name, fault)));
    let cases: Vec<_> = all.step_by(step).collect();
    let (total, todo, failed) = (cases.len(), Mutex::new(cases), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (lab, todo, failed) = (&lab, &todo, &failed);
            scope.spawn(move || {
                let proxy = Proxy::start(lab);
                let env = format!("lockkind{worker}");
                while let Some((kind, name, fault)) = { todo.lock().unwrap().pop() } {
                    let outcome = fail_and_mend(lab, &proxy, &env, &kind, fault);
                    let text = outcome.clone().unwrap_or_else(|why| format!("FAILED: {why}"));
                    println!("{kind:36} {name:24} {text}");
                    if let Err(why) = outcome {
                        lab.lsdeploy(&["down", "--env", &env]);
                        failed.lock().unwrap().push(format!("{kind} {name}: {why}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!(
        "{total} faults, {} kinds of requests: {} not mended; {} s",
        kinds.len(),
        failed.len(),
        begin.elapsed().as_secs()
    );
    assert_eq!(failed, [""; 0]);
}

/// Watches also end with `410 Gone`.
fn ways(kind: &str) -> Vec<(&'static str, Fault)> {
    let mut ways = FAULTS.to_vec();
    if kind.starts_with("WATCH") {
        ways.push(("410", Fault::Gone));
    }
    ways
}

/// The kinds of requests of a whole life.
fn kinds(lab: &Lab) -> Vec<String> {
    let proxy = Proxy::start(lab);
    let mut seen = Vec::new();
    for (_, arguments) in life("lockkind0") {
        proxy.arm(None);
        let ran = proxy.run(&arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        seen.extend(proxy.seen());
    }
    distinct(&seen)
}

/// The second `up` looks at what the first one made.
fn life(env: &str) -> [(&'static str, Vec<&str>); 3] {
    [("up", up(env)), ("up again", up(env)), ("down", vec!["down", "--env", env])]
}

/// The whole life with one request of that kind failing in each of its runs. What is worth another try is mended by the
/// same run; anything else ends with an error that says what to do, and the next run mends it.
fn fail_and_mend(lab: &Lab, proxy: &Proxy, env: &str, kind: &str, fault: Fault) -> Result<String, String> {
    let mut told = Vec::new();
    for (verb, arguments) in life(env) {
        proxy.arm(Some((When::Kind(kind.to_owned(), 1), fault)));
        let ran = proxy.run(&arguments);
        let hit = !proxy.hit().is_empty();
        match (ran.code, hit) {
            (0, true) => told.push(format!("{verb}: went on")),
            (0, false) => {}
            (1 | 2, true) if !must_go_on(fault) && is_explained(&ran) => {
                told.push(format!("{verb}: said so"));
                let again = lab.lsdeploy(&arguments);
                if again.code != 0 {
                    return Err(format!("the next `{verb}`: {again:?}"));
                }
            }
            _ => return Err(format!("{verb}: {ran:?}")),
        }
    }
    match lab.leftovers(env) + &lab.locks(env) {
        left if left.is_empty() => Ok(told.join(", ")),
        left => Err(format!("`down` left {left}")),
    }
}

/// Another try is safe and helps.
fn must_go_on(fault: Fault) -> bool {
    !matches!(fault, Fault::Answer(401 | 409, _))
}

fn is_explained(ran: &Ran) -> bool {
    ran.stderr.contains("error:") && ran.stderr.contains("hint:")
}
