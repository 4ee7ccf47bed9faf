//! What a client needs to use an environment, in the formats that clients read. Pure but for the cache directory.

mod aws_config;
mod dotenv;
mod github;
mod terraform;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::EnvFormat;
use crate::endpoints::{Endpoint, edge};
use crate::environment::Environment;
use crate::error::{CommandError, Result};
use crate::services;

/// The secret key of every environment: emulators look at none.
const SECRET: &str = "test";

/// What a client is given.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// The environment's name.
    pub env: &'a str,
    /// The AWS account, where one was chosen: the access key names it.
    pub account: Option<&'a str>,
    /// The AWS region.
    pub region: &'a str,
    /// The URL of each service, and of the gateway.
    pub endpoints: &'a [Endpoint],
    /// The certificates to trust, where the system's do not suffice.
    pub ca_bundle: Option<&'a Path>,
}

impl<'a> Access<'a> {
    /// Access to an environment at these endpoints.
    pub fn of(environment: &'a Environment, endpoints: &'a [Endpoint], ca_bundle: Option<&'a Path>) -> Self {
        let (env, account) = (environment.name.as_str(), environment.account.as_deref());
        Self { env, account, region: &environment.region, endpoints, ca_bundle }
    }

    fn access_key(&self) -> &'a str {
        self.account.unwrap_or("test")
    }

    fn ca_bundle(&self) -> Option<String> {
        self.ca_bundle.map(|path| path.display().to_string())
    }

    /// Every service of the catalogue that has an endpoint, with its URL.
    fn services(&self) -> impl Iterator<Item = (&'static services::Service, &'a str)> {
        self.endpoints.iter().filter_map(|endpoint| Some((services::find(&endpoint.service)?, endpoint.url.as_str())))
    }
}

/// What a client reads.
///
/// # Errors
/// A value that the readers of the format would not read as it is.
pub fn write(format: EnvFormat, access: &Access<'_>) -> Result<String> {
    match format {
        EnvFormat::Shell => Ok(shell(&variables(access))),
        EnvFormat::Json => Ok(json(&variables(access))),
        EnvFormat::Dotenv => dotenv::write(&variables(access)),
        EnvFormat::Github => Ok(github::write(&variables(access))),
        EnvFormat::AwsConfig => aws_config::write(access),
        EnvFormat::Terraform => Ok(terraform::write(access)),
    }
}

/// Names and values. Services have their own variables, so that services which the emulator lacks are not sent to real
/// AWS unnoticed: `AWS_ENDPOINT_URL` names the gateway for them too.
pub fn variables(access: &Access<'_>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([
        ("AWS_ACCESS_KEY_ID".to_owned(), access.access_key().to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), SECRET.to_owned()),
        ("AWS_REGION".to_owned(), access.region.to_owned()),
        ("AWS_DEFAULT_REGION".to_owned(), access.region.to_owned()),
    ]);
    for (service, url) in access.services() {
        all.insert(format!("AWS_ENDPOINT_URL_{}", service.config_key.to_uppercase()), url.to_owned());
    }
    all.extend(edge(access.endpoints).map(|edge| ("AWS_ENDPOINT_URL".to_owned(), edge.url.clone())));
    all.extend(access.ca_bundle().map(|path| ("AWS_CA_BUNDLE".to_owned(), path)));
    all
}

/// `export NAME='value'` lines, after an `unset` of what another environment or a real session may have left in the shell:
/// its clients would go there unnoticed.
fn shell(variables: &BTreeMap<String, String>) -> String {
    let of_services = services::SERVICES.iter().map(|s| format!("AWS_ENDPOINT_URL_{}", s.config_key.to_uppercase()));
    let others = ["AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN", "AWS_PROFILE"].map(str::to_owned);
    let stale: Vec<String> =
        others.into_iter().chain(of_services).filter(|name| !variables.contains_key(name)).collect();
    let line = |(name, value): (&String, &String)| format!("export {name}='{}'\n", value.replace('\'', "'\\''"));
    let exports: String = variables.iter().map(line).collect();
    format!("unset {}\n{exports}", stale.join(" "))
}

/// One JSON object.
fn json(variables: &BTreeMap<String, String>) -> String {
    format!("{:#}\n", serde_json::json!(variables))
}

/// Refuses a value with a character that readers of a format take for something else.
fn refuse_unless(format: &str, name: &str, value: &str, is_plain: fn(char) -> bool) -> Result<()> {
    let Some(odd) = value.chars().find(|c| !is_plain(*c)) else { return Ok(()) };
    let shown = value.escape_debug();
    let odd = odd.escape_debug();
    Err(CommandError::new(format!("cannot write {name} as {format}: in `{shown}`, readers do not agree on `{odd}`"))
        .hint("give --ca-file a path of plain letters, or use --format shell or json"))
}

/// `$XDG_CACHE_HOME/lsdeploy`, or `~/.cache/lsdeploy`.
pub fn cache_directory() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = from("XDG_CACHE_HOME").or_else(|| Some(from("HOME")?.join(".cache")))?;
    Some(base.join("lsdeploy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_values_are_quoted() {
        let variables = BTreeMap::from([("A".to_owned(), "it's $HOME".to_owned())]);
        assert!(shell(&variables).ends_with("\nexport A='it'\\''s $HOME'\n"));
    }

    #[test]
    fn what_another_environment_left_in_the_shell_is_unset() {
        let text = with_access(None, |access| shell(&variables(access)));
        let unset: Vec<&str> = text.lines().next().unwrap().split(' ').collect();
        assert!(unset[0] == "unset" && unset.contains(&"AWS_ENDPOINT_URL_S3") && unset.contains(&"AWS_SESSION_TOKEN"));
        assert!(!unset.contains(&"AWS_ENDPOINT_URL_SQS") && !unset.contains(&"AWS_ENDPOINT_URL"), "{text}");
    }

    /// An environment of two services behind a gateway.
    pub(super) fn with_access<T>(ca_bundle: Option<&str>, use_it: impl FnOnce(&Access<'_>) -> T) -> T {
        let endpoint = |service: &str| Endpoint { service: service.to_owned(), url: format!("https://{service}.test") };
        let endpoints = ["sqs", "stepfunctions", "edge"].map(endpoint);
        let ca_bundle = ca_bundle.map(Path::new);
        use_it(&Access { env: "team1", account: None, region: "eu-west-1", endpoints: &endpoints, ca_bundle })
    }
}
