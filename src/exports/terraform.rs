//! A provider block for Terraform and `OpenTofu`, in the form that `terraform fmt` writes. Pure.

use std::fmt::Write as _;

use super::{Access, SECRET};
use crate::endpoints::edge;
use crate::services::SERVICES;

/// `provider "aws" { ... }`.
pub(super) fn write(access: &Access<'_>) -> String {
    let quoted = |text: &str| format!("\"{}\"", escape(text));
    let is = || "true".to_owned();
    let mut settings = vec![
        ("region", quoted(access.region)),
        ("access_key", quoted(access.access_key())),
        ("secret_key", quoted(SECRET)),
    ];
    settings.extend(access.ca_bundle().map(|path| ("custom_ca_bundle", quoted(&path))));
    settings.extend([
        ("s3_use_path_style", is()),
        ("skip_credentials_validation", is()),
        ("skip_metadata_api_check", is()),
        ("skip_region_validation", is()),
        ("skip_requesting_account_id", is()),
    ]);
    let (settings, endpoints) = (aligned("  ", &settings), aligned("    ", &endpoints(access)));
    format!("provider \"aws\" {{\n{settings}\n  endpoints {{\n{endpoints}  }}\n}}\n")
}

/// Every key that the provider has for a service of the catalogue. A service without an endpoint of its own is sent to
/// the gateway, so that nothing goes to real AWS.
fn endpoints(access: &Access<'_>) -> Vec<(&'static str, String)> {
    let gateway = edge(access.endpoints).map(|edge| edge.url.as_str());
    let url = |service: &str| {
        let own = access.endpoints.iter().find(|endpoint| endpoint.service == service);
        own.map(|endpoint| endpoint.url.as_str()).or(gateway)
    };
    let known =
        SERVICES.iter().filter_map(|service| Some((key(service.name)?, format!("\"{}\"", escape(url(service.name)?)))));
    known.collect()
}

/// The provider's key for a service, which is mostly our name too; some services it does not know.
fn key(service: &'static str) -> Option<&'static str> {
    match service {
        "config" => Some("configservice"),
        "es" => Some("elasticsearch"),
        "resource-groups" => Some("resourcegroups"),
        "stepfunctions" => Some("sfn"),
        "dynamodbstreams" | "support" => None,
        other => Some(other),
    }
}

/// Lines with their equals signs below each other.
fn aligned(indent: &str, pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    pairs.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{indent}{name:width$} = {value}");
        text
    })
}

/// The inside of a quoted template: no interpolation, no escape.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_access;
    use super::*;

    #[test]
    fn every_key_of_the_provider_leads_to_the_environment() {
        let text = with_access(None, write);
        assert!(text.contains("    sqs                      = \"https://sqs.test\"\n"), "{text}");
        assert!(text.contains("    sfn                      = \"https://stepfunctions.test\"\n"), "{text}");
        assert!(text.contains("    ec2                      = \"https://edge.test\"\n"), "{text}");
        assert_eq!(text.matches(".test\"").count(), 33);
    }

    #[test]
    fn values_are_no_templates() {
        assert_eq!(escape("a\"b\\${c}%{d}\n\u{1}"), "a\\\"b\\\\$${c}%%{d}\\n\\u0001");
    }
}
