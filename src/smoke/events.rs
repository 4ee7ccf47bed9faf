//! `EventBridge`: a rule, and an event that it brings to a queue.

use aws_sdk_eventbridge::{
    Client,
    types::{PutEventsRequestEntry, Target},
};
use serde_json::{Value, json};

use super::{diagnose::Failure, run::Run, sqs};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let events = Client::new(&run.sdk());
    let queues = aws_sdk_sqs::Client::new(&run.sdk_for("sqs"));
    let (url, queue) = sqs::create_queue(run, &queues).await?;

    let name = run.name();
    let pattern = json!({"source": [name]}).to_string();
    let put = run.step("put_rule", events.put_rule().name(&name).event_pattern(&pattern).send()).await?;
    run.undo("delete_rule", events.delete_rule().name(&name).send());
    run.expect_account(put.rule_arn().unwrap_or_default())?;
    let target = run.built(Target::builder().id("queue").arn(&queue).build())?;
    let put = run.step("put_targets", events.put_targets().rule(&name).targets(target).send()).await?;
    run.undo("remove_targets", events.remove_targets().rule(&name).ids("queue").send());
    run.expect_eq("refused targets", &0, &put.failed_entry_count())?;
    let listed = run.step("list_targets_by_rule", events.list_targets_by_rule().rule(&name).send()).await?;
    let arns: Vec<_> = listed.targets().iter().map(Target::arn).collect();
    run.expect_eq("targets", &vec![queue.as_str()], &arns)?;

    let detail = json!({"hello": name});
    let event = PutEventsRequestEntry::builder().source(&name).detail_type("greeting").detail(detail.to_string());
    let put = run.step("put_events", events.put_events().entries(event.build()).send()).await?;
    run.expect_eq("refused events", &0, &put.failed_entry_count())?;
    let receive = || queues.receive_message().queue_url(&url).wait_time_seconds(2).send();
    let message = run.until("receive_message", "the event", receive, |got| got.messages?.into_iter().next()).await?;
    let event = serde_json::from_str::<Value>(message.body().unwrap_or_default());
    let event = run.present("JSON in the message", event.ok())?;
    run.expect_eq("source of the event", &json!(name), &event["source"])?;
    run.expect_eq("detail of the event", &detail, &event["detail"])
}
