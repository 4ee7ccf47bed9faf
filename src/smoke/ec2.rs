//! EC2: a network with a subnet in it, and a security group that lets one port through.

use aws_sdk_ec2::{
    Client,
    types::{Filter, IpPermission, IpRange, ResourceType, SecurityGroup, Subnet, Tag, TagSpecification},
};

use super::{diagnose::Failure, run::Run};

const NETWORK: &str = "10.42.0.0/16";
const SUBNET: &str = "10.42.1.0/24";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let ec2 = Client::new(&run.sdk());
    let name = run.name();
    let vpc = create_vpc(run, &ec2).await?;
    let named = Filter::builder().name("tag:Name").values(&name).build();
    let found = run.step("describe_vpcs", ec2.describe_vpcs().filters(named).send()).await?;
    let networks: Vec<_> = found.vpcs().iter().map(|found| (found.vpc_id(), found.cidr_block())).collect();
    run.expect_eq("networks of that name", &vec![(Some(vpc.as_str()), Some(NETWORK))], &networks)?;

    let create = ec2.create_subnet().vpc_id(&vpc).cidr_block(SUBNET);
    let created = run.step("create_subnet", create.send()).await?;
    let subnet = run.present("SubnetId", created.subnet.and_then(|subnet| subnet.subnet_id))?;
    run.undo("delete_subnet", ec2.delete_subnet().subnet_id(&subnet).send());
    let inside = Filter::builder().name("vpc-id").values(&vpc).build();
    let found = run.step("describe_subnets", ec2.describe_subnets().filters(inside).send()).await?;
    let blocks: Vec<_> = found.subnets().iter().map(Subnet::cidr_block).collect();
    run.expect_eq("subnets of the network", &vec![Some(SUBNET)], &blocks)?;
    run.expect_account(found.subnets().first().and_then(Subnet::subnet_arn).unwrap_or_default())?;

    let create = ec2.create_security_group().group_name(&name).description("smoke test").vpc_id(&vpc);
    let group = run.step("create_security_group", create.send()).await?;
    let group = run.present("GroupId", group.group_id)?;
    run.undo("delete_security_group", ec2.delete_security_group().group_id(&group).send());
    let range = IpRange::builder().cidr_ip(NETWORK).build();
    let https = IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443).ip_ranges(range).build();
    let allow = ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(https);
    run.step("authorize_security_group_ingress", allow.send()).await?;
    let found = run.step("describe_security_groups", ec2.describe_security_groups().group_ids(&group).send()).await?;
    let permissions = found.security_groups().first().map(SecurityGroup::ip_permissions).unwrap_or_default();
    let ports: Vec<_> = permissions.iter().map(|rule| (rule.from_port(), rule.to_port())).collect();
    run.expect_eq("open ports", &vec![(Some(443), Some(443))], &ports)
}

/// Creates a network with the run's name; in the end it is deleted.
pub(super) async fn create_vpc(run: &mut Run, ec2: &Client) -> Result<String, Failure> {
    let tag = Tag::builder().key("Name").value(run.name()).build();
    let tags = TagSpecification::builder().resource_type(ResourceType::Vpc).tags(tag).build();
    let create = ec2.create_vpc().cidr_block(NETWORK).tag_specifications(tags);
    let created = run.step("create_vpc", create.send()).await?;
    let vpc = run.present("VpcId", created.vpc.and_then(|vpc| vpc.vpc_id))?;
    run.undo("delete_vpc", ec2.delete_vpc().vpc_id(&vpc).send());
    Ok(vpc)
}
