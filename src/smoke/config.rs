//! Config: a rule that watches buckets, described and deleted.
//!
//! A recorder would be the other half, but an account has only one of them per region: it may be a user's.

use aws_sdk_config::{
    Client,
    types::{ConfigRule, Owner, Scope, Source},
};

use super::{diagnose::Failure, run::Run};

/// One of AWS's own rules.
const RULE: &str = "S3_BUCKET_VERSIONING_ENABLED";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let config = Client::new(&run.sdk());
    let name = run.name();
    let source = run.built(Source::builder().owner(Owner::Aws).source_identifier(RULE).build())?;
    let scope = Scope::builder().compliance_resource_types("AWS::S3::Bucket").build();
    let rule = ConfigRule::builder().config_rule_name(&name).source(source).scope(scope).build();
    run.step("put_config_rule", config.put_config_rule().config_rule(rule).send()).await?;
    run.undo("delete_config_rule", config.delete_config_rule().config_rule_name(&name).send());

    let describe = config.describe_config_rules().config_rule_names(&name);
    let described = run.step("describe_config_rules", describe.send()).await?;
    let rule = run.present("rule", described.config_rules().first())?;
    run.expect_account(rule.config_rule_arn().unwrap_or_default())?;
    let source = rule.source().and_then(|source| source.source_identifier());
    run.expect_eq("source", &Some(RULE), &source)?;
    let watched = rule.scope().map(Scope::compliance_resource_types).unwrap_or_default();
    run.expect_eq(
        "watched types",
        ["AWS::S3::Bucket"].as_slice(),
        &watched.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}
