//! Route 53: a hosted zone and a record in it.

use aws_sdk_route53::{
    Client,
    error::BuildError,
    types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType},
};

use super::{cause::Cause, diagnose::Failure, run::Run, sweep::Sweep};

/// An address set aside for documentation (RFC 5737).
const ADDRESS: &str = "192.0.2.42";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let route53 = Client::new(&run.sdk());
    let zone_name = format!("{}.test.", run.name());
    let create = route53.create_hosted_zone().name(&zone_name).caller_reference(run.name());
    let created = run.step("create_hosted_zone", create.send()).await?;
    let zone = run.present("HostedZone", created.hosted_zone)?;
    // Answers say `/hostedzone/Z123`, requests `Z123`.
    let id = zone.id().trim_start_matches("/hostedzone/").to_owned();
    run.undo("delete_hosted_zone", route53.delete_hosted_zone().id(&id).send());
    run.expect_eq("zone", zone_name.as_str(), zone.name())?;

    let name = format!("www.{zone_name}");
    let address = run.built(ResourceRecord::builder().value(ADDRESS).build())?;
    let record = ResourceRecordSet::builder().name(&name).r#type(RrType::A).ttl(60).resource_records(address).build();
    let record = run.built(record)?;
    let change = |action| {
        let change = Change::builder().action(action).resource_record_set(record.clone()).build()?;
        let batch = ChangeBatch::builder().changes(change).build()?;
        Ok::<_, BuildError>(route53.change_resource_record_sets().hosted_zone_id(&id).change_batch(batch))
    };
    let (create, delete) = (run.built(change(ChangeAction::Create))?, run.built(change(ChangeAction::Delete))?);
    run.step("change_resource_record_sets", create.send()).await?;
    run.undo("change_resource_record_sets", delete.send());

    let listed = route53.list_resource_record_sets().hosted_zone_id(&id);
    let listed = run.step("list_resource_record_sets", listed.send()).await?;
    let found = listed.resource_record_sets().iter().find(|set| set.name() == name && set.r#type() == &RrType::A);
    let values = found.map(|set| set.resource_records().iter().map(ResourceRecord::value).collect());
    run.expect_eq("addresses", &Some(vec![ADDRESS]), &values)
}

/// What the check may leave: hosted zones with their records.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let route53 = Client::new(&sweep.sdk());
    let zones = route53.list_hosted_zones().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for zone in zones {
        let id = zone.id().trim_start_matches("/hostedzone/");
        sweep.found("hosted zone", zone.name(), remove_zone(&route53, id)).await;
    }
    Ok(())
}

async fn remove_zone(route53: &Client, id: &str) -> Result<(), Cause> {
    let listed = route53.list_resource_record_sets().hosted_zone_id(id).send().await?;
    // The zone's own records go with it.
    let own = [RrType::Ns, RrType::Soa];
    for record in listed.resource_record_sets().iter().filter(|record| !own.contains(record.r#type())) {
        let change = Change::builder().action(ChangeAction::Delete).resource_record_set(record.clone()).build();
        let batch = change.and_then(|change| ChangeBatch::builder().changes(change).build());
        let batch = batch.map_err(|error| Cause::Unsent(error.to_string()))?;
        route53.change_resource_record_sets().hosted_zone_id(id).change_batch(batch).send().await?;
    }
    route53.delete_hosted_zone().id(id).send().await?;
    Ok(())
}
