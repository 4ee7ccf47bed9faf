//! What is to answer the calls of an environment: an emulator that is installed, or one that runs already.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;

use super::super::surroundings;
use crate::emulator;
use crate::environment::local::local_emulators;
use crate::environment::{EnvName, Environment};
use crate::error::{CommandError, Result};
use crate::events::Events;
use crate::local::state::Places;
use crate::local::{health, runtime};
use crate::smoke;

/// What answers.
pub(super) enum Answers {
    /// One that is installed, by its Python.
    Installed(PathBuf),
    /// One that runs already.
    Given(Url),
}

/// The URL of an emulator that runs already.
pub(super) struct Url {
    host: String,
    port: u16,
}

/// Installs the emulator of an environment where that is not done yet.
pub(super) async fn install(
    environment: &Environment,
    places: &Places,
    timeout: Duration,
    events: &Events,
) -> Result<PathBuf> {
    let profile = &environment.profile;
    let Some(local) = &profile.local else {
        return Err(CommandError::new(format!("{} does not run without a cluster", profile.name)));
    };
    let path = surroundings::path();
    let wanted = runtime::Wanted { name: &profile.name, local, cache: &places.cache, path: &path, timeout };
    runtime::install(&wanted, events).await
}

impl Url {
    /// Reads `http://HOST[:PORT]`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(CommandError::new(format!("--emulator-url cannot be `{}`: {why}", text.escape_default()))
                .hint("give the URL of an emulator that runs, e.g. --emulator-url http://127.0.0.1:5000"))
        };
        if let Err(error) = smoke::check_no_real_aws(text) {
            return refuse(&error.to_string());
        }
        let Ok(uri) = text.parse::<Uri>() else { return refuse("it is no URL") };
        let Some(host) = uri.host().filter(|host| !host.is_empty()) else { return refuse("it names no host") };
        if uri.scheme_str() != Some("http") {
            return refuse("the router speaks plain http to an emulator");
        }
        if !["", "/"].contains(&uri.path()) || uri.query().is_some() {
            return refuse("an emulator answers at /, not below a path");
        }
        Ok(Self { host: host.to_ascii_lowercase(), port: uri.port_u16().unwrap_or(80) })
    }

    /// `host:port`.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// An emulator that is not ours is not filled: nobody knows what it holds, and with which Python.
    pub(super) fn no_scripts(&self, env: &EnvName) -> CommandError {
        CommandError::new(format!("--init is for an emulator that lsdeploy starts, not for the one at {self}"))
            .hint(format!("run the scripts from outside, after `eval \"$(lsdeploy env --env {env} --target local)\"`; `--init none` forgets those that are recorded"))
    }

    /// Refuses the router of an environment: requests would go in a circle.
    pub(super) fn check_foreign(&self, places: &Places) -> Result<()> {
        let here =
            ["localhost", "127.0.0.1", "[::1]"].contains(&self.host.as_str()) || self.host.ends_with(".localhost");
        for home in places.all()? {
            if here && home.inventory().is_ok_and(|found| found.is_some_and(|found| found.port == self.port)) {
                return Err(CommandError::new(format!(
                    "--emulator-url {self} is the router of the environment {}",
                    home.env
                ))
                .hint("name the emulator itself, or use that environment as it is"));
            }
        }
        Ok(())
    }

    /// The name of the profile that describes it: the given one if it answers as its profile says, else the one whose
    /// health path is answered.
    pub(super) async fn profile(&self, given: Option<&str>) -> Result<String> {
        let names: Vec<&str> = match given {
            Some(name) => vec![name],
            None => local_emulators(),
        };
        let mut said = Vec::new();
        for name in &names {
            let path = emulator::profile(name)?.readiness.path.unwrap_or_else(|| "/".to_owned());
            match health::check(&self.address(), &path).await {
                Ok(()) => return Ok((*name).to_owned()),
                Err(why) => said.push(why),
            }
        }
        said.dedup();
        Err(CommandError::new(format!(
            "--emulator-url {self} is not answered as by {}: {}",
            names.join(" or "),
            said.join("; ")
        ))
        .hint("start the emulator first, and name the address at which it listens"))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_plain_url_of_an_emulator_is_taken() {
        assert_eq!(Url::parse("http://127.0.0.1:5000/").unwrap().to_string(), "http://127.0.0.1:5000");
        assert_eq!(Url::parse("http://emulator.test").unwrap().address(), "emulator.test:80");
        for bad in ["https://x:1", "x:1", "http://", "http://x/path", "http://sqs.us-east-1.amazonaws.com", ""] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }
}
