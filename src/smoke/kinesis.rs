//! Kinesis: a stream of two shards, one record in each, read back through shard iterators.

use aws_sdk_kinesis::{
    Client,
    primitives::Blob,
    types::{PutRecordsRequestEntry, ShardIteratorType, StreamStatus},
};

use super::{cause::Cause, diagnose::Failure, run::Run, sweep::Sweep};

/// Hash keys in the first and in the second half of the 128-bit key space: one record lands in each shard.
const HASH_KEYS: [&str; 2] = ["0", "170141183460469231731687303715884105728"];

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let kinesis = Client::new(&run.sdk());
    let name = run.name();
    run.step("create_stream", kinesis.create_stream().stream_name(&name).shard_count(2).send()).await?;
    run.undo("delete_stream", kinesis.delete_stream().stream_name(&name).enforce_consumer_deletion(true).send());

    let describe = || kinesis.describe_stream_summary().stream_name(&name).send();
    let summary = run
        .until("describe_stream_summary", "an active stream", describe, |got| {
            got.stream_description_summary.filter(|summary| summary.stream_status == StreamStatus::Active)
        })
        .await?;
    run.expect_eq("open shards", &2, &summary.open_shard_count)?;
    run.expect_account(&summary.stream_arn)?;

    let listed = run.step("list_streams", kinesis.list_streams().limit(10_000).send()).await?;
    run.expect_eq("stream in list_streams", &true, &listed.stream_names.contains(&name))?;

    let payloads = HASH_KEYS.map(|key| format!("{name} {key}"));
    let mut put = kinesis.put_records().stream_name(&name);
    for (key, payload) in HASH_KEYS.iter().zip(&payloads) {
        let entry = PutRecordsRequestEntry::builder().data(Blob::new(payload.as_bytes())).partition_key(*key);
        put = put.records(run.built(entry.explicit_hash_key(*key).build())?);
    }
    let written = run.step("put_records", put.send()).await?;
    run.expect_eq("failed records", &0, &written.failed_record_count.unwrap_or_default())?;

    for (record, payload) in written.records.iter().zip(&payloads) {
        let shard = run.present("ShardId", record.shard_id())?;
        let from_start = ShardIteratorType::TrimHorizon;
        let iterator = kinesis.get_shard_iterator().stream_name(&name).shard_id(shard).shard_iterator_type(from_start);
        let iterator = run.step("get_shard_iterator", iterator.send()).await?;
        let iterator = run.present("ShardIterator", iterator.shard_iterator)?;
        let read = || kinesis.get_records().shard_iterator(&iterator).send();
        let record = run.until("get_records", "the record", read, |got| got.records.into_iter().next()).await?;
        run.expect_eq("record", payload.as_bytes(), record.data.as_ref())?;
    }
    let shards: Vec<_> = written.records.iter().map(|record| record.shard_id()).collect();
    run.expect_eq("records in different shards", &true, &(shards.first() != shards.get(1)))
}

/// What the check may leave: streams.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let kinesis = Client::new(&sweep.sdk());
    for name in kinesis.list_streams().limit(10_000).send().await?.stream_names() {
        let remove = kinesis.delete_stream().stream_name(name).enforce_consumer_deletion(true).send();
        sweep.found("stream", name, remove).await;
    }
    Ok(())
}
