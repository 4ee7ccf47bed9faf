//! A profile and its `services` section for the configuration file of the AWS CLI and SDKs (`~/.aws/config`, or what
//! `AWS_CONFIG_FILE` names). Pure.

use std::fmt::Write as _;

use super::{Access, SECRET, refuse_unless};
use crate::endpoints::edge;
use crate::error::Result;

/// `[profile ENV]` and `[services ENV-services]`.
pub(super) fn write(access: &Access<'_>) -> Result<String> {
    let env = access.env;
    let mut text = format!("[profile {env}]\n");
    let mut set = |name: &str, value: &str| {
        // A `#` or `;` begins a comment for some readers and not for others.
        refuse_unless("aws-config", name, value, |c| !c.is_control() && !"#;".contains(c))?;
        let _ = writeln!(text, "{name} = {value}");
        Ok(())
    };
    set("region", access.region)?;
    set("aws_access_key_id", access.access_key())?;
    set("aws_secret_access_key", SECRET)?;
    if let Some(path) = access.ca_bundle() {
        set("ca_bundle", &path)?;
    }
    set("services", &format!("{env}-services"))?;
    // For services that the emulator lacks: nothing goes to real AWS.
    if let Some(edge) = edge(access.endpoints) {
        set("endpoint_url", &edge.url)?;
    }
    // A bucket's name before the host would lead to no Route.
    text.push_str("s3 =\n  addressing_style = path\n");
    let _ = writeln!(text, "\n[services {env}-services]");
    for (service, url) in access.services() {
        let _ = writeln!(text, "{} =\n  endpoint_url = {url}", service.config_key);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_access;
    use super::*;

    #[test]
    fn the_profile_names_its_services() {
        insta::assert_snapshot!(with_access(Some("/my ca.pem"), write).unwrap(), @r"
        [profile team1]
        region = eu-west-1
        aws_access_key_id = test
        aws_secret_access_key = test
        ca_bundle = /my ca.pem
        services = team1-services
        endpoint_url = https://edge.test
        s3 =
          addressing_style = path

        [services team1-services]
        sqs =
          endpoint_url = https://sqs.test
        sfn =
          endpoint_url = https://stepfunctions.test
        ");
        assert!(with_access(Some("/a\n[default]"), write).is_err());
    }
}
