//! Resource Groups: a group of everything with a tag, its query read back and changed.

use aws_sdk_resourcegroups::{
    Client,
    types::{QueryType, ResourceQuery},
};
use serde_json::{Value, json};

use super::{diagnose::Failure, run::Run};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let groups = Client::new(&run.sdk());
    let name = run.name();
    let create = groups.create_group().name(&name).tags("colour", "blue");
    let create = create.resource_query(by_tag(run, "first")?);
    let created = run.step("create_group", create.send()).await?;
    run.undo("delete_group", groups.delete_group().group(&name).send());
    let group = run.present("Group", created.group)?.group_arn;
    run.expect_account(&group)?;
    let tags = run.step("get_tags", groups.get_tags().arn(&group).send()).await?;
    let colour = tags.tags().and_then(|tags| tags.get("colour"));
    run.expect_eq("tag", &Some("blue"), &colour.map(String::as_str))?;
    expect_query(run, &groups, &group, "first").await?;

    let update = groups.update_group_query().group(&group).resource_query(by_tag(run, "second")?);
    run.step("update_group_query", update.send()).await?;
    expect_query(run, &groups, &group, "second").await?;
    let listed = run.step("list_groups", groups.list_groups().send()).await?;
    let names: Vec<_> = listed.group_identifiers().iter().filter_map(|group| group.group_name()).collect();
    run.expect_eq("group in list_groups", &true, &names.contains(&name.as_str()))
}

async fn expect_query(run: &mut Run, groups: &Client, group: &str, colour: &str) -> Result<(), Failure> {
    let read = run.step("get_group_query", groups.get_group_query().group(group).send()).await?;
    let query = read.group_query().and_then(|query| query.resource_query()).map(ResourceQuery::query);
    let query = query.and_then(|query| serde_json::from_str(query).ok());
    run.expect_eq("query", &Some(filters(colour)), &query)
}

fn by_tag(run: &Run, colour: &str) -> Result<ResourceQuery, Failure> {
    let query = ResourceQuery::builder().r#type(QueryType::TagFilters10).query(filters(colour).to_string());
    run.built(query.build())
}

fn filters(colour: &str) -> Value {
    json!({"ResourceTypeFilters": ["AWS::AllSupported"], "TagFilters": [{"Key": "colour", "Values": [colour]}]})
}
