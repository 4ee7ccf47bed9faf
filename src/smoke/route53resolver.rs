//! Route 53 Resolver: a rule that forwards a domain, associated with a network.

use aws_sdk_route53resolver::{
    Client,
    types::{Filter, ResolverRuleAssociation, RuleTypeOption, TargetAddress},
};

use super::{diagnose::Failure, ec2, run::Run};

/// An address set aside for documentation (RFC 5737).
const ADDRESS: &str = "192.0.2.42";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let resolver = Client::new(&run.sdk());
    let networks = aws_sdk_ec2::Client::new(&run.sdk_for("ec2"));
    let vpc = ec2::create_vpc(run, &networks).await?;

    let name = run.name();
    let domain = format!("{name}.test");
    let target = TargetAddress::builder().ip(ADDRESS).port(53).build();
    let create = resolver.create_resolver_rule().creator_request_id(&name).name(&name).domain_name(&domain);
    let create = create.rule_type(RuleTypeOption::Forward).target_ips(target);
    let created = run.step("create_resolver_rule", create.send()).await?;
    let rule = run.present("Id", created.resolver_rule.and_then(|rule| rule.id))?;
    run.undo("delete_resolver_rule", resolver.delete_resolver_rule().resolver_rule_id(&rule).send());

    let read = run.step("get_resolver_rule", resolver.get_resolver_rule().resolver_rule_id(&rule).send()).await?;
    let read = run.present("ResolverRule", read.resolver_rule)?;
    run.expect_account(read.arn().unwrap_or_default())?;
    let read_domain = read.domain_name().map(|domain| domain.trim_end_matches('.'));
    run.expect_eq("domain", &Some(domain.as_str()), &read_domain)?;
    let targets: Vec<_> = read.target_ips().iter().map(|target| (target.ip(), target.port())).collect();
    run.expect_eq("targets", &vec![(Some(ADDRESS), Some(53))], &targets)?;

    let associate = resolver.associate_resolver_rule().resolver_rule_id(&rule).vpc_id(&vpc).name(&name);
    run.step("associate_resolver_rule", associate.send()).await?;
    let undo = resolver.disassociate_resolver_rule().resolver_rule_id(&rule).vpc_id(&vpc);
    run.undo("disassociate_resolver_rule", undo.send());
    let of_rule = Filter::builder().name("ResolverRuleId").values(&rule).build();
    let listed = resolver.list_resolver_rule_associations().filters(of_rule);
    let listed = run.step("list_resolver_rule_associations", listed.send()).await?;
    let found: Vec<_> = listed.resolver_rule_associations().iter().map(ResolverRuleAssociation::vpc_id).collect();
    run.expect_eq("networks of the rule", &vec![Some(vpc.as_str())], &found)
}
