//! What is to run for an environment, and its start. Writes files, starts the supervisor.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::process::Command;
use tokio::time::{Instant, interval};

use super::files::{cannot, replace};
use super::init::Init;
use super::life::{Life, Stage};
use super::processes::{MARK, Process};
use super::state::Home;
use crate::emulator::Local;
use crate::environment::Environment;
use crate::error::{CommandError, Result};
use crate::render;

/// The hidden subcommand that is the supervisor.
pub const SUBCOMMAND: &str = "local-supervisor";

/// What stands for the emulator's own port, which the supervisor chooses at every start.
pub(super) const PORT: &str = "{{{port}}}";

/// Runs between the emulator and its Python: see its head.
const GUARD: &str = include_str!("../../manifests/emulators/guard.py");

/// How long the supervisor may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to run. Two that are equal need no restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The environment.
    pub env: String,
    /// Where the router listens.
    pub port: u16,
    /// The services that have a host.
    pub services: Vec<String>,
    /// What answers.
    pub emulator: Emulator,
    /// Its path that answers 200 once it takes requests.
    pub health: String,
}

/// What answers the calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Emulator {
    /// A process of ours.
    Managed(Program),
    /// One that runs already: `host:port`.
    Given(String),
}

/// A Python module that is an emulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Name and release.
    pub title: String,
    /// The Python of its virtual environment.
    pub python: PathBuf,
    /// The module.
    pub module: String,
    /// Its arguments, the port left open.
    pub args: Vec<String>,
    /// Its environment, the port left open.
    pub env: BTreeMap<String, String>,
    /// Names of its modules and their values, for the guard.
    pub set: BTreeMap<String, String>,
    /// What is run at each start once it answers, if anything.
    pub after_start: Vec<String>,
    /// What fills it then.
    pub init: Option<Init>,
}

impl Program {
    /// Fills in what the profile leaves open but for the port. URLs that the emulator makes up lead to `localhost`,
    /// which every client of this machine resolves, and from there through the router.
    pub fn of(environment: &Environment, local: &Local, python: PathBuf, home: &Home, port: u16) -> Result<Self> {
        let values = json!({
            "port": PORT,
            "edge_host": "localhost",
            "edge_port": port,
            "account": environment.account,
            "data": home.data().display().to_string(),
        });
        let fill = |text: &String| {
            render::fill_value(text, &values).map_err(|error| {
                CommandError::new(format!("cannot fill `{text}` of the profile {}: {error}", environment.profile.name))
            })
        };
        let filled = |texts: &BTreeMap<String, String>| -> Result<BTreeMap<String, String>> {
            texts.iter().map(|(name, text)| Ok((name.clone(), fill(text)?))).collect()
        };
        let mut env = environment.profile.env.clone();
        if environment.account.is_some() {
            env.extend(environment.profile.account_env.clone());
        }
        env.extend(local.env.clone());
        Ok(Self {
            title: format!("{} {}", environment.profile.name, local.version),
            python,
            module: local.module.clone(),
            args: local.args.iter().map(fill).collect::<Result<_>>()?,
            env: filled(&env)?,
            set: filled(&local.set)?,
            after_start: environment.profile.after_start.clone(),
            init: Init::of(environment),
        })
    }

    /// Where programs that go with it are looked for: its virtual environment comes first, whose `python3` has boto3.
    pub(super) fn path(&self, passed_on: &[(String, OsString)]) -> OsString {
        let own = self.python.parent().map(PathBuf::from).into_iter();
        let given =
            passed_on.iter().find(|(name, _)| name == "PATH").map_or_else(OsString::new, |(_, value)| value.clone());
        std::env::join_paths(own.chain(std::env::split_paths(&given))).unwrap_or(given)
    }

    /// Arguments and environment with the port filled in.
    pub(super) fn at(&self, port: u16) -> (Vec<String>, BTreeMap<String, String>) {
        let fill = |text: &String| text.replace(PORT, &port.to_string());
        let env = self.env.iter().map(|(name, text)| (name.clone(), fill(text))).collect();
        (self.args.iter().map(fill).collect(), env)
    }
}

impl Launch {
    /// What the supervisor of an environment was told to run.
    pub fn of(home: &Home) -> Result<Option<Self>> {
        home.read("launch.json")
    }

    /// Starts a supervisor and waits until it listens. The environment's processes must be gone.
    pub async fn start(&self, home: &Home) -> Result<Life> {
        home.forget_life();
        home.write("launch.json", self)?;
        let guard = guard(home);
        replace(&guard, GUARD.as_bytes()).map_err(|error| cannot("write", &guard, &error))?;
        let mut child = spawn(home)?;
        let began = Instant::now();
        let mut looks = interval(Duration::from_millis(10));
        loop {
            looks.tick().await;
            let said = home.last_words()?.filter(|life| Some(life.supervisor.pid) == child.id());
            let ended = child.try_wait().ok().flatten();
            match said {
                Some(Life { stage: Stage::Failed(why), .. }) => return Err(self.failed(home, &why)),
                Some(life) if ended.is_none() => return Ok(life),
                _ => {}
            }
            if let Some(status) = ended {
                // What it said may have come between the two looks.
                let why = match home.last_words()? {
                    Some(Life { stage: Stage::Failed(why), .. }) => why,
                    _ => format!("it ended at once with {status}"),
                };
                return Err(self.failed(home, &why));
            }
            if began.elapsed() > PATIENCE {
                let _ = child.start_kill();
                return Err(self.failed(home, &format!("it does not listen after {PATIENCE:?}")));
            }
        }
    }

    fn failed(&self, home: &Home, why: &str) -> CommandError {
        CommandError::new(format!("cannot start the supervisor of {}: {why}", self.env))
            .hint(format!("its log is {}", home.supervisor_log().display()))
    }
}

/// Where the guard stands.
pub(super) fn guard(home: &Home) -> PathBuf {
    home.directory.join("guard.py")
}

/// Opens a log to write at its end.
pub(super) fn append(path: &Path) -> Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true).mode(0o600).open(path).map_err(|error| cannot("write", path, &error))
}

/// Starts this program again as supervisor. It is not ended with this one, and takes a session of its own first of all.
fn spawn(home: &Home) -> Result<tokio::process::Child> {
    let program = std::env::current_exe()
        .map_err(|error| CommandError::new(format!("cannot find the program that this is: {error}")))?;
    let log = append(&home.supervisor_log())?;
    let same = log.try_clone().map_err(|error| cannot("write", &home.supervisor_log(), &error))?;
    let mut command = Command::new(&program);
    command.arg(SUBCOMMAND).arg("--directory").arg(&home.directory).env(MARK, &home.directory).current_dir("/");
    command.stdin(Stdio::null()).stdout(log).stderr(same);
    command.spawn().map_err(|error| cannot("start", &program, &error))
}

/// The supervisor that runs, where one does: what it was told and what it says.
pub fn running(home: &Home) -> Result<Option<(Launch, Life)>> {
    match (home.life()?, Launch::of(home)?) {
        (Some(life), Some(launch)) => Ok(Some((launch, life))),
        _ => Ok(None),
    }
}

/// Processes of an environment whose supervisor is gone.
pub fn orphans(home: &Home) -> Vec<Process> {
    super::processes::of_environment(&home.directory)
}
