//! `CloudWatch` Logs: a group with a stream, two events put and read back in order.

use aws_sdk_cloudwatchlogs::{Client, types::InputLogEvent};

use super::{diagnose::Failure, run::Run};

const STREAM: &str = "smoke";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let logs = Client::new(&run.sdk());
    let group = run.name();
    run.step("create_log_group", logs.create_log_group().log_group_name(&group).send()).await?;
    run.undo("delete_log_group", logs.delete_log_group().log_group_name(&group).send());
    let found = logs.describe_log_groups().log_group_name_prefix(&group);
    let found = run.step("describe_log_groups", found.send()).await?;
    let arns: Vec<_> = found.log_groups().iter().filter_map(|found| found.arn()).collect();
    run.expect_eq("groups of that name", &1, &arns.len())?;
    run.expect_account(arns.first().copied().unwrap_or_default())?;

    let create = logs.create_log_stream().log_group_name(&group).log_stream_name(STREAM);
    run.step("create_log_stream", create.send()).await?;
    let now = jiff::Timestamp::now().as_millisecond();
    let texts = [format!("first of {group}"), format!("second of {group}")];
    let mut put = logs.put_log_events().log_group_name(&group).log_stream_name(STREAM);
    for (time, text) in (now..).zip(&texts) {
        put = put.log_events(run.built(InputLogEvent::builder().timestamp(time).message(text).build())?);
    }
    let written = run.step("put_log_events", put.send()).await?;
    run.expect_eq("rejected events", &None, &written.rejected_log_events_info())?;

    let get = || logs.get_log_events().log_group_name(&group).log_stream_name(STREAM).start_from_head(true).send();
    let events = run
        .until("get_log_events", "both events", get, |got| got.events.filter(|events| events.len() >= texts.len()))
        .await?;
    let messages: Vec<_> = events.into_iter().filter_map(|event| event.message).collect();
    run.expect_eq("events", &texts[..], &messages[..])
}
