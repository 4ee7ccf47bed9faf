//! What the local target takes from the process environment, in one place.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::{CommandError, Result};
use crate::exports;
use crate::local::state::Places;

/// Variables that describe the machine: emulators get these and no others, above all no AWS credentials.
const OF_THE_MACHINE: [&str; 19] = [
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "LD_LIBRARY_PATH",
    "JAVA_HOME",
    "DOCKER_HOST",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_REGISTRY",
];

/// What no proxy can reach: emulators talk to themselves.
const OWN: &str = "localhost,.localhost,127.0.0.1,::1";

/// `$XDG_STATE_HOME/lsdeploy` and `$XDG_CACHE_HOME/lsdeploy`, or below `~/.local/state` and `~/.cache`.
pub(super) fn places() -> Result<Places> {
    let from = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = from("XDG_STATE_HOME").or_else(|| Some(from("HOME")?.join(".local/state")));
    let missing = || {
        CommandError::new("there is no home directory to keep environments in")
            .hint("set HOME, or XDG_STATE_HOME and XDG_CACHE_HOME")
    };
    let (state, cache) = state.zip(exports::cache_directory()).ok_or_else(missing)?;
    let absolute = |path: PathBuf| {
        std::path::absolute(&path).map_err(|error| CommandError::new(format!("cannot use {}: {error}", path.display())))
    };
    Ok(Places { state: absolute(state.join("lsdeploy"))?, cache: absolute(cache)? })
}

/// Where programs are looked for.
pub(super) fn path() -> OsString {
    env::var_os("PATH").unwrap_or_default()
}

/// What emulators get of this process's environment.
pub(super) fn passed_on() -> Vec<(String, OsString)> {
    let given = |name: &str| Some((name.to_owned(), env::var_os(name)?));
    let mut all: Vec<(String, OsString)> = OF_THE_MACHINE.into_iter().filter_map(given).collect();
    for name in ["NO_PROXY", "no_proxy"] {
        let mut value = env::var_os(name).filter(|value| !value.is_empty()).unwrap_or_default();
        value.push(if value.is_empty() { OWN.to_owned() } else { format!(",{OWN}") });
        all.push((name.to_owned(), value));
    }
    all
}
