//! Fills an emulator that answers with what the scripts of `--init` make. Starts a process, writes files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead as _};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::files::{make_directory, replace};
use super::launch::{PORT, Program, append};
use super::processes::MARK;
use super::state::Home;
use super::watch::last_lines;
use crate::endpoints::Endpoint;
use crate::environment::Environment;
use crate::exports::{self, Access};
use crate::render;

/// The scripts, and what they see of their surroundings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Init {
    /// Names and texts; they run in the order of their names.
    scripts: BTreeMap<String, String>,
    /// The variables that lead AWS clients to the emulator itself, its port left open.
    env: BTreeMap<String, String>,
}

impl Init {
    /// The scripts of an environment, where it has any.
    pub fn of(environment: &Environment) -> Option<Self> {
        if environment.scripts.is_empty() {
            return None;
        }
        let url = format!("http://127.0.0.1:{PORT}");
        let endpoint = |service: String| Endpoint { service, url: url.clone() };
        let endpoints: Vec<Endpoint> = environment.routes().into_iter().map(endpoint).collect();
        let mut env = exports::variables(&Access::of(environment, &endpoints, None));
        let health = environment.profile.readiness.path.as_deref().unwrap_or("/");
        env.insert("LSDEPLOY_INIT_READY".to_owned(), format!("{url}{health}"));
        Some(Self { scripts: environment.scripts.files().clone(), env })
    }

    /// Runs the scripts to their end, with the emulator's own Python, which has boto3.
    ///
    /// # Errors
    /// The last line of what they said, which names the one that failed.
    pub(super) async fn run(
        &self,
        program: &Program,
        port: u16,
        home: &Home,
        passed_on: &[(String, OsString)],
    ) -> Result<(), String> {
        let status = match self.start(program, port, home, passed_on) {
            Ok(mut group) => group.child.wait().await,
            Err(error) => Err(error),
        };
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(last_lines(&home.init_log()).pop().unwrap_or_else(|| status.to_string())),
            Err(error) => Err(format!("they cannot be run: {error}")),
        }
    }

    /// The script that runs or ran last, as their log says.
    pub(super) fn current(&self, home: &Home) -> Option<String> {
        let log = fs::File::open(home.init_log()).ok()?;
        let lines = io::BufReader::new(log).split(b'\n').map_while(io::Result::ok);
        let begun =
            lines.filter_map(|line| Some(std::str::from_utf8(line.strip_prefix(b"running ")?).ok()?.to_owned()));
        begun.filter(|name| self.scripts.contains_key(name)).last()
    }

    fn start(&self, program: &Program, port: u16, home: &Home, passed_on: &[(String, OsString)]) -> io::Result<Group> {
        let other = |error: crate::error::CommandError| io::Error::other(error.message);
        let (directory, runner) = (home.directory.join("init"), home.directory.join("init.py"));
        let _ = fs::remove_dir_all(&directory);
        make_directory(&directory).map_err(other)?;
        for (name, text) in &self.scripts {
            replace(&directory.join(name), text.as_bytes())?;
        }
        replace(&runner, render::RUNNER.as_bytes())?;
        // Every run of them has its own log: an emulator that starts anew is filled anew.
        let _ = fs::remove_file(home.init_log());
        let log = append(&home.init_log()).map_err(other)?;
        let mut command = Command::new(&program.python);
        command.arg("-u").arg(&runner).env_clear().envs(passed_on.iter().map(|(name, value)| (name, value)));
        command.env("PATH", program.path(passed_on)).envs(self.env.iter().map(|(name, text)| (name, at(text, port))));
        command.env("LSDEPLOY_INIT_SCRIPTS", &directory).env("LSDEPLOY_INIT_DONE", home.temporary().join("init-done"));
        command.env("LSDEPLOY_INIT_ONCE", "1").env("PYTHONUNBUFFERED", "1").env(MARK, &home.directory);
        command.env("HOME", home.data()).env("TMPDIR", home.temporary()).current_dir(home.data());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0).kill_on_drop(true);
        let child = command.spawn()?;
        let group = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        Ok(Group { child, group })
    }
}

/// Scripts that run, and what they started: all of it ends when this is dropped.
struct Group {
    child: tokio::process::Child,
    group: Option<Pid>,
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.group.map(|group| kill_process_group(group, Signal::KILL));
    }
}

fn at(text: &str, port: u16) -> String {
    text.replace(PORT, &port.to_string())
}
