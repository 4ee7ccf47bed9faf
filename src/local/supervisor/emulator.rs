//! One run of an emulator: a process in a group of its own, which ends with this one. Starts and ends processes.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use crate::local::launch::{Program, append, guard};
use crate::local::processes::MARK;
use crate::local::state::Home;

/// How long it may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// An emulator that was started.
pub(super) struct Running {
    child: Child,
    pid: u32,
    /// The guard ends the emulator when this closes.
    _lifeline: Option<ChildStdin>,
}

impl Running {
    /// Starts it on `port` of loopback. It gets its profile's variables and `passed_on`, nothing else.
    pub(super) fn start(
        program: &Program,
        port: u16,
        home: &Home,
        passed_on: &[(String, OsString)],
    ) -> io::Result<Self> {
        let (args, env) = program.at(port);
        let mut log = append(&home.emulator_log()).map_err(|error| io::Error::other(error.message))?;
        // A reader of the log sees where one run ends and the next begins.
        writeln!(log, "--- {:.0} {} starts on 127.0.0.1:{port}", jiff::Timestamp::now(), program.title)?;
        let mut command = surrounded(&program.python, program, home, passed_on);
        command.arg(guard(home)).arg(serde_json::to_string(&program.set)?).arg(&program.module).args(args).envs(env);
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let mut child = command.spawn()?;
        let lifeline = child.stdin.take();
        let pid = child.id().ok_or_else(|| io::Error::other("it ended at once"))?;
        Ok(Self { child, pid, _lifeline: lifeline })
    }

    /// Runs what its profile wants to be run at each start once it answers.
    ///
    /// # Errors
    /// How that failed.
    pub(super) async fn after_start(
        program: &Program,
        port: u16,
        home: &Home,
        passed_on: &[(String, OsString)],
    ) -> Result<(), String> {
        let Some((first, arguments)) = program.after_start.split_first() else { return Ok(()) };
        let mut command = surrounded(Path::new(first), program, home, passed_on);
        command.args(arguments).envs(program.at(port).1).stdin(Stdio::null());
        match command.output().await {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has ended, ends what it left, and says how it ended.
    pub(super) async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        self.signal(Signal::KILL);
        status.map_or_else(|error| format!("its end was not seen: {error}"), in_words)
    }

    /// Asks it to end, and after [`PATIENCE`] asks no more.
    pub(super) async fn end(mut self) {
        self.signal(Signal::TERM);
        let _ = timeout(PATIENCE, self.child.wait()).await;
        self.signal(Signal::KILL);
        let _ = self.child.wait().await;
    }

    /// To all of its group. The group's number is not used again while any of it is left; where none is, nobody hears.
    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, signal));
    }
}

/// A command that sees `passed_on`, its own places, and nothing else of this process's environment.
fn surrounded(command: &Path, program: &Program, home: &Home, passed_on: &[(String, OsString)]) -> Command {
    let mut command = Command::new(command);
    command.env_clear().envs(passed_on.iter().map(|(name, value)| (name, value)));
    command.env("PATH", program.path(passed_on)).env("TMPDIR", home.temporary()).env(MARK, &home.directory);
    command.current_dir(home.data()).kill_on_drop(true);
    command
}

fn in_words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
