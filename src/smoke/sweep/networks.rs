//! What the checks of networks and of inventories may leave. Does network IO.

use aws_sdk_ec2::types::Filter;

use super::Sweep;
use crate::smoke::cause::Cause;

/// Rules of AWS Config.
pub(super) async fn config(sweep: &mut Sweep) -> Result<(), Cause> {
    let config = aws_sdk_config::Client::new(&sweep.sdk());
    let rules = config.describe_config_rules().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for name in rules.iter().filter_map(|rule| rule.config_rule_name()) {
        sweep.found("config rule", name, config.delete_config_rule().config_rule_name(name).send()).await;
    }
    Ok(())
}

/// Networks, told by their tag `Name`, with what is in them.
pub(super) async fn ec2(sweep: &mut Sweep) -> Result<(), Cause> {
    let ec2 = aws_sdk_ec2::Client::new(&sweep.sdk());
    let vpcs = ec2.describe_vpcs().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for vpc in vpcs {
        let name = vpc.tags().iter().find(|tag| tag.key() == Some("Name")).and_then(|tag| tag.value());
        let remove = remove_vpc(&ec2, vpc.vpc_id().unwrap_or_default());
        sweep.found("vpc", name.unwrap_or_default(), remove).await;
    }
    Ok(())
}

async fn remove_vpc(ec2: &aws_sdk_ec2::Client, vpc: &str) -> Result<(), Cause> {
    let inside = Filter::builder().name("vpc-id").values(vpc).build();
    let subnets = ec2.describe_subnets().filters(inside.clone()).send().await?;
    for id in subnets.subnets().iter().filter_map(|subnet| subnet.subnet_id()) {
        ec2.delete_subnet().subnet_id(id).send().await?;
    }
    let groups = ec2.describe_security_groups().filters(inside).send().await?;
    // The default group goes with the network.
    let made = groups.security_groups().iter().filter(|group| group.group_name() != Some("default"));
    for id in made.filter_map(|group| group.group_id()) {
        ec2.delete_security_group().group_id(id).send().await?;
    }
    ec2.delete_vpc().vpc_id(vpc).send().await?;
    Ok(())
}

/// Resource groups.
pub(super) async fn resource_groups(sweep: &mut Sweep) -> Result<(), Cause> {
    let groups = aws_sdk_resourcegroups::Client::new(&sweep.sdk());
    let all = groups.list_groups().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for name in all.iter().filter_map(|group| group.group_name()) {
        sweep.found("resource group", name, groups.delete_group().group(name).send()).await;
    }
    Ok(())
}

/// Resolver rules, taken from their networks first.
pub(super) async fn route53resolver(sweep: &mut Sweep) -> Result<(), Cause> {
    let resolver = aws_sdk_route53resolver::Client::new(&sweep.sdk());
    let rules = resolver.list_resolver_rules().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for rule in rules {
        let id = rule.id().unwrap_or_default();
        let remove = async {
            let places = resolver.list_resolver_rule_associations().into_paginator().items().send();
            let places = places.collect::<Result<Vec<_>, _>>().await?;
            for place in places.iter().filter(|place| place.resolver_rule_id() == Some(id)) {
                let vpc = place.vpc_id().unwrap_or_default();
                resolver.disassociate_resolver_rule().resolver_rule_id(id).vpc_id(vpc).send().await?;
            }
            resolver.delete_resolver_rule().resolver_rule_id(id).send().await.map_err(Cause::from)
        };
        sweep.found("resolver rule", rule.name().unwrap_or_default(), remove).await;
    }
    Ok(())
}
