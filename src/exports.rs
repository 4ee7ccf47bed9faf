//! What a client needs to use an environment, as variables, and their formats. Pure but for the cache directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::endpoints::{Endpoint, edge};
use crate::environment::Environment;
use crate::services;

/// Names and values. Services have their own variables, so that services which the emulator lacks are not sent to real
/// AWS unnoticed: `AWS_ENDPOINT_URL` names the gateway for them too.
pub fn variables(
    environment: &Environment,
    endpoints: &[Endpoint],
    ca_bundle: Option<&Path>,
) -> BTreeMap<String, String> {
    let account = environment.account.clone().unwrap_or_else(|| "test".to_owned());
    let mut all = BTreeMap::from([
        ("AWS_ACCESS_KEY_ID".to_owned(), account),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "test".to_owned()),
        ("AWS_REGION".to_owned(), environment.region.clone()),
        ("AWS_DEFAULT_REGION".to_owned(), environment.region.clone()),
    ]);
    for endpoint in endpoints {
        if let Some(service) = services::find(&endpoint.service) {
            all.insert(format!("AWS_ENDPOINT_URL_{}", service.config_key.to_uppercase()), endpoint.url.clone());
        }
    }
    all.extend(edge(endpoints).map(|edge| ("AWS_ENDPOINT_URL".to_owned(), edge.url.clone())));
    all.extend(ca_bundle.map(|path| ("AWS_CA_BUNDLE".to_owned(), path.display().to_string())));
    all
}

/// `export NAME='value'` lines.
pub fn shell(variables: &BTreeMap<String, String>) -> String {
    let line = |(name, value): (&String, &String)| format!("export {name}='{}'\n", value.replace('\'', "'\\''"));
    variables.iter().map(line).collect()
}

/// One JSON object.
pub fn json(variables: &BTreeMap<String, String>) -> String {
    format!("{:#}\n", serde_json::json!(variables))
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
        assert_eq!(shell(&variables), "export A='it'\\''s $HOME'\n");
    }
}
