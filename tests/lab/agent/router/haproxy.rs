//! The `HAProxy` process: one master, a new worker at each reload, no connection refused in between.

use super::config::{Files, MAIN};
use crate::failure::{Attempt as _, Failure};
use crate::log;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// Ends a child with its parent: what is left when this program is killed without a chance to say goodbye.
const SETPRIV: &str = "/usr/bin/setpriv";
const START_PATIENCE: Duration = Duration::from_secs(5);

/// `HAProxy`, and the folder of its files.
pub(crate) struct Haproxy {
    program: PathBuf,
    state: PathBuf,
    child: Option<Child>,
}

impl Haproxy {
    /// Prepares the folder. The certificate is copied: a change of it counts from the next start.
    pub(crate) fn new(program: PathBuf, state: &Path, certificate: &Path) -> Result<Self, Failure> {
        let shown = state.display();
        let hint = "give a --state folder that this user may write to";
        fs::create_dir_all(state).attempting(format!("make {shown}"), hint)?;
        // HAProxy's paths must not depend on where it was started.
        let state = state.canonicalize().attempting(format!("resolve {shown}"), hint)?;
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).attempting(format!("protect {shown}"), hint)?;
        let pem = fs::read_to_string(certificate)
            .attempting(format!("read the certificate {}", certificate.display()), "`tests/lab/lab up` writes it")?;
        write(&state.join("default.pem"), &pem).attempting(format!("write into {shown}"), hint)?;
        Ok(Self { program, state, child: None })
    }

    /// The folder, as an absolute path.
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    /// Checks a configuration, puts it in place and starts or reloads `HAProxy`. A configuration that `HAProxy` refuses
    /// is reported and left beside the running one: the Routes that are served stay served.
    pub(crate) async fn apply(&mut self, files: &Files) -> Result<(), Failure> {
        let next = self.state.join("next");
        let current = self.state.join("current");
        let hint = "look at the free space and the rights of the --state folder";
        place(&next, files).attempting(format!("write {}", next.display()), hint)?;
        if let Err(why) = self.check(&next.join(MAIN)).await {
            log::line("haproxy-refused", &[("file", &next.join(MAIN).display().to_string()), ("why", &why)]);
            return if self.child.is_some() {
                Ok(())
            } else {
                Err(Failure::new(
                    "start HAProxy",
                    why,
                    "this is a bug of lsdeploy-lab: the named line says what is wrong",
                ))
            };
        }
        swap(&current, &next).attempting(format!("replace {}", current.display()), hint)?;
        match &self.child {
            // The master reads the files again, and gives its sockets to the new worker.
            Some(child) => {
                signal(child, Signal::USR2).attempting("reload HAProxy", "it has just died: start the lab again")
            }
            None => self.start(&current.join(MAIN)).await,
        }
    }

    async fn check(&self, file: &Path) -> Result<(), String> {
        let output = Command::new(&self.program).arg("-c").arg("-f").arg(file).output().await;
        let output = output.map_err(|error| format!("{}: {error}", self.program.display()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }

    async fn start(&mut self, file: &Path) -> Result<(), Failure> {
        let pid_file = self.state.join("haproxy.pid");
        // Left by a run that was killed.
        let _ = fs::remove_file(&pid_file);
        let mut command = if Path::new(SETPRIV).exists() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "TERM"]).arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        // -W: a master that stays in the foreground and owns the workers.
        command.arg("-W").arg("-f").arg(file).arg("-p").arg(&pid_file).stdin(Stdio::null()).stderr(Stdio::piped());
        let hint = "install HAProxy 2.6 or give --haproxy; ports 80 and 443 of --bind must be free";
        let mut child = command.spawn().attempting(format!("run {}", self.program.display()), hint)?;
        if let Some(words) = child.stderr.take() {
            tokio::spawn(relay(words));
        }
        // The master writes its pid once the ports are bound.
        let bound = async {
            while !pid_file.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            status = child.wait() => {
                let why = status.map_or_else(|error| error.to_string(), |status| format!("it ended at once, {status}"));
                return Err(Failure::new("start HAProxy", why, hint));
            }
            outcome = timeout(START_PATIENCE, bound) => {
                outcome.attempting("start HAProxy", "it did not bind its ports in 5 s: see the lines above")?;
            }
        }
        self.child = Some(child);
        Ok(())
    }

    /// Waits until `HAProxy` ends, which it should not.
    pub(crate) async fn ended(&mut self) -> Failure {
        let Some(child) = &mut self.child else { return std::future::pending().await };
        let status = child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
        Failure::new("keep HAProxy running", format!("it ended, {status}"), "its last lines stand above")
    }

    /// Stops master and workers, kindly at first.
    pub(crate) async fn stop(&mut self) {
        let Some(child) = &mut self.child else { return };
        // An error means that it is gone already.
        let _ = signal(child, Signal::TERM);
        if timeout(Duration::from_secs(5), child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
        let _ = fs::remove_file(self.state.join("haproxy.pid"));
    }
}

/// Passes on what HAProxy complains about. At each reload it also takes leave of every backend: nobody reads that.
async fn relay(words: ChildStderr) {
    let mut lines = BufReader::new(words).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if !line.starts_with("[NOTICE]") && !line.contains(" stopped (cumulated ") {
            log::line("haproxy-says", &[("line", &line)]);
        }
    }
}

fn signal(child: &Child, signal: Signal) -> Result<(), String> {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| "it is not running".to_owned())?;
    kill_process(pid, signal).map_err(|error| error.to_string())
}

/// A fresh folder with exactly these files.
fn place(folder: &Path, files: &Files) -> std::io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir(folder)?;
    files.iter().try_for_each(|(name, text)| write(&folder.join(name), text))
}

/// Some of the files hold private keys.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

/// Only a reload reads the files, and only this program reloads: nobody sees the moment without a current folder.
fn swap(current: &Path, next: &Path) -> std::io::Result<()> {
    if current.exists() {
        fs::remove_dir_all(current)?;
    }
    fs::rename(next, current)
}
