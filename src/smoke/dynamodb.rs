//! DynamoDB: a table, an item written and queried, and a conditional write that must be refused.

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        StreamSpecification, TableDescription, TableStatus,
    },
};

use super::{cause::Cause, diagnose::Failure, run::Run, sweep::Sweep};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let dynamodb = Client::new(&run.sdk());
    let table = run.name();
    let description = create_table(run, &dynamodb, None).await?;
    run.expect_account(description.table_arn().unwrap_or_default())?;

    put_item(run, &dynamodb, "written").await?;
    let query = dynamodb.query().table_name(&table).key_condition_expression("id = :id").consistent_read(true);
    let found = run.step("query", query.expression_attribute_values(":id", text(&table)).send()).await?;
    let values: Vec<_> = found.items().iter().map(|item| item.get("value")).collect();
    run.expect_eq("queried items", &vec![Some(&text("written"))], &values)?;

    let again = dynamodb.put_item().table_name(&table).item("id", text(&table)).item("value", text("overwritten"));
    let again = again.condition_expression("attribute_not_exists(id)");
    run.refused("put_item_if_absent", "ConditionalCheckFailedException", again.send()).await?;

    let get = dynamodb.get_item().table_name(&table).key("id", text(&table)).consistent_read(true);
    let kept = run.step("get_item", get.send()).await?;
    run.expect_eq(
        "item after the refused write",
        &Some(&text("written")),
        &kept.item().and_then(|item| item.get("value")),
    )
}

/// Creates the run's table with the key `id` and waits until it can be used.
pub(super) async fn create_table(
    run: &mut Run,
    dynamodb: &Client,
    stream: Option<StreamSpecification>,
) -> Result<TableDescription, Failure> {
    // LocalStack without DynamoDB Local fails a list within seconds; a create it repeats for half a minute.
    run.step("list_tables", dynamodb.list_tables().limit(1).send()).await?;
    let table = run.name();
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build();
    let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build();
    let create = dynamodb.create_table().table_name(&table).billing_mode(BillingMode::PayPerRequest);
    let create = create.key_schema(run.built(key)?).attribute_definitions(run.built(id)?);
    run.step("create_table", create.set_stream_specification(stream).send()).await?;
    run.undo("delete_table", dynamodb.delete_table().table_name(&table).send());

    let describe = || dynamodb.describe_table().table_name(&table).send();
    let active = |table: &TableDescription| table.table_status == Some(TableStatus::Active);
    run.until("describe_table", "an active table", describe, |got| got.table.filter(active)).await
}

/// Writes the one item of the run's table.
pub(super) async fn put_item(run: &mut Run, dynamodb: &Client, value: &str) -> Result<(), Failure> {
    let table = run.name();
    let put = dynamodb.put_item().table_name(&table).item("id", text(&table)).item("value", text(value));
    run.step("put_item", put.send()).await.map(drop)
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// What the check may leave: tables, also those of `dynamodbstreams`.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let dynamodb = Client::new(&sweep.sdk());
    let tables = dynamodb.list_tables().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for name in tables {
        sweep.found("table", &name, dynamodb.delete_table().table_name(&name).send()).await;
    }
    Ok(())
}
