//! A shell behind a command's prefix. Starts a program.

use std::io;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::{Streams, VantageError};
use crate::dns::chain::Place;

/// The program that is sent.
pub(super) async fn read_probe(place: &Place, probe: &Path) -> Result<Vec<u8>, VantageError> {
    tokio::fs::read(probe).await.map_err(|error| {
        VantageError::new(place, format!("the probe `{}` cannot be read: {error}", probe.display()))
            .hint("`lsdeploy-dns-probe` stands beside `lsdeploy`; `--probe PATH` names another")
    })
}

/// Starts `PREFIX sh`.
pub(super) fn start(place: &Place, prefix: &str) -> Result<(Streams, Child), VantageError> {
    let words = split(prefix).ok_or_else(|| {
        VantageError::new(place, format!("the prefix `{prefix}` cannot be split into words: a quote is not closed"))
    })?;
    let Some(program) = words.first() else {
        return Err(VantageError::new(place, "the prefix after `exec:` is empty")
            .hint("a prefix is a command that runs what follows it, e.g. `exec:'ssh core@node1'`"));
    };
    let spawned = detached(&words).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => attached(&words),
        _ => Err(error),
    });
    let mut child = spawned.map_err(|error| {
        let error = VantageError::new(place, format!("`{program}` cannot be started: {error}"));
        error.hint("the prefix must begin with a program on PATH")
    })?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(VantageError::new(place, format!("`{program}` has no standard input and output")));
    };
    let errors = child.stderr.take().map(|errors| Box::new(errors) as _);
    Ok((Streams { input: Box::new(input), output: Box::new(output), errors }, child))
}

/// The words of a prefix.
fn split(prefix: &str) -> Option<Vec<String>> {
    let mut words = shlex::split(prefix)?;
    let is_ssh = words.first().is_some_and(|first| Path::new(first).file_name().is_some_and(|name| name == "ssh"));
    if is_ssh {
        // It asks nothing and nobody: a password or a new host key is an error.
        words.insert(1, "-oBatchMode=yes".to_owned());
    }
    Some(words)
}

/// Without a terminal, so that no program asks for a password there. `setsid` becomes the program it starts.
fn detached(words: &[String]) -> io::Result<Child> {
    let mut command = Command::new("setsid");
    command.args(words);
    spawn(command)
}

fn attached(words: &[String]) -> io::Result<Child> {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
    command.args(words).process_group(0);
    spawn(command)
}

/// Asks the program and those it started to end. Each is the first of its group.
pub(super) fn end(child: &Child) {
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        // It may have ended already.
        let _ = killpg(Pid::from_raw(id), Signal::SIGTERM);
    }
}

fn spawn(mut command: Command) -> io::Result<Child> {
    command.arg("sh").env("SSH_ASKPASS_REQUIRE", "never");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}
