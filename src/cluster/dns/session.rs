//! A probe in a container, by stages: through its shell; by tar where there is no shell; in an ephemeral container where an
//! image for one is given. Nothing of it is left but the ephemeral container's entry in the pod, which the API keeps.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::runtime::wait::await_condition;
use serde_json::json;

use super::exec::{self, Ended, Running};
use super::pods::Container;
use crate::cluster::Cluster;
use crate::dns::chain::Place;
use crate::dns::vantage::{Session, Stage, VantageError};
use crate::error::{CommandError, Result};
use crate::printable::printable;

/// How long a program that is sent may take to be unpacked.
const UNPACK: Duration = Duration::from_secs(15);
/// How long an ephemeral container may take to run, and how long it lives.
const APPEAR: Duration = Duration::from_mins(1);
const LIVES: &str = "300";
/// Where a program may be put; any user may write there, in most containers.
const DIRECTORIES: [&str; 3] = ["/tmp", "/dev/shm", "/var/tmp"];
/// A time-out for the last word of a command that ended.
const LAST_WORD: Duration = Duration::from_secs(2);

/// How a probe gets into a container.
pub struct Way<'a> {
    /// The probe.
    pub program: &'a [u8],
    /// An image for an ephemeral container.
    pub image: Option<&'a str>,
    /// Names what is made.
    pub run_id: &'a str,
    /// How long each stage may take.
    pub within: Duration,
}

/// Puts the probe into a container and begins a session with it.
///
/// # Errors
/// The API does not let the caller, or no stage works; the error then says what each stage met.
pub async fn begin(cluster: &Cluster, container: &Container, place: Place, way: &Way<'_>) -> Result<Session> {
    let mut met = Vec::new();
    match by_shell(cluster, container, &place, way).await? {
        // The programs of the place see less than a probe, which runs where there is an image for it.
        Ok(session) if way.image.is_none() || matches!(session.stage(), Stage::Probe) => return Ok(session),
        Ok(session) => session.close().await,
        Err(why) => met.push(format!("by a shell: {why}")),
    }
    match by_tar(cluster, container, &place, way).await? {
        Ok(session) => return Ok(session),
        Err(why) => met.push(format!("by tar: {why}")),
    }
    let cannot = |met: &[String]| {
        CommandError::new(format!(
            "cannot look from {}: the probe cannot run there ({})",
            container.shown(),
            met.join("; ")
        ))
    };
    let Some(image) = way.image else {
        return Err(cannot(&met)
            .hint("give the pod an ephemeral container with `--probe-image REFERENCE`: any image with a shell, e.g. a UBI")
            .hint("or look from another pod of the namespace: `--vantage pod=NAMESPACE/POD`"));
    };
    let added = ephemeral(cluster, container, image, way.run_id).await?;
    let how = format!("exec into {}, added to the pod with the image {image}", added.shown());
    match by_shell(cluster, &added, &Place { how, ..place }, way).await? {
        Ok(session) => Ok(session),
        Err(why) => {
            met.push(format!("in an ephemeral container: {why}"));
            Err(cannot(&met).hint("the image of `--probe-image` must have a shell and a directory that takes programs"))
        }
    }
}

/// The outer error ends it all, the inner one this stage.
type Tried = Result<std::result::Result<Session, String>>;

async fn by_shell(cluster: &Cluster, container: &Container, place: &Place, way: &Way<'_>) -> Tried {
    let Running { streams, end } = exec::start(cluster, container, &["sh"]).await?;
    match Session::over(place.clone(), streams, way.program.to_vec(), way.within).await {
        Ok(session) => Ok(Ok(session)),
        Err(error) => Ok(Err(match end.wait(LAST_WORD).await {
            Ended::NotStarted(why) => short(&why),
            Ended::Exit(_) | Ended::Lost => told(&error),
        })),
    }
}

fn told(error: &VantageError) -> String {
    match &error.hint {
        Some(hint) => format!("{} ({hint})", error.message),
        None => error.message.clone(),
    }
}

/// Runtimes nest their errors: the innermost says it.
fn short(why: &str) -> String {
    let inner = why.rsplit("exec: ").next().unwrap_or(why);
    inner.trim_end_matches(": unknown").to_owned()
}

async fn by_tar(cluster: &Cluster, container: &Container, place: &Place, way: &Way<'_>) -> Tried {
    let name = format!("lsdeploy-dns-probe-{}", way.run_id);
    let archive = archive(&name, way.program);
    let mut met = "no directory takes a program".to_owned();
    for directory in DIRECTORIES {
        let unpack = ["tar", "-x", "-f", "-", "-C", directory];
        match exec::feed(cluster, container, &unpack, &archive, UNPACK).await? {
            Ended::Exit(0) => {}
            Ended::NotStarted(why) => return Ok(Err(short(&why))),
            Ended::Exit(_) | Ended::Lost => continue,
        }
        let program = format!("{directory}/{name}");
        let Running { streams, end } = exec::start(cluster, container, &[&program, "--delete"]).await?;
        match Session::with(place.clone(), streams, way.within).await {
            Ok(session) => return Ok(Ok(session)),
            Err(error) => {
                met = match end.wait(LAST_WORD).await {
                    Ended::NotStarted(why) => short(&why),
                    Ended::Exit(_) | Ended::Lost => told(&error),
                };
            }
        }
    }
    Ok(Err(met))
}

/// A tar archive of one program that anybody may run.
fn archive(name: &str, program: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000755");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{:011o}", program.len()));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = Vec::with_capacity(program.len() + 2048);
    archive.extend_from_slice(&header);
    archive.extend_from_slice(program);
    // Blocks of 512 bytes; two empty ones end it.
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}

/// Adds an ephemeral container to the pod and waits until it runs.
async fn ephemeral(cluster: &Cluster, container: &Container, image: &str, run_id: &str) -> Result<Container> {
    let pod = &container.pod;
    let name = format!("lsdeploy-dns-{run_id}");
    let path = format!("/api/v1/namespaces/{}/pods/{}/ephemeralcontainers", pod.namespace, pod.name);
    let addition = json!({"spec": {"ephemeralContainers": [{
        "name": name, "image": image, "command": ["sleep", LIVES], "targetContainerName": container.name,
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
    }]}});
    let attempt = format!("add an ephemeral container to pod {}/{}", pod.namespace, pod.name);
    cluster.patch(&path, &addition).await.map_err(|fault| fault.explain(&attempt))?;
    let settled = |pod: Option<&Pod>| pod.is_some_and(|pod| !matches!(state(pod, &name), State::Waits(_)));
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), &pod.namespace);
    let last = match tokio::time::timeout(APPEAR, await_condition(pods, &container.pod.name, settled)).await {
        Ok(Ok(Some(pod))) => state(&pod, &name),
        Ok(Ok(None)) => State::Failed("the pod went away".to_owned()),
        Ok(Err(error)) => State::Failed(error.to_string()),
        Err(_) => State::Waits(format!("it does not run after {} s", APPEAR.as_secs())),
    };
    match last {
        State::Runs => Ok(Container { name, ..container.clone() }),
        State::Failed(why) | State::Waits(why) => {
            Err(CommandError::new(format!("cannot {attempt}: {}", printable(&why)))
                .hint("`--probe-image` names an image that the node has or can pull, with a shell and `sleep` in it"))
        }
    }
}

/// How far an ephemeral container is.
enum State {
    Runs,
    Waits(String),
    Failed(String),
}

fn state(pod: &Pod, name: &str) -> State {
    let states = pod.status.iter().flat_map(|status| status.ephemeral_container_statuses.iter().flatten());
    let state = states.filter(|state| state.name == name).find_map(|state| state.state.clone()).unwrap_or_default();
    if state.running.is_some() {
        return State::Runs;
    }
    if let Some(terminated) = state.terminated {
        return State::Failed(format!("it ended ({})", terminated.reason.unwrap_or_default()));
    }
    let why = state.waiting.and_then(|waiting| waiting.reason).unwrap_or_default();
    let hopeless = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"];
    if hopeless.contains(&why.as_str()) { State::Failed(why) } else { State::Waits(why) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn tar_unpacks_the_program() {
        let directory = tempfile::tempdir().unwrap();
        let mut tar = Command::new("tar")
            .args(["-x", "-f", "-", "-C"])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        tar.stdin.take().unwrap().write_all(&archive("probe", b"#!/bin/sh\nexit 7\n")).unwrap();
        assert!(tar.wait().unwrap().success());
        assert_eq!(Command::new(directory.path().join("probe")).status().unwrap().code(), Some(7));
    }

    #[test]
    fn of_nested_errors_the_innermost_is_said() {
        let why = "Internal error occurred: error executing command in container: failed to start exec \"0\": OCI runtime \
                   exec failed: exec failed: unable to start container process: exec: \"sh\": executable file not found in \
                   $PATH: unknown";
        assert_eq!(short(why), "\"sh\": executable file not found in $PATH");
    }
}
