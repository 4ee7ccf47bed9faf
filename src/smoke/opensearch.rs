//! `OpenSearch` Service: the control API, a domain created, described and listed.

use aws_sdk_opensearch::{Client, types::DomainInfo};

use super::{diagnose::Failure, run::Run};

const VERSION: &str = "OpenSearch_2.11";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let opensearch = Client::new(&run.sdk());
    // A domain's name has 28 characters at most.
    let name = run.name_ending("os");
    let listed = |domains: &[DomainInfo]| domains.iter().any(|domain| domain.domain_name() == Some(name.as_str()));
    let before = run.step("list_domain_names", opensearch.list_domain_names().send()).await?;
    run.expect_eq("domain in list_domain_names before it exists", &false, &listed(before.domain_names()))?;
    if run.skips("create_domain") {
        return Ok(());
    }

    let create = opensearch.create_domain().domain_name(&name).engine_version(VERSION);
    run.step("create_domain", create.send()).await?;
    run.undo("delete_domain", opensearch.delete_domain().domain_name(&name).send());
    let described = run.step("describe_domain", opensearch.describe_domain().domain_name(&name).send()).await?;
    let domain = run.present("DomainStatus", described.domain_status)?;
    run.expect_eq("domain", name.as_str(), domain.domain_name())?;
    run.expect_eq("version", &Some(VERSION), &domain.engine_version())?;
    run.expect_account(domain.arn())?;
    let after = run.step("list_domain_names", opensearch.list_domain_names().send()).await?;
    run.expect_eq("domain in list_domain_names", &true, &listed(after.domain_names()))
}
