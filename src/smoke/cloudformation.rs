//! `CloudFormation`: a stack with a queue in it that takes a message.

use aws_sdk_cloudformation::{
    Client,
    types::{Stack, StackStatus},
};

use super::{cause::Cause, diagnose::Failure, run::Run, sweep::Sweep};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let cloudformation = Client::new(&run.sdk());
    let name = run.name();
    let template = format!(
        r#"{{"Resources":{{"Jobs":{{"Type":"AWS::SQS::Queue","Properties":{{"QueueName":"{name}"}}}}}},
            "Outputs":{{"Arn":{{"Value":{{"Fn::GetAtt":["Jobs","Arn"]}}}}}}}}"#
    );
    let stack = create_stack(run, &cloudformation, &template).await?;
    let arn = run.present("Arn in the outputs", output(&stack))?;
    run.expect_eq("queue in the outputs", &Some(name.as_str()), &arn.rsplit(':').next())?;

    let listed = cloudformation.list_stack_resources().stack_name(&name);
    let listed = run.step("list_stack_resources", listed.send()).await?;
    let resources: Vec<_> = listed
        .stack_resource_summaries()
        .iter()
        .map(|found| (found.logical_resource_id(), found.resource_type()))
        .collect();
    run.expect_eq("resources", &vec![(Some("Jobs"), Some("AWS::SQS::Queue"))], &resources)?;
    if run.has("sqs") { use_queue(run, &name).await } else { Ok(()) }
}

async fn use_queue(run: &mut Run, name: &str) -> Result<(), Failure> {
    let sqs = aws_sdk_sqs::Client::new(&run.sdk_for("sqs"));
    let found = run.step("get_queue_url", sqs.get_queue_url().queue_name(name).send()).await?;
    let url = run.present("QueueUrl", found.queue_url)?;
    let text = format!("hello from {name}");
    run.step("send_message", sqs.send_message().queue_url(&url).message_body(&text).send()).await?;
    let receive = || sqs.receive_message().queue_url(&url).wait_time_seconds(2).send();
    let message = run.until("receive_message", "the message", receive, |got| got.messages?.into_iter().next()).await?;
    run.expect_eq("message in the stack's queue", &Some(text.as_str()), &message.body())
}

/// Creates the run's stack and waits until it is complete; in the end it is deleted.
pub(super) async fn create_stack(run: &mut Run, client: &Client, template: &str) -> Result<Stack, Failure> {
    let name = run.name();
    // A role in a template wants this said.
    let create = client.create_stack().stack_name(&name).template_body(template).capabilities("CAPABILITY_IAM".into());
    run.step("create_stack", create.send()).await?;
    run.undo("delete_stack", client.delete_stack().stack_name(&name).send());
    let describe = || client.describe_stacks().stack_name(&name).send();
    let settled = |stack: &Stack| stack.stack_status != Some(StackStatus::CreateInProgress);
    let stack =
        run.until("describe_stacks", "a finished stack", describe, |got| got.stacks?.into_iter().find(settled)).await?;
    let reason = stack.stack_status_reason().unwrap_or_default();
    run.expect_eq(&format!("stack status {reason}"), &Some(&StackStatus::CreateComplete), &stack.stack_status())?;
    Ok(stack)
}

/// The first output of a stack.
pub(super) fn output(stack: &Stack) -> Option<&str> {
    stack.outputs().first()?.output_value()
}

/// What the check may leave: stacks, which take with them what they made.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let client = Client::new(&sweep.sdk());
    let stacks = client.describe_stacks().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for stack in stacks {
        let name = stack.stack_name().unwrap_or_default();
        sweep.found("stack", name, client.delete_stack().stack_name(name).send()).await;
    }
    Ok(())
}
