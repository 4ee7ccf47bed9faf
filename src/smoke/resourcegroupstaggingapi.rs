//! Resource Groups Tagging: a tagged secret is found by its tag, and not by another one.

use aws_sdk_resourcegroupstagging::{
    Client,
    types::{ResourceTagMapping, TagFilter},
};
use aws_sdk_secretsmanager::types::Tag;

use super::{diagnose::Failure, run::Run, secretsmanager};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let tagging = Client::new(&run.sdk());
    let name = run.name();
    let secrets = aws_sdk_secretsmanager::Client::new(&run.sdk_for("secretsmanager"));
    let tag = Tag::builder().key("run").value(&name).build();
    let secret = secretsmanager::create_secret(run, &secrets, "tagged", Some(tag)).await?;

    let tagged = |value: &str| {
        let filter = TagFilter::builder().key("run").values(value).build();
        tagging.get_resources().tag_filters(filter).send()
    };
    let found = run
        .until(
            "get_resources",
            "the tagged secret",
            || tagged(&name),
            |got| got.resource_tag_mapping_list.filter(|found| !found.is_empty()),
        )
        .await?;
    let arns: Vec<_> = found.iter().map(ResourceTagMapping::resource_arn).collect();
    run.expect_eq("resources with the tag", &vec![Some(secret.as_str())], &arns)?;
    let tags: Vec<_> = found.iter().flat_map(ResourceTagMapping::tags).map(|tag| (tag.key(), tag.value())).collect();
    run.expect_eq("tags", &vec![("run", name.as_str())], &tags)?;

    let none = run.step("get_resources", tagged(&format!("{name}-other"))).await?;
    run.expect_eq("resources with another tag", &0, &none.resource_tag_mapping_list().len())
}
