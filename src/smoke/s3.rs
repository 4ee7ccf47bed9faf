//! S3: an object in one piece, one in parts, both listed and read back, one of them by a presigned URL too.

use aws_sdk_s3::{
    Client, Config,
    config::Builder,
    presigning::PresigningConfig,
    primitives::{AggregatedBytes, ByteStream},
    types::{BucketLocationConstraint, CompletedMultipartUpload, CompletedPart, CreateBucketConfiguration},
};
use aws_types::SdkConfig;

use super::{cause::Cause, diagnose::Failure, options::host_of, run::Run, sweep::Sweep};
use std::time::Duration;

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let s3 = client(&run.sdk());
    let bucket = create_bucket(run, &s3).await?;

    let text = format!("hello from {bucket}");
    let put = s3.put_object().bucket(&bucket).key("one").body(ByteStream::from(text.clone().into_bytes()));
    run.step("put_object", put.content_type("text/plain").metadata("colour", "blue").send()).await?;
    let got = run.step("get_object", s3.get_object().bucket(&bucket).key("one").send()).await?;
    let colour = got.metadata().and_then(|all| all.get("colour"));
    run.expect_eq("metadata", &Some("blue"), &colour.map(String::as_str))?;
    run.expect_eq("content type", &Some("text/plain"), &got.content_type())?;
    let object = body(run, got.body).await?;
    run.expect_eq("object", text.as_bytes(), &object[..])?;

    multipart(run, &s3, &bucket, &text).await?;
    let got = run.step("get_object", s3.get_object().bucket(&bucket).key("parts").send()).await?;
    let object = body(run, got.body).await?;
    run.expect_eq("object of parts", text.as_bytes(), &object[..])?;

    let listed = run.step("list_objects_v2", s3.list_objects_v2().bucket(&bucket).send()).await?;
    let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
    run.expect_eq("keys", &vec!["one", "parts"], &keys)?;

    presigned(run, &s3, &bucket, &text).await?;
    virtual_host(run, &bucket, &text).await
}

/// A client that puts the bucket into the path: no Route has a host for `bucket.s3-...`.
pub(super) fn client(sdk: &SdkConfig) -> Client {
    let config: Config = Builder::from(sdk).force_path_style(true).build();
    Client::from_conf(config)
}

/// Creates the run's bucket; in the end it is emptied and deleted.
pub(super) async fn create_bucket(run: &mut Run, s3: &Client) -> Result<String, Failure> {
    let bucket = run.name();
    // The one region that must not be named.
    let place = (run.region() != "us-east-1").then(|| {
        let region = BucketLocationConstraint::from(run.region());
        CreateBucketConfiguration::builder().location_constraint(region).build()
    });
    let create = s3.create_bucket().bucket(&bucket).set_create_bucket_configuration(place);
    run.step("create_bucket", create.send()).await?;
    run.undo("delete_bucket", s3.delete_bucket().bucket(&bucket).send());
    run.undo("delete_objects", empty(s3.clone(), bucket.clone()));
    Ok(bucket)
}

/// The bytes of a downloaded object.
pub(super) async fn body(run: &mut Run, body: ByteStream) -> Result<Vec<u8>, Failure> {
    let collected = body.collect().await;
    run.built(collected).map(AggregatedBytes::to_vec)
}

async fn multipart(run: &mut Run, s3: &Client, bucket: &str, text: &str) -> Result<(), Failure> {
    let create = s3.create_multipart_upload().bucket(bucket).key("parts");
    let created = run.step("create_multipart_upload", create.send()).await?;
    let id = run.present("UploadId", created.upload_id)?;
    // Every part but the last has 5 MB at least, so a small object has one part.
    let part = s3.upload_part().bucket(bucket).key("parts").upload_id(&id).part_number(1);
    let part = run.step("upload_part", part.body(ByteStream::from(text.to_owned().into_bytes())).send()).await?;
    let part = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag);
    let parts = CompletedMultipartUpload::builder().parts(part.build()).build();
    let complete = s3.complete_multipart_upload().bucket(bucket).key("parts").upload_id(&id).multipart_upload(parts);
    run.step("complete_multipart_upload", complete.send()).await.map(drop)
}

/// What a browser gets from a link that the SDK signed.
async fn presigned(run: &mut Run, s3: &Client, bucket: &str, text: &str) -> Result<(), Failure> {
    let minute = run.built(PresigningConfig::expires_in(Duration::from_mins(1)))?;
    let link = s3.get_object().bucket(bucket).key("one").presigned(minute).await;
    let link = run.built(link)?;
    let got = run.fetch("get_presigned_url", link.uri()).await?;
    run.expect_eq("object behind the presigned URL", text, got.as_str())
}

/// The other address style: the bucket in front of the host.
async fn virtual_host(run: &mut Run, bucket: &str, text: &str) -> Result<(), Failure> {
    const STEP: &str = "get_object_virtual_host";
    let host = host_of(run.url()).unwrap_or_default();
    if run.skips(STEP) {
        return Ok(());
    }
    // A Route has one name; emulators look for a bucket only in front of `s3.`, where AWS has it.
    if !host.starts_with("s3.") {
        run.skip(STEP, format!("nothing leads to hosts in front of `{host}`: clients put the bucket into the path"));
        return Ok(());
    }
    let s3 = Client::new(&run.sdk());
    let got = run.step(STEP, s3.get_object().bucket(bucket).key("one").send()).await?;
    let object = body(run, got.body).await?;
    run.expect_eq("object of the bucket's own host", text.as_bytes(), &object[..])
}

async fn empty(s3: Client, bucket: String) -> Result<(), Cause> {
    let listed = s3.list_objects_v2().bucket(&bucket).send().await?;
    for key in listed.contents().iter().filter_map(|object| object.key()) {
        s3.delete_object().bucket(&bucket).key(key).send().await?;
    }
    Ok(())
}

/// What the check may leave: buckets with what is in them.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let s3 = client(&sweep.sdk());
    for bucket in s3.list_buckets().send().await?.buckets() {
        let name = bucket.name().unwrap_or_default();
        let remove = async {
            empty(s3.clone(), name.to_owned()).await?;
            for upload in s3.list_multipart_uploads().bucket(name).send().await?.uploads() {
                let abort = s3.abort_multipart_upload().bucket(name);
                abort.set_key(upload.key.clone()).set_upload_id(upload.upload_id.clone()).send().await?;
            }
            s3.delete_bucket().bucket(name).send().await.map_err(Cause::from)
        };
        sweep.found("bucket", name, remove).await;
    }
    Ok(())
}
