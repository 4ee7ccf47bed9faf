//! Step Functions: a machine that greets and decides, run to its end, and its output.

use aws_sdk_sfn::{
    Client,
    types::{ExecutionStatus, HistoryEvent, HistoryEventType},
};
use serde_json::{Value, json};

use super::{diagnose::Failure, run::Run};

/// Emulators ask for a role and do not look at it: this machine calls no service.
const ROLE: &str = "arn:aws:iam::000000000000:role/lsdeploy-smoke";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let machines = Client::new(&run.sdk());
    let name = run.name();
    let create = machines.create_state_machine().name(&name).definition(definition().to_string()).role_arn(ROLE);
    let machine = run.step("create_state_machine", create.send()).await?.state_machine_arn;
    run.undo("delete_state_machine", machines.delete_state_machine().state_machine_arn(&machine).send());
    run.expect_account(&machine)?;

    let start = machines.start_execution().state_machine_arn(&machine).input(json!({"name": name}).to_string());
    let execution = run.step("start_execution", start.send()).await?.execution_arn;
    let describe = || machines.describe_execution().execution_arn(&execution).send();
    let ended = run
        .until("describe_execution", "its end", describe, |got| (got.status != ExecutionStatus::Running).then_some(got))
        .await?;
    let cause = ended.cause().unwrap_or_default();
    run.expect_eq(&format!("status {cause}"), &ExecutionStatus::Succeeded, &ended.status)?;
    let output = ended.output().and_then(|output| serde_json::from_str::<Value>(output).ok());
    run.expect_eq("output", &Some(json!({"greeting": format!("hello {name}")})), &output)?;

    let history = machines.get_execution_history().execution_arn(&execution);
    let history = run.step("get_execution_history", history.send()).await?;
    let last = history.events().iter().map(HistoryEvent::r#type).next_back();
    run.expect_eq("last event", &Some(&HistoryEventType::ExecutionSucceeded), &last)
}

fn definition() -> Value {
    let greets = json!({"Variable": "$.greeting", "StringMatches": "hello *", "Next": "Done"});
    json!({"StartAt": "Greet", "States": {
        "Greet": {"Type": "Pass", "Parameters": {"greeting.$": "States.Format('hello {}', $.name)"}, "Next": "Decide"},
        "Decide": {"Type": "Choice", "Choices": [greets], "Default": "Lost"},
        "Done": {"Type": "Succeed"},
        "Lost": {"Type": "Fail"},
    }})
}
