//! What the place itself says: its files, its processes, its C library. Does input and output.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead as _, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

use crate::dns::files::conntrack::is_about_dns;
use crate::dns::observation::{Observation, ProbeError, Record, Transport, Trouble};

/// As much of a file is read.
const MOST: u64 = 256 * 1024;
/// The table of all connections of a machine, of which only those with DNS servers are anybody's business here.
const CONNECTIONS: &str = "/proc/net/nf_conntrack";
/// As much of it is looked through.
const MOST_CONNECTIONS: u64 = 64 * 1024 * 1024;
/// So many files of a directory are read.
const FILES: usize = 64;
/// The kernel keeps this many bytes of a program's name.
const NAME: usize = 15;

/// Reads a file, or the files of a directory when the path ends in `/`.
pub(super) fn file(vantage: &str, path: &str) -> Vec<Observation> {
    if !path.ends_with('/') {
        return vec![one(vantage, Path::new(path), path)];
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return vec![failed(Observation::blank(vantage, path, "FILE", Transport::File), &error)],
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files.iter().take(FILES).map(|file| one(vantage, file, &file.to_string_lossy())).collect()
}

fn one(vantage: &str, path: &Path, name: &str) -> Observation {
    let mut observation = Observation::blank(vantage, name, "FILE", Transport::File);
    match text(path) {
        Ok(text) => {
            observation.size = Some(text.len());
            observation.text = Some(text);
            observation
        }
        Err(error) => failed(observation, &error),
    }
}

/// A file's text. Only of regular files: to open a pipe or a device may wait for ever.
fn text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if path == Path::new(CONNECTIONS) {
        return connections(path);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The lines of the table of connections that are about DNS.
fn connections(path: &Path) -> io::Result<String> {
    let mut kept = String::new();
    for line in io::BufReader::new(File::open(path)?.take(MOST_CONNECTIONS)).lines() {
        let line = line?;
        if is_about_dns(&line) && kept.len() + line.len() < usize::try_from(MOST).unwrap_or(usize::MAX) {
            kept.push_str(&line);
            kept.push('\n');
        }
    }
    Ok(kept)
}

fn failed(mut observation: Observation, error: &io::Error) -> Observation {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Trouble::Absent,
        _ => Trouble::Unreadable,
    };
    observation.error = Some(ProbeError { kind, detail: error.to_string() });
    observation
}

/// Every process of this program that shares the network with the probe; `absent` when there is none.
pub(super) fn processes(vantage: &str, program: &str) -> Vec<Observation> {
    let mut pids: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    let blank = || Observation::blank(vantage, program, "PROCESS", Transport::Process);
    let found = pids.into_iter().filter_map(|pid| facts(pid, program)).map(|facts| {
        let mut observation = blank();
        observation.text = Some(facts);
        observation
    });
    let found: Vec<Observation> = found.collect();
    if found.is_empty() {
        vec![failed(blank(), &io::Error::new(io::ErrorKind::NotFound, "no such process shares this network"))]
    } else {
        found
    }
}

/// The facts of a process, if it runs this program.
fn facts(pid: u32, program: &str) -> Option<String> {
    let directory = PathBuf::from(format!("/proc/{pid}"));
    let comm = fs::read_to_string(directory.join("comm")).ok()?;
    let command = fs::read(directory.join("cmdline")).ok()?;
    let arguments: Vec<String> =
        command.split(|byte| *byte == 0).map(|argument| String::from_utf8_lossy(argument).into_owned()).collect();
    // The last argument ends with a zero byte too.
    let arguments = arguments.split_last().map(|(_, arguments)| arguments)?;
    let called = arguments.first().and_then(|first| Path::new(first).file_name()).and_then(OsStr::to_str);
    let short = program.get(..NAME).unwrap_or(program);
    if comm.trim_end() != short && called != Some(program) {
        return None;
    }
    let network = |who: &Path| fs::read_link(who.join("ns/net")).ok();
    if network(&directory).zip(network(Path::new("/proc/self"))).is_some_and(|(its, ours)| its != ours) {
        return None;
    }
    let open = fs::read_dir(directory.join("fd")).ok().map(Iterator::count);
    let limit = fs::read_to_string(directory.join("limits")).ok().and_then(|limits| open_files_limit(&limits));
    Some(json!({"pid": pid, "arguments": arguments, "open_files": open, "open_files_limit": limit}).to_string())
}

/// The soft limit of open files in `/proc/PID/limits`.
pub(crate) fn open_files_limit(limits: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

/// Asks the C library of the place for a name, through its `getent`.
pub(super) async fn lookup(vantage: &str, name: &str, wait: Duration) -> Observation {
    let mut observation = Observation::blank(vantage, name, "ADDR", Transport::Libc);
    if name.starts_with('-') || name.contains('\0') || name.is_empty() {
        observation.error = Some(ProbeError { kind: Trouble::Other, detail: format!("`{name}` is no name") });
        return observation;
    }
    let mut command = Command::new("getent");
    command.args(["ahosts", name]).stdin(Stdio::null()).kill_on_drop(true);
    let output = match timeout(wait, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return failed(observation, &error),
        Err(_) => {
            let detail = format!("getent did not end in {} ms", wait.as_millis());
            observation.error = Some(ProbeError { kind: Trouble::Timeout, detail });
            return observation;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    observation.answers = addresses(name, &text);
    observation.text = Some(text);
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let detail = match output.status.code() {
        Some(0) => return observation,
        Some(2) => "not found".to_owned(),
        _ if said.is_empty() => format!("getent: {}", output.status),
        _ => format!("getent: {}: {said}", output.status),
    };
    observation.error = Some(ProbeError { kind: Trouble::Other, detail });
    observation
}

/// The addresses that `getent ahosts` printed, each once, in its order.
pub(crate) fn addresses(name: &str, text: &str) -> Vec<Record> {
    let mut found: Vec<IpAddr> = Vec::new();
    for line in text.lines() {
        let word = line.split_whitespace().next().unwrap_or_default();
        let address = word.split_once('%').map_or(word, |(address, _)| address).parse();
        found.extend(address.into_iter().filter(|address| !found.contains(address)).collect::<Vec<_>>());
    }
    let record = |address: IpAddr| Record {
        name: name.to_owned(),
        kind: if address.is_ipv4() { "A" } else { "AAAA" }.to_owned(),
        ttl: 0,
        data: address.to_string(),
    };
    found.into_iter().map(record).collect()
}
