//! Installs an emulator: its profile's requirements in a virtual environment of the cache. Runs Python and pip.

mod pip;
mod python;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::files::{Lock, cannot, lock, make_directory, replace};
use crate::emulator::Local;
use crate::error::{CommandError, Result};
use crate::events::{Events, What};

/// The file that says that an installation is complete, and of what. It is written last.
const COMPLETE: &str = "lsdeploy-installed.txt";

/// Gets pip for a Python that comes without: see its head.
const GET_PIP: &str = include_str!("../../manifests/emulators/get-pip.py");

/// Variables of the caller that would lead Python or pip out of the virtual environment.
const MISLEADING: [&str; 5] = ["PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"];

/// What is to be installed, and with what.
pub struct Wanted<'a> {
    /// The emulator's name.
    pub name: &'a str,
    /// What its profile says.
    pub local: &'a Local,
    /// Below it, a directory per emulator and release.
    pub cache: &'a Path,
    /// The caller's PATH, where Python is looked for.
    pub path: &'a OsStr,
    /// For all of it.
    pub timeout: Duration,
}

/// Installs the emulator where that is not done yet, and returns its Python. Two runs at once install it once, and an
/// installation that was broken off is begun again.
pub async fn install(wanted: &Wanted<'_>, events: &Events) -> Result<PathBuf> {
    let Wanted { name, local, cache, .. } = wanted;
    let title = wanted.title();
    let directory = cache.join("emulators").join(format!("{name}-{}", local.version));
    let python = directory.join("bin/python");
    if is_complete(&directory, local).await {
        return Ok(python);
    }
    make_directory(&cache.join("emulators"))?;
    let lock_path = cache.join("emulators").join(format!("{name}-{}.lock", local.version));
    let file = File::create(&lock_path).map_err(|error| cannot("open", &lock_path, &error))?;
    let waits = || events.send(What::Note(format!("waiting for another lsdeploy that installs {title}")));
    let held = lock(file, &lock_path, wanted.timeout, waits).await?;
    if !is_complete(&directory, local).await {
        let work = fill(wanted, &directory, &held, events);
        timeout(wanted.timeout, work).await.map_err(|_| {
            CommandError::new(format!("{title} was not installed within {:?}", wanted.timeout))
                .hint("give it more time with `--timeout`, or look at the way to PyPI")
        })??;
    }
    Ok(python)
}

/// Where an emulator keeps what it downloads at first use.
pub fn parts(cache: &Path, name: &str, local: &Local) -> PathBuf {
    cache.join("emulators").join(format!("{name}-{}-parts", local.version))
}

impl Wanted<'_> {
    fn title(&self) -> String {
        format!("{} {}", self.name, self.local.version)
    }
}

/// The marker tells what was installed; the interpreter may be gone with an upgrade of the system.
async fn is_complete(directory: &Path, local: &Local) -> bool {
    if fs::read_to_string(directory.join(COMPLETE)).ok().as_deref() != Some(local.requirements()) {
        return false;
    }
    let package = local.module.split('.').next().unwrap_or_default();
    let ask = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)";
    let mut command = clean(&directory.join("bin/python"));
    command.args(["-c", ask, package]).stdin(Stdio::null());
    command.output().await.is_ok_and(|output| output.status.success())
}

async fn fill(wanted: &Wanted<'_>, directory: &Path, held: &Lock, events: &Events) -> Result<()> {
    let title = wanted.title();
    let python = python::find(&title, wanted.local.python, wanted.path).await?;
    events.send(What::Note(format!("installing {title} into {} ({python})", directory.display())));
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(|error| cannot("delete", directory, &error))?;
    }
    let stdin = || held.share().map(Stdio::from).map_err(|error| cannot("lock", directory, &error));
    let ran = |error| cannot("run", &python.program, &error);
    let made =
        clean(&python.program).args(["-m", "venv"]).arg(directory).stdin(stdin()?).output().await.map_err(ran)?;
    if pip::is_missing(&made) {
        events.send(What::Note(format!("{python} comes without pip: getting it from PyPI")));
        let bare = ["-m", "venv", "--clear", "--without-pip"];
        let bare = clean(&python.program).args(bare).arg(directory).stdin(stdin()?).output().await.map_err(ran)?;
        let got = clean(&directory.join("bin/python")).args(["-c", GET_PIP]).stdin(stdin()?).output().await;
        let got = got.map_err(ran)?;
        if !(bare.status.success() && got.status.success()) {
            return Err(pip::no_pip(&python, &got));
        }
    } else if !made.status.success() {
        return Err(pip::no_venv(&python, &made));
    }
    let list = directory.join("requirements.txt");
    replace(&list, wanted.local.requirements().as_bytes()).map_err(|error| cannot("write", &list, &error))?;
    let mut install = clean(&directory.join("bin/python"));
    install.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]);
    install.args(["--retries", "2", "--requirement"]).arg(&list).stdin(stdin()?);
    pip::run(&title, install, events).await?;
    let complete = directory.join(COMPLETE);
    replace(&complete, wanted.local.requirements().as_bytes()).map_err(|error| cannot("write", &complete, &error))
}

/// A Python that sees what is installed with it and nothing else. It ends with this run.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in MISLEADING {
        command.env_remove(name);
    }
    command.env("PIP_USER", "0").kill_on_drop(true);
    command
}
