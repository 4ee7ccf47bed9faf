//! DynamoDB Streams: a table's stream shows the write.

use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use aws_sdk_dynamodbstreams::{
    Client,
    types::{AttributeValue, ShardIteratorType, StreamDescription, StreamStatus},
};

use super::{diagnose::Failure, dynamodb, run::Run};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let streams = Client::new(&run.sdk());
    let tables = aws_sdk_dynamodb::Client::new(&run.sdk_for("dynamodb"));
    let with_stream =
        StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewAndOldImages).build();
    let with_stream = Some(run.built(with_stream)?);
    let table = dynamodb::create_table(run, &tables, with_stream).await?;
    let arn = run.present("LatestStreamArn", table.latest_stream_arn)?;

    let listed = run.step("list_streams", streams.list_streams().table_name(run.name()).send()).await?;
    let arns: Vec<_> = listed.streams().iter().filter_map(|stream| stream.stream_arn()).collect();
    run.expect_eq("streams of the table", &vec![arn.as_str()], &arns)?;

    // LocalStack loses what is written before the stream is enabled.
    let enabled = |stream: &StreamDescription| stream.stream_status == Some(StreamStatus::Enabled);
    let describe = || streams.describe_stream().stream_arn(&arn).send();
    let shard = run
        .until("describe_stream", "an enabled stream with a shard", describe, |got| {
            got.stream_description.filter(enabled)?.shards?.into_iter().next()?.shard_id
        })
        .await?;
    dynamodb::put_item(run, &tables, "streamed").await?;

    let iterator = streams.get_shard_iterator().stream_arn(&arn).shard_id(shard);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon);
    let iterator = run.step("get_shard_iterator", iterator.send()).await?;
    let iterator = run.present("ShardIterator", iterator.shard_iterator)?;

    let read = || streams.get_records().shard_iterator(&iterator).send();
    let record = run.until("get_records", "the write", read, |got| got.records?.into_iter().next()).await?;
    let image = record.dynamodb.and_then(|change| change.new_image).unwrap_or_default();
    run.expect_eq("new image", &Some(&AttributeValue::S("streamed".to_owned())), &image.get("value"))
}
