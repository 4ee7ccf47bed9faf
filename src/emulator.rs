//! Emulator profiles: what lsdeploy must know of a program that answers AWS calls. They are data
//! (`manifests/emulators/*.yaml`), read into a closed type; no code asks which emulator it serves.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{CommandError, Result};
use crate::yaml;

/// One emulator.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name on the command line (`--emulator`).
    pub name: String,
    /// The image that runs unless `--image` names another.
    pub image: String,
    /// The ports it listens on.
    pub ports: Vec<Port>,
    /// The port that answers for every service, where there is one; the Route `edge` leads to it.
    pub gateway: Option<String>,
    /// Which services it has.
    pub services: ServiceLayout,
    /// Answers once the emulator takes requests.
    pub readiness: Health,
    /// Answers as long as the emulator lives.
    pub liveness: Health,
    /// Environment variables; values are templates over `edge_host`, `edge_port` and `account`.
    pub env: BTreeMap<String, String>,
    /// Added, or put in place of the same name, where Routes speak https only.
    pub https_only_env: BTreeMap<String, String>,
    /// Added where an account was chosen.
    pub account_env: BTreeMap<String, String>,
    /// The token that it takes, if it takes one.
    pub auth_token: Option<AuthToken>,
    /// Its image has a Python, and AWS tools that read `AWS_ENDPOINT_URL`: the scripts of `--init` can run in it.
    pub runs_scripts: bool,
    /// Names (templates like the values of `env`) that are to mean the pod itself inside the pod.
    #[serde(default)]
    pub own_names: Vec<String>,
    /// A command that runs inside the container after each of its starts, and must succeed.
    #[serde(default)]
    pub after_start: Vec<String>,
    /// Directories that must be writable and may be lost.
    pub scratch: Vec<String>,
    /// Where it keeps its state, if it can.
    pub data: Option<DataDirectory>,
    /// What it asks of a dedicated SCC.
    pub security: Security,
    /// Requests and limits of its container.
    pub resources: Resources,
    /// How long it may take to start, in seconds.
    pub startup_seconds: u32,
    /// How it runs without a cluster, where it can.
    pub local: Option<Local>,
    /// Operations of the smoke tests that it cannot carry out, with the reason.
    pub lacks: Vec<Lack>,
}

/// The token of an emulator, which comes from a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthToken {
    /// The environment variable that it is read from.
    pub variable: String,
    /// It does not start without.
    pub required: bool,
}

/// One port of an emulator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Its name; where every service has its own port, the service's name.
    pub name: String,
    /// Its number.
    pub port: u16,
}

/// How services are laid out over ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceLayout {
    /// Every service of the catalogue, behind the gateway port.
    All,
    /// One service per port, of the port's name.
    Ports,
}

/// A health check: an HTTP GET of `path`, or only an open port where there is no path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Name of the port.
    pub port: String,
    /// Path of the request.
    pub path: Option<String>,
}

/// A directory that keeps the emulator's state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataDirectory {
    /// Where it is mounted.
    pub mount: String,
    /// Environment variables that turn persistence on.
    pub env: BTreeMap<String, String>,
}

/// What a pod asks for under a dedicated SCC.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// The uid it runs as; 0 is root.
    pub run_as_user: i64,
    /// Capabilities added after all were dropped.
    pub capabilities: Vec<String>,
}

/// Requests and limits in Kubernetes' own notation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// What the scheduler reserves.
    pub requests: BTreeMap<String, String>,
    /// What the kernel enforces.
    pub limits: BTreeMap<String, String>,
}

/// How an emulator runs as a process of this machine: a Python module in a virtual environment of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Local {
    /// The release that is installed.
    pub version: String,
    /// The oldest Python that will do: major, minor.
    pub python: (u32, u32),
    /// The file in `manifests/emulators/` that pins what pip installs.
    pub requirements: String,
    /// The directory below `data` where it keeps what it downloads at first use; all environments share it.
    pub parts: Option<String>,
    /// The module that is run, as by `python -m`.
    pub module: String,
    /// Its arguments; templates over `port`, where it is to listen.
    pub args: Vec<String>,
    /// Added to the profile's `env` and `account_env`, or put in place of the same name. All of them are templates
    /// over `port`, `edge_host`, `edge_port`, `account` and `data`, a directory of its own.
    pub env: BTreeMap<String, String>,
    /// Names of its own modules that no variable sets, and their values (templates too).
    #[serde(default)]
    pub set: BTreeMap<String, String>,
}

/// One operation that an emulator cannot carry out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lack {
    /// The service.
    pub service: String,
    /// The operation, as the smoke test of that service calls it.
    pub operation: String,
    /// Why, in words for the user.
    pub reason: String,
}

const SOURCES: [(&str, &str); 4] = [
    ("localstack", include_str!("../manifests/emulators/localstack.yaml")),
    ("localstack-legacy", include_str!("../manifests/emulators/localstack-legacy.yaml")),
    ("localstack-pro", include_str!("../manifests/emulators/localstack-pro.yaml")),
    ("moto", include_str!("../manifests/emulators/moto.yaml")),
];

const REQUIREMENTS: [(&str, &str); 2] = [
    ("localstack-requirements.txt", include_str!("../manifests/emulators/localstack-requirements.txt")),
    ("moto-requirements.txt", include_str!("../manifests/emulators/moto-requirements.txt")),
];

/// The profile of that name; the error lists the names there are.
pub fn profile(name: &str) -> Result<Profile> {
    let Some((_, source)) = SOURCES.iter().find(|(known, _)| *known == name) else {
        return Err(CommandError::new(format!("there is no emulator `{name}`"))
            .hint(format!("choose one of: {}", names().join(", "))));
    };
    yaml::parse(source).map_err(|error| CommandError::new(format!("cannot read the profile of `{name}`: {error}")))
}

/// The names of all profiles.
pub fn names() -> Vec<&'static str> {
    SOURCES.iter().map(|(name, _)| *name).collect()
}

impl Local {
    /// What pip is to install, one requirement per line.
    pub fn requirements(&self) -> &'static str {
        REQUIREMENTS.iter().find(|(file, _)| *file == self.requirements).map_or("", |(_, text)| text)
    }
}

impl Profile {
    /// The names of its services, in alphabetical order.
    pub fn service_names(&self) -> Vec<String> {
        let mut names: Vec<String> = match self.services {
            ServiceLayout::All => crate::services::SERVICES.iter().map(|service| service.name.to_owned()).collect(),
            ServiceLayout::Ports => self.ports.iter().map(|port| port.name.clone()).collect(),
        };
        names.sort();
        names
    }

    /// The port's name that a service is reached by.
    pub fn port_of<'a>(&'a self, service: &'a str) -> &'a str {
        self.gateway.as_deref().unwrap_or(service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_reads_and_refers_to_its_own_ports() {
        for name in names() {
            let profile = profile(name).unwrap();
            assert_eq!(profile.name, name);
            let ports: Vec<_> = profile.ports.iter().map(|port| port.name.as_str()).collect();
            for used in [&profile.readiness.port, &profile.liveness.port].into_iter().chain(&profile.gateway) {
                assert!(ports.contains(&used.as_str()), "{name}: no port {used}");
            }
        }
    }

    #[test]
    fn what_runs_locally_is_pinned_and_asked_for_its_health_by_a_path() {
        let local: Vec<_> = names().into_iter().filter_map(|name| profile(name).unwrap().local).collect();
        assert_eq!(local.len(), 2);
        for Local { version, requirements, .. } in &local {
            let (_, text) = REQUIREMENTS.iter().find(|(file, _)| file == requirements).unwrap();
            let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
            assert!(lines[0].ends_with(&format!("=={version}")), "{}", lines[0]);
            assert!(lines.iter().all(|line| line.contains("==")), "{requirements}");
        }
        for profile in names().into_iter().map(|name| profile(name).unwrap()).filter(|one| one.local.is_some()) {
            assert!(profile.readiness.path.is_some() && profile.gateway.is_some());
        }
    }

    #[test]
    fn legacy_has_the_articles_fifteen_services_and_web() {
        assert_eq!(profile("localstack-legacy").unwrap().service_names().len(), 16);
    }

    #[test]
    fn an_unknown_emulator_lists_the_known_ones() {
        let error = profile("minio").unwrap_err();
        assert_eq!(error.hints, ["choose one of: localstack, localstack-legacy, localstack-pro, moto"]);
    }
}
