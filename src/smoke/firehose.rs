//! Firehose: a record that arrives in a bucket.

use aws_sdk_firehose::{
    Client,
    primitives::Blob,
    types::{
        BufferingHints, CompressionFormat, DeliveryStreamDescription, DeliveryStreamStatus, EncryptionConfiguration,
        ExtendedS3DestinationConfiguration, NoEncryptionConfig, Record,
    },
};

use super::{cause::Cause, diagnose::Failure, run::Run, s3, sweep::Sweep};

/// Emulators ask for a role and do not look at it.
const ROLE: &str = "arn:aws:iam::000000000000:role/lsdeploy-smoke";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let firehose = Client::new(&run.sdk());
    let objects = s3::client(&run.sdk_for("s3"));
    let bucket = s3::create_bucket(run, &objects).await?;
    let name = run.name();

    let hints = BufferingHints::builder().interval_in_seconds(0).size_in_mbs(1).build();
    let place =
        ExtendedS3DestinationConfiguration::builder().role_arn(ROLE).bucket_arn(format!("arn:aws:s3:::{bucket}"));
    // LocalStack describes only what it was told, and the SDK refuses a description without these.
    let plain = EncryptionConfiguration::builder().no_encryption_config(NoEncryptionConfig::NoEncryption).build();
    let place = place.compression_format(CompressionFormat::Uncompressed).encryption_configuration(plain);
    let place = run.built(place.buffering_hints(hints).build())?;
    let create = firehose.create_delivery_stream().delivery_stream_name(&name);
    run.step("create_delivery_stream", create.extended_s3_destination_configuration(place).send()).await?;
    run.undo("delete_delivery_stream", firehose.delete_delivery_stream().delivery_stream_name(&name).send());

    let describe = || firehose.describe_delivery_stream().delivery_stream_name(&name).send();
    let active = |stream: &DeliveryStreamDescription| stream.delivery_stream_status == DeliveryStreamStatus::Active;
    let stream = run
        .until("describe_delivery_stream", "an active stream", describe, |got| {
            got.delivery_stream_description.filter(active)
        })
        .await?;
    run.expect_eq("destinations", &1, &stream.destinations.len())?;

    let text = format!("hello from {name}\n");
    let record = run.built(Record::builder().data(Blob::new(text.as_bytes())).build())?;
    run.step("put_record", firehose.put_record().delivery_stream_name(&name).record(record).send()).await?;

    let list = || objects.list_objects_v2().bucket(&bucket).send();
    let key =
        run.until("list_objects_v2", "the delivered object", list, |got| got.contents?.into_iter().next()?.key).await?;
    let got = run.step("get_object", objects.get_object().bucket(&bucket).key(key).send()).await?;
    let object = s3::body(run, got.body).await?;
    run.expect_eq("delivered object", text.as_bytes(), &object[..])
}

/// What the check may leave: delivery streams; their buckets are those of `s3`.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let firehose = Client::new(&sweep.sdk());
    for name in firehose.list_delivery_streams().limit(10_000).send().await?.delivery_stream_names() {
        let remove = firehose.delete_delivery_stream().delivery_stream_name(name).send();
        sweep.found("delivery stream", name, remove).await;
    }
    Ok(())
}
