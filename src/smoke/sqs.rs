//! SQS: a message with an attribute, sent and received where the returned queue URL leads.

use aws_sdk_sqs::{
    Client,
    types::{MessageAttributeValue, QueueAttributeName},
};

use super::{cause::Cause, diagnose::Failure, run::Run, sweep::Sweep};

/// Seconds the server holds `receive_message` open: the router allows 30.
const LONG_POLL: i32 = 2;

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let sqs = Client::new(&run.sdk());
    let name = run.name();
    let url = queue_url(run, &sqs).await?;
    let found = run.step("get_queue_url", sqs.get_queue_url().queue_name(&name).send()).await?;
    run.expect_eq("QueueUrl", &Some(url.as_str()), &found.queue_url())?;

    // Clients that follow the returned URL (JavaScript, Java, boto's old protocol) go to its host from here on.
    let queue = Client::new(&run.sdk_at(&url)?);
    let arn = queue_arn(run, &queue, &url).await?;
    run.expect_account(&arn)?;

    let body = format!("hello from {name}");
    let attribute = MessageAttributeValue::builder().data_type("String").string_value("blue").build();
    let attribute = run.built(attribute)?;
    let message = queue.send_message().queue_url(&url).message_body(&body).message_attributes("colour", attribute);
    run.step("send_message", message.send()).await?;

    let receive = || {
        let request = queue.receive_message().queue_url(&url).message_attribute_names("All");
        request.wait_time_seconds(LONG_POLL).send()
    };
    let message = run.until("receive_message", "the message", receive, |got| got.messages?.into_iter().next()).await?;
    run.expect_eq("message body", &Some(body.as_str()), &message.body())?;
    let colour = message.message_attributes().and_then(|all| all.get("colour")?.string_value());
    run.expect_eq("message attribute", &Some("blue"), &colour)?;

    let receipt = run.present("ReceiptHandle", message.receipt_handle)?;
    run.step("delete_message", queue.delete_message().queue_url(&url).receipt_handle(receipt).send()).await?;
    Ok(())
}

/// Creates the run's queue and gives its URL and ARN; in the end it is deleted.
pub(super) async fn create_queue(run: &mut Run, sqs: &Client) -> Result<(String, String), Failure> {
    let url = queue_url(run, sqs).await?;
    let arn = queue_arn(run, sqs, &url).await?;
    Ok((url, arn))
}

async fn queue_url(run: &mut Run, sqs: &Client) -> Result<String, Failure> {
    let created = run.step("create_queue", sqs.create_queue().queue_name(run.name()).send()).await?;
    let url = run.present("QueueUrl", created.queue_url)?;
    run.undo("delete_queue", sqs.delete_queue().queue_url(&url).send());
    Ok(url)
}

async fn queue_arn(run: &mut Run, sqs: &Client, url: &str) -> Result<String, Failure> {
    let wanted = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
    let attributes = run.step("get_queue_attributes", wanted.send()).await?.attributes.unwrap_or_default();
    run.present("QueueArn", attributes.get(&QueueAttributeName::QueueArn).cloned())
}

/// What the check may leave: queues.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let sqs = Client::new(&sweep.sdk());
    let urls = sqs.list_queues().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for url in urls {
        let name = url.rsplit('/').next().unwrap_or_default();
        sweep.found("queue", name, sqs.delete_queue().queue_url(&url).send()).await;
    }
    Ok(())
}
