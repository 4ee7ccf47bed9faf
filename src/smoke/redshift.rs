//! Redshift: a cluster, described and listed. Emulators keep the record of a cluster, not a database.

use aws_sdk_redshift::{Client, types::Cluster};

use super::{cause::Cause, diagnose::Failure, run::Run, sweep::Sweep};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let redshift = Client::new(&run.sdk());
    let name = run.name();
    let create = redshift.create_cluster().cluster_identifier(&name).cluster_type("single-node").node_type("ra3.large");
    let create = create.db_name("smoke").master_username("smoke").master_user_password("Smoke-Test-1");
    run.step("create_cluster", create.send()).await?;
    let delete = redshift.delete_cluster().cluster_identifier(&name).skip_final_cluster_snapshot(true);
    run.undo("delete_cluster", delete.send());

    let describe = || redshift.describe_clusters().cluster_identifier(&name).send();
    let available = |cluster: &Cluster| cluster.cluster_status() == Some("available");
    let cluster = run
        .until("describe_clusters", "an available cluster", describe, |got| got.clusters?.into_iter().find(available))
        .await?;
    run.expect_eq("cluster", &Some(name.as_str()), &cluster.cluster_identifier())?;
    run.expect_eq("database", &Some("smoke"), &cluster.db_name())?;
    run.expect_eq("node type", &Some("ra3.large"), &cluster.node_type())
}

/// What the check may leave: clusters.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let redshift = Client::new(&sweep.sdk());
    let clusters = redshift.describe_clusters().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for cluster in clusters {
        let name = cluster.cluster_identifier().unwrap_or_default();
        let remove = redshift.delete_cluster().cluster_identifier(name).skip_final_cluster_snapshot(true);
        sweep.found("cluster", name, remove.send()).await;
    }
    Ok(())
}
