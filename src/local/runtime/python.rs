//! Finds a Python that is new enough. Runs what it finds on PATH.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::time::timeout;

use crate::error::{CommandError, Result};

/// How many releases after the oldest are looked for by their own names (`python3.13`).
const NEWER: u32 = 8;

/// A Python that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Python {
    /// Where it is.
    pub(super) program: PathBuf,
    /// Its version: major, minor.
    pub(super) version: (u32, u32),
}

impl fmt::Display for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Python {}.{} at {}", self.version.0, self.version.1, self.program.display())
    }
}

/// The first Python on `path` that is `oldest` or newer: `python3`, else the newest that is there under its own name.
pub(super) async fn find(title: &str, oldest: (u32, u32), path: &OsStr) -> Result<Python> {
    let newer = (oldest.1..=oldest.1 + NEWER).rev().map(|minor| format!("python{}.{minor}", oldest.0));
    let mut too_old = Vec::new();
    for name in std::iter::once("python3".to_owned()).chain(newer) {
        for program in std::env::split_paths(path).map(|directory| directory.join(&name)).filter(|path| path.is_file())
        {
            match version(&program).await {
                Some(version) if version >= oldest => return Ok(Python { program, version }),
                Some(version) => too_old.push(Python { program, version }),
                // A stand-in that leads nowhere, as version managers put them on PATH.
                None => {}
            }
        }
    }
    Err(missing(title, oldest, &too_old))
}

async fn version(program: &Path) -> Option<(u32, u32)> {
    let mut command = super::clean(program);
    command.args(["-c", "import sys; print(*sys.version_info[:2])"]).stdin(Stdio::null());
    let output = timeout(Duration::from_secs(10), command.output()).await.ok()?.ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn missing(title: &str, oldest: (u32, u32), too_old: &[Python]) -> CommandError {
    let needs = format!("{}.{}", oldest.0, oldest.1);
    let (found, way) = match too_old {
        [] => (
            "there is no python3 on PATH".to_owned(),
            "install it (Debian and Ubuntu: `apt install python3 python3-venv`)".to_owned(),
        ),
        some => (
            format!("on PATH there is only {}", some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            format!("install a newer one beside it and put it on PATH as python{needs}, or choose another --emulator"),
        ),
    };
    CommandError::new(format!("{title} needs Python {needs} or later: {found}"))
        .hint(way)
        .hint("or use an emulator that runs already: `--emulator-url http://127.0.0.1:5000`")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn script(directory: &Path, name: &str, text: &str) {
        let path = directory.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[tokio::test]
    async fn what_is_too_old_or_leads_nowhere_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().as_os_str();
        let error = find("moto 5", (3, 10), path).await.unwrap_err();
        assert!(error.message.ends_with("there is no python3 on PATH"), "{error}");
        script(directory.path(), "python3", "echo 3 9");
        script(directory.path(), "python3.14", "exit 127");
        let error = find("moto 5", (3, 10), path).await.unwrap_err();
        assert!(error.message.contains("needs Python 3.10 or later: on PATH there is only Python 3.9 at"), "{error}");
        script(directory.path(), "python3.12", "echo 3 12");
        assert_eq!(find("moto 5", (3, 10), path).await.unwrap().version, (3, 12));
    }
}
