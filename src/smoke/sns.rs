//! SNS: a topic, and a message that reaches a subscribed queue.

use aws_sdk_sns::Client;

use super::{cause::Cause, diagnose::Failure, run::Run, sqs, sweep::Sweep};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let sns = Client::new(&run.sdk());
    let name = run.name();
    let created = run.step("create_topic", sns.create_topic().name(&name).send()).await?;
    let topic = run.present("TopicArn", created.topic_arn)?;
    run.undo("delete_topic", sns.delete_topic().topic_arn(&topic).send());
    run.expect_account(&topic)?;

    let read = run.step("get_topic_attributes", sns.get_topic_attributes().topic_arn(&topic).send()).await?;
    let arn = read.attributes().and_then(|all| all.get("TopicArn"));
    run.expect_eq("TopicArn", &Some(&topic), &arn)?;

    let text = format!("hello from {name}");
    let publish = sns.publish().topic_arn(&topic).message(&text);
    if !run.has("sqs") {
        let sent = run.step("publish", publish.send()).await?;
        return run.present("MessageId", sent.message_id).map(drop);
    }

    let queues = aws_sdk_sqs::Client::new(&run.sdk_for("sqs"));
    let (url, queue) = sqs::create_queue(run, &queues).await?;
    // Raw delivery: the queue gets the text itself, not SNS's JSON around it.
    let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(&queue);
    let subscribe = subscribe.attributes("RawMessageDelivery", "true").return_subscription_arn(true);
    let subscribed = run.step("subscribe", subscribe.send()).await?;
    let subscription = run.present("SubscriptionArn", subscribed.subscription_arn)?;
    run.undo("unsubscribe", sns.unsubscribe().subscription_arn(&subscription).send());

    run.step("publish", publish.send()).await?;
    let receive = || queues.receive_message().queue_url(&url).wait_time_seconds(2).send();
    let message = run.until("receive_message", "the message", receive, |got| got.messages?.into_iter().next()).await?;
    run.expect_eq("delivered message", &Some(text.as_str()), &message.body())
}

/// What the check may leave: topics with their subscriptions; their queues are those of `sqs`.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let sns = Client::new(&sweep.sdk());
    let topics = sns.list_topics().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for topic in topics {
        let arn = topic.topic_arn().unwrap_or_default();
        let name = arn.rsplit(':').next().unwrap_or_default();
        let remove = async {
            for subscription in sns.list_subscriptions_by_topic().topic_arn(arn).send().await?.subscriptions() {
                let arn = subscription.subscription_arn().unwrap_or_default();
                sns.unsubscribe().subscription_arn(arn).send().await?;
            }
            sns.delete_topic().topic_arn(arn).send().await.map_err(Cause::from)
        };
        sweep.found("topic", name, remove).await;
    }
    Ok(())
}
