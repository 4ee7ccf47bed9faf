//! Processes of this machine: which they are, whether they live, how they end. Reads `/proc`, sends signals.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::error::{CommandError, Result};

/// The variable by which every process of an environment is known, whatever is recorded: the environment's directory.
pub const MARK: &str = "LSDEPLOY_LOCAL_DIRECTORY";

/// How long processes may take to end by themselves.
const PATIENCE: Duration = Duration::from_secs(10);

/// One process: a number is used again, a number and a start are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started: the boot, and the ticks since.
    pub started: String,
}

impl Process {
    /// The process of that number, if there is one that has not ended.
    pub fn of(pid: u32) -> Option<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(Self { pid, started: format!("{}/{}", boot.trim(), ticks(&stat)?) })
    }

    /// This process.
    pub fn own() -> Result<Self> {
        Self::of(std::process::id()).ok_or_else(|| {
            CommandError::new("cannot read /proc, by which the local target knows its processes")
                .hint("the local target runs on Linux; elsewhere use a cluster")
        })
    }

    /// Whether it is still there.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Whether it is known to have ended. Where `/proc` hides the processes of others (`hidepid`), one that is there without
    /// being seen has not.
    pub fn has_ended(&self) -> bool {
        match fs::read_to_string(format!("/proc/{}/stat", self.pid)) {
            Ok(_) => !self.is_alive(),
            Err(_) => !is_taken(self.pid),
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).filter(|_| self.is_alive());
        // One that ended in between needs no signal.
        let _ = pid.map(|pid| kill_process(pid, signal));
    }
}

/// The processes of the environment in `directory`, the supervisor first.
pub fn of_environment(directory: &Path) -> Vec<Process> {
    let mark = format!("{MARK}={}", directory.display());
    let carries = |pid: u32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    let mut found: Vec<Process> =
        numbers().filter(|pid| *pid != std::process::id() && carries(*pid)).filter_map(Process::of).collect();
    found.sort_by_key(|process| (!is_supervisor(process.pid), process.pid));
    found
}

/// Whether that process is the supervisor of an environment.
pub fn is_supervisor(pid: u32) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    command.split(|byte| *byte == 0).nth(1) == Some(super::launch::SUBCOMMAND.as_bytes())
}

/// The words of a process's command line.
pub fn command_line(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&words).replace('\0', " ");
    match words.trim() {
        "" => fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned(),
        words => words.chars().take(120).collect(),
    }
}

/// Ends every process of the environment in `directory`: asks the supervisor, which takes the emulator along, and after
/// [`PATIENCE`] asks no more. Returns how many there were.
pub async fn end(directory: &Path) -> Result<usize> {
    let (mut seen, mut asked) = (BTreeSet::new(), BTreeSet::new());
    let began = Instant::now();
    let mut looks = interval(Duration::from_millis(20));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let there = of_environment(directory);
        let Some(first) = there.first() else { return Ok(seen.len()) };
        seen.extend(there.iter().map(|process| process.pid));
        if began.elapsed() > PATIENCE * 2 {
            let pids: Vec<String> = there.iter().map(|process| process.pid.to_string()).collect();
            return Err(CommandError::new(format!("cannot end the processes {} of it", pids.join(", ")))
                .hint("look at them with `ps`; they may hang in the file system"));
        }
        if began.elapsed() > PATIENCE {
            for process in &there {
                process.signal(Signal::KILL);
            }
            continue;
        }
        // Where no supervisor is left to take the others along, each is asked.
        let to_ask = if is_supervisor(first.pid) { &there[..1] } else { &there[..] };
        for process in to_ask.iter().filter(|process| asked.insert(process.pid)) {
            process.signal(Signal::TERM);
        }
    }
}

/// Whether any process has that number, seen or not.
fn is_taken(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

/// The numbers of all processes.
pub(super) fn numbers() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The start of a process by its `stat`; none of one that has ended and waits to be noticed. The name in it may hold
/// anything, so what counts begins after the last parenthesis.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.nth(18)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_read_behind_any_name_and_the_dead_have_none() {
        let rest = "1 1 1 0 -1 4194304 101 0 0 0 0 0 0 0 20 0 1 0 38014 3133440";
        assert_eq!(ticks(&format!("12 (a) S b) S {rest}")), Some(38014));
        assert_eq!(ticks(&format!("12 (a) Z {rest}")), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn this_process_lives_and_is_not_the_next_of_its_number() {
        let own = Process::own().unwrap();
        assert!(own.is_alive());
        assert!(!own.has_ended());
        let other = Process { started: "other boot/1".to_owned(), ..own };
        assert!(!other.is_alive() && other.has_ended());
    }

    #[test]
    fn a_process_has_ended_only_when_nobody_has_its_number() {
        // The first one may not be sent signals by everybody, and is there all the same.
        assert!(is_taken(1) && is_taken(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let ended = Process { pid: child.id(), started: "boot/1".to_owned() };
        child.wait().unwrap();
        assert!(!is_taken(ended.pid) && ended.has_ended());
        assert!(!is_taken(0) && !is_taken(u32::MAX));
    }
}
