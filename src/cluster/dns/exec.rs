//! Runs commands in containers through the exec API: what a probe in a pod is talked to by.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{Api, AttachParams, AttachedProcess};
use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf, ReadHalf, SimplexStream};

use super::pods::Container;
use crate::cluster::{Cluster, Fault};
use crate::dns::vantage::Streams;
use crate::error::{CommandError, Result};
use crate::printable::printable;

/// How long the API may take to start a command.
const START: Duration = Duration::from_secs(10);
/// Bytes on their way into a container: a probe is megabytes.
const BUFFER: usize = 256 * 1024;
/// How long after a command's output its status may take.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A command that runs in a container; it ends when its streams are dropped.
pub struct Running {
    /// Its standard input, output and error.
    pub streams: Streams,
    /// How it ends.
    pub end: End,
}

/// The end of a command, which may be waited for.
pub struct End(Option<Pin<Box<dyn Future<Output = Option<Status>> + Send>>>);

/// A stream that keeps its command running.
struct Kept {
    output: ReadHalf<SimplexStream>,
    _process: AttachedProcess,
}

impl AsyncRead for Kept {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_read(context, buffer)
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Exit(i32),
    /// The container has no such program, or may not run it.
    NotStarted(String),
    /// The connection ended before it did.
    Lost,
}

/// Starts a command.
///
/// # Errors
/// The API does not let the caller, the container is gone, or nobody answers.
pub async fn start(cluster: &Cluster, container: &Container, command: &[&str]) -> Result<Running> {
    let Container { pod, name, .. } = container;
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), &pod.namespace);
    let parameters = AttachParams {
        container: Some(name.clone()),
        stdin: true,
        stdout: true,
        stderr: true,
        tty: false,
        max_stdin_buf_size: Some(BUFFER),
        max_stdout_buf_size: Some(BUFFER),
        ..AttachParams::default()
    };
    let attempt = format!("run a command in {}", container.shown());
    let start = pods.exec(&pod.name, command.iter().copied(), &parameters);
    let Ok(started) = tokio::time::timeout(START, start).await else {
        let why = format!("cannot {attempt}: no answer within {} s", START.as_secs());
        return Err(CommandError::new(why).hint("look from another place, e.g. `--vantage workstation`"));
    };
    let mut process = started.map_err(|error| refused(container, &Fault::from(error), &attempt))?;
    let end = End(process.take_status().map(|status| Box::pin(status) as _));
    let (Some(input), Some(output), Some(errors)) = (process.stdin(), process.stdout(), process.stderr()) else {
        return Err(CommandError::new(format!("cannot {attempt}: the API gave no streams")));
    };
    let output = Box::new(Kept { output, _process: process });
    Ok(Running { streams: Streams { input: Box::new(input), output, errors: Some(Box::new(errors)) }, end })
}

fn refused(container: &Container, fault: &Fault, attempt: &str) -> CommandError {
    let namespace = &container.pod.namespace;
    match fault.code() {
        Some(403) => fault.explain(attempt).hint(format!(
            "looking from a pod needs the right `create pods/exec`: \
             `kubectl auth can-i create pods/exec --namespace {namespace}`"
        )),
        Some(404) => fault.explain(attempt).hint("the pod went away: name one that runs"),
        _ => fault.explain(attempt),
    }
    .hint("or look from here alone: `--vantage workstation`")
}

impl End {
    /// How the command ended; waits no longer than `patience`.
    pub async fn wait(self, patience: Duration) -> Ended {
        let Some(status) = self.0 else { return Ended::Lost };
        let status = tokio::time::timeout(patience, status).await.ok().flatten();
        status.map_or(Ended::Lost, |status| how(&status))
    }
}

/// The exit status in what the API says at the end.
fn how(status: &Status) -> Ended {
    if status.status.as_deref() == Some("Success") {
        return Ended::Exit(0);
    }
    let causes = status.details.iter().flat_map(|details| details.causes.iter().flatten());
    let code = causes
        .filter(|cause| cause.reason.as_deref() == Some("ExitCode"))
        .find_map(|cause| cause.message.as_ref()?.parse().ok());
    match code {
        // 126 and 127: what runtimes give for a program that cannot be run or is not there.
        Some(code) if code != 126 && code != 127 => Ended::Exit(code),
        _ => Ended::NotStarted(printable(status.message.as_deref().unwrap_or("no reason given"))),
    }
}

/// Runs a command to its end with this input, for at most `patience`.
///
/// # Errors
/// As [`start`].
pub async fn feed(
    cluster: &Cluster,
    container: &Container,
    command: &[&str],
    input: &[u8],
    patience: Duration,
) -> Result<Ended> {
    let Running { mut streams, end } = start(cluster, container, command).await?;
    let whole = async {
        // A command that does not read its input ends all the same.
        let _ = streams.input.write_all(input).await;
        let _ = streams.input.shutdown().await;
        let _ = tokio::io::copy(&mut streams.output, &mut tokio::io::sink()).await;
    };
    let _ = tokio::time::timeout(patience, whole).await;
    Ok(end.wait(LAST_WORD).await)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(status: serde_json::Value, expected: &Ended) {
        let status: Status = serde_json::from_value(status).unwrap();
        assert_eq!(how(&status), *expected);
    }

    #[test]
    fn the_end_of_a_command_is_read_from_the_apis_words() {
        let exit = |code: &str| {
            json!({"status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated",
                "details": {"causes": [{"reason": "ExitCode", "message": code}]}})
        };
        check(json!({"status": "Success"}), &Ended::Exit(0));
        check(exit("2"), &Ended::Exit(2));
        check(exit("127"), &Ended::NotStarted("command terminated".to_owned()));
        check(
            json!({"status": "Failure", "reason": "InternalError", "message": "exec: \"sh\": not found"}),
            &Ended::NotStarted("exec: \"sh\": not found".to_owned()),
        );
    }
}
