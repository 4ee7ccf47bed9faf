//! Waits until an environment serves, and says what keeps it from it. Reads what the supervisor writes.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, interval};

use super::health;
use super::init::Init;
use super::launch::{self, Emulator, Launch, Program};
use super::life::{Life, Stage};
use super::state::Home;
use crate::error::Result;
use crate::finding::Finding;
use crate::printable::colourless;

/// How many lines of a log stand for it.
const LINES: usize = 12;

/// So much of a log's end is looked at, in bytes.
const END: i64 = 16 * 1024;

/// What keeps an environment from serving, with the words of its log.
pub type Stuck = (Finding, Vec<String>);

/// Waits until requests reach the emulator through the router.
pub async fn until_ready(home: &Home, patience: Duration) -> Result<std::result::Result<Life, Stuck>> {
    let began = Instant::now();
    let mut looks = interval(Duration::from_millis(50));
    loop {
        looks.tick().await;
        let Some((launch, life)) = launch::running(home)? else { return Ok(Err(stopped(home)?)) };
        let why = match &life.stage {
            Stage::Ready => match answers(&launch).await {
                Ok(()) => return Ok(Ok(life)),
                Err(why) => why,
            },
            Stage::CrashLoop => return Ok(Err(crash_loop(home, &life))),
            Stage::InitFailed(why) => return Ok(Err(init_failed(home, why))),
            Stage::Filling => "the scripts of --init still run".to_owned(),
            Stage::Starting | Stage::Failed(_) => "the emulator does not answer yet".to_owned(),
        };
        if began.elapsed() > patience {
            return Ok(Err(match (&life.stage, &launch.emulator) {
                (Stage::Filling, Emulator::Managed(Program { init: Some(init), .. })) => {
                    init_hangs(home, init, patience)
                }
                _ => timed_out(home, &launch, &why, patience),
            }));
        }
    }
}

/// Whether a request gets through the router to the emulator. One that is not ours is asked itself, too: the router has
/// seen it at its start only.
async fn answers(launch: &Launch) -> std::result::Result<(), String> {
    if let Emulator::Given(address) = &launch.emulator {
        health::check(address, &launch.health).await?;
    }
    health::check(&format!("127.0.0.1:{}", launch.port), &launch.health).await
}

/// The supervisor is not there.
fn stopped(home: &Home) -> Result<Stuck> {
    let said = home.last_words()?.is_some();
    let why =
        if said { "its supervisor was ended from outside" } else { "it was stopped, or this machine was restarted" };
    let orphans: Vec<String> = launch::orphans(home).iter().map(|process| process.pid.to_string()).collect();
    let left = if orphans.is_empty() {
        String::new()
    } else {
        format!("; of its processes {} are left, which `up` and `down` end", orphans.join(", "))
    };
    Ok((
        Finding {
            code: "not-running",
            message: format!("nothing of it runs: {why}{left}"),
            hint: format!("`lsdeploy up --env {} --target local` starts it again, on the same port", home.env),
        },
        if said { last_lines(&home.supervisor_log()) } else { Vec::new() },
    ))
}

fn crash_loop(home: &Home, life: &Life) -> Stuck {
    let last = life.last_end.as_deref().unwrap_or("it is not known how");
    (
        Finding {
            code: "crash-loop",
            message: format!("the emulator ends again and again, the last time with: {last}"),
            hint: format!(
                "`lsdeploy logs --env {} --target local` shows all of its log; it is started again and again",
                home.env
            ),
        },
        last_lines(&home.emulator_log()),
    )
}

fn init_failed(home: &Home, why: &str) -> Stuck {
    let env = &home.env;
    (
        Finding {
            code: "init-failed",
            message: format!("a script of --init failed: {why}"),
            hint: format!(
                "mend it and give `--init` again: the emulator starts anew then; `lsdeploy logs --env {env} --target local \
                 --init` shows all that the scripts said"
            ),
        },
        last_lines(&home.init_log()),
    )
}

fn init_hangs(home: &Home, init: &Init, patience: Duration) -> Stuck {
    let env = &home.env;
    let script = init.current(home).map_or_else(|| "the scripts".to_owned(), |name| format!("the script {name}"));
    (
        Finding {
            code: "timed-out",
            message: format!("after {patience:?} {script} of --init still runs"),
            hint: format!(
                "`lsdeploy logs --env {env} --target local --init` shows all that was said; mend it and give `--init` again, \
                 or give it a longer `--timeout`"
            ),
        },
        last_lines(&home.init_log()),
    )
}

fn timed_out(home: &Home, launch: &Launch, why: &str, patience: Duration) -> Stuck {
    let (hint, log) = match &launch.emulator {
        Emulator::Managed(_) => (
            format!("a longer `--timeout`; `lsdeploy logs --env {} --target local` shows what it is at", home.env),
            last_lines(&home.emulator_log()),
        ),
        Emulator::Given(address) => (format!("start the emulator at {address}, or name another one"), Vec::new()),
    };
    (Finding { code: "timed-out", message: format!("after {patience:?} {why}"), hint }, log)
}

/// The last lines of a log.
pub fn last_lines(path: &Path) -> Vec<String> {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = i64::try_from(file.metadata()?.len()).unwrap_or(i64::MAX);
        file.seek(SeekFrom::End(-length.min(END)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(|line| colourless(line)).collect()
}
