//! An environment without a cluster, validated: the same type, under names of its own. Pure.

use super::{EnvName, Environment, Place, Tenure, Tls};
use crate::emulator;
use crate::error::{CommandError, Result};
use crate::level::Level;
use crate::settings::Choices;

/// What answers unless `--emulator` names another.
const EMULATOR: &str = "moto";

/// The longest name, in characters: as on a cluster, where `localstack-` stands before it in a DNS label.
const LONGEST: usize = 52;

impl Environment {
    /// Checks the choices of an environment of this machine. Its services have the hosts [`local_host`]; its namespace,
    /// SCC and TLS are what they would be on a cluster without these things, and nothing local reads them.
    ///
    /// # Errors
    /// The first choice that cannot be, with what is possible.
    pub fn local(name: &EnvName, mut choices: Choices) -> Result<Self> {
        check_name(name)?;
        let profile = emulator::profile(choices.emulator.get_or_insert_with(|| EMULATOR.to_owned()))?;
        if profile.local.is_none() {
            return Err(CommandError::new(format!("--emulator: {} does not run without a cluster", profile.name))
                .hint(format!("choose one of: {}", local_emulators().join(", "))));
        }
        let place = Place {
            namespace: None,
            tenure: Tenure::Own,
            cluster_domain: Some(format!("{name}.localhost")),
            has_sccs: false,
            level: Level::NEWEST,
        };
        Ok(Self { tls: Tls::None, ..Self::resolve(name, choices, place)? })
    }
}

/// The host of a service, or of `edge`, in an environment of this machine. Every name below `localhost` means this
/// machine (RFC 6761).
pub fn local_host(name: &EnvName, service: &str) -> String {
    format!("{service}.{name}.localhost")
}

/// The names of the emulators that run without a cluster.
pub fn local_emulators() -> Vec<&'static str> {
    let runs = |name: &&str| emulator::profile(name).is_ok_and(|profile| profile.local.is_some());
    emulator::names().into_iter().filter(runs).collect()
}

/// The name is a label of every host: short enough for DNS, and none that emulators read a meaning into.
fn check_name(name: &EnvName) -> Result<()> {
    let text = name.as_str();
    let refuse = |why: String| {
        Err(CommandError::new(format!("`{name}` cannot be the name of a local environment: {why}"))
            .hint("choose another name, e.g. --env team1"))
    };
    if text.len() > LONGEST {
        return refuse(format!("it has {} characters, {LONGEST} are possible", text.len()));
    }
    if text.starts_with("s3") || ["queue", "lambda-url", "execute-api", "localhost"].contains(&text) {
        return refuse("emulators take that label of a host for part of a bucket, a queue or a function".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(name: &str, choices: Choices) -> Result<Environment> {
        Environment::local(&EnvName::parse(name)?, choices)
    }

    #[test]
    fn moto_is_the_default_and_is_recorded() {
        let environment = local("team1", Choices::default()).unwrap();
        assert_eq!(environment.choices.emulator.as_deref(), Some("moto"));
        assert_eq!((environment.tls, environment.routes().len()), (Tls::None, 36));
    }

    #[test]
    fn an_emulator_that_only_runs_as_an_image_is_refused() {
        let choices = Choices { emulator: Some("localstack-legacy".into()), ..Choices::default() };
        let error = local("team1", choices).unwrap_err();
        assert_eq!(error.message, "--emulator: localstack-legacy does not run without a cluster");
        assert_eq!(error.hints, ["choose one of: localstack, moto"]);
    }

    #[test]
    fn names_that_emulators_read_a_meaning_into_are_refused() {
        for bad in ["s3", "s3-team", "queue", "localhost", &"a".repeat(53)] {
            assert!(local(bad, Choices::default()).is_err(), "{bad}");
        }
    }
}
