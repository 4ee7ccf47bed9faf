//! Elasticsearch Service: the control API, a domain created and described.

use aws_sdk_elasticsearch::Client;

use super::{cause::Cause, diagnose::Failure, run::Run, sweep::Sweep};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let es = Client::new(&run.sdk());
    let name = run.name();
    let before = run.step("list_domain_names", es.list_domain_names().send()).await?;
    let names = |list: &[aws_sdk_elasticsearch::types::DomainInfo]| {
        list.iter().any(|domain| domain.domain_name() == Some(name.as_str()))
    };
    run.expect_eq("domain in list_domain_names before it exists", &false, &names(before.domain_names()))?;
    if run.skips("create_domain") {
        return Ok(());
    }

    let create = es.create_elasticsearch_domain().domain_name(&name).elasticsearch_version("7.10");
    run.step("create_domain", create.send()).await?;
    run.undo("delete_domain", es.delete_elasticsearch_domain().domain_name(&name).send());

    let describe = es.describe_elasticsearch_domain().domain_name(&name);
    let described = run.step("describe_domain", describe.send()).await?;
    let domain = run.present("DomainStatus", described.domain_status)?;
    run.expect_eq("domain", name.as_str(), domain.domain_name())?;
    run.expect_eq("version", &Some("7.10"), &domain.elasticsearch_version())?;
    run.expect_account(domain.arn())?;
    let after = run.step("list_domain_names", es.list_domain_names().send()).await?;
    run.expect_eq("domain in list_domain_names", &true, &names(after.domain_names()))
}

/// What the check may leave: domains.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let es = Client::new(&sweep.sdk());
    for domain in es.list_domain_names().send().await?.domain_names() {
        let name = domain.domain_name().unwrap_or_default();
        sweep.found("domain", name, es.delete_elasticsearch_domain().domain_name(name).send()).await;
    }
    Ok(())
}
