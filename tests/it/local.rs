//! Environments on this machine, without any cluster: the program as a user runs it, with directories of its own.
//!
//! moto is installed once, into the cache of all tests. Ports are picked here, so that tests side by side never want
//! the same one.

mod fills;
mod life;
mod refused;
mod routes;
mod told;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::Value;

use crate::lab::{Ran, run};

/// What an emulator's name and release make of a directory's name.
const MOTO: &str = "moto-5.2.5";

/// A user of this machine, with a home that is empty at first.
struct User {
    home: tempfile::TempDir,
    cache: PathBuf,
}

impl User {
    /// A user who shares the cache of all tests.
    fn new() -> Self {
        let caches = env::var_os("LSDEPLOY_CACHE").map(PathBuf::from);
        let caches = caches.unwrap_or_else(|| PathBuf::from(env::var_os("HOME").unwrap()).join(".cache/lsdeploy"));
        Self { home: tempfile::tempdir().unwrap(), cache: caches.join("local") }
    }

    /// A user for whom nothing was ever installed.
    fn with_empty_cache() -> Self {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().join("cache");
        Self { home, cache }
    }

    /// `lsdeploy ARGUMENTS --target local`. Besides its own directories it gets what pip needs on this machine.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("lsdeploy"));
        command.env_clear().args(arguments).args(["--target", "local"]);
        let is_passed =
            |name: &str| name == "PATH" || name.starts_with("PIP_") || name.to_lowercase().ends_with("_proxy");
        command.envs(env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_passed)));
        command.env("HOME", self.home.path()).env("XDG_CACHE_HOME", &self.cache);
        command.env("XDG_STATE_HOME", self.home.path().join("state"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments))
    }

    /// Runs it, expects that it ends well, and returns what it printed.
    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:#?}");
        ran.stdout
    }

    /// The same with `--output json`.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeeds(&[arguments, &["--output", "json"]].concat())).unwrap()
    }

    /// Brings an environment up without checking its services, on a port of its own unless one is given.
    #[track_caller]
    fn up(&self, env: &str, more: &[&str]) -> Value {
        let port = free_port().to_string();
        let mut arguments = vec!["up", "--env", env, "--no-smoke"];
        if !more.contains(&"--port") && !self.directory(env).exists() {
            arguments.extend(["--port", &port]);
        }
        self.json(&[&arguments, more].concat())
    }

    /// Runs it and expects that nothing is done; returns what it said of it.
    #[track_caller]
    fn is_refused(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:#?}");
        assert!(ran.stderr.contains("error: ") && ran.stderr.contains("hint: "), "{}", ran.stderr);
        ran.stderr
    }

    fn directory(&self, env: &str) -> PathBuf {
        self.home.path().join("state/lsdeploy").join(env)
    }

    /// What the supervisor of an environment says.
    fn life(&self, env: &str) -> Value {
        serde_json::from_slice(&fs::read(self.directory(env).join("processes.json")).unwrap()).unwrap()
    }

    /// Every process that belongs to an environment, found by what it was started with.
    fn processes(&self, env: &str) -> BTreeSet<u32> {
        let mark = format!("LSDEPLOY_LOCAL_DIRECTORY={}", self.directory(env).display());
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let carries = |pid: &u32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        pids.filter(carries).collect()
    }

    /// The Python of the installed emulator, which has boto3.
    fn python(&self) -> PathBuf {
        self.cache.join("lsdeploy/emulators").join(MOTO).join("bin/python")
    }

    /// Runs a script of boto3 with the variables that `env` prints.
    #[track_caller]
    fn boto3(&self, env: &str, script: &str) -> String {
        let variables: Value =
            serde_json::from_str(&self.succeeds(&["env", "--env", env, "--format", "json"])).unwrap();
        let variables = variables.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
        let ran = run(Command::new(self.python()).env_clear().envs(variables).arg("-c").arg(script));
        assert_eq!(ran.code, 0, "{ran:#?}");
        ran.stdout
    }
}

impl Drop for User {
    fn drop(&mut self) {
        for entry in fs::read_dir(self.home.path().join("state/lsdeploy")).into_iter().flatten().flatten() {
            self.run(&["down", "--env", entry.file_name().to_str().unwrap()]);
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn port(report: &Value) -> u16 {
    report["local"]["port"].as_u64().unwrap().try_into().unwrap()
}

/// Waits for a condition.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// curl, which resolves nothing here: names below localhost are its own knowledge.
fn curl(arguments: &[&str]) -> Ran {
    run(Command::new("curl").args(["--silent", "--show-error", "--max-time", "20"]).args(arguments))
}

#[track_caller]
fn signal(pid: &Value, signal: rustix::process::Signal) {
    let pid = i32::try_from(pid.as_u64().unwrap()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// The number of the session that a process is in.
fn session(pid: u32) -> u32 {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(3).unwrap().parse().unwrap()
}
