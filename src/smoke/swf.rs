//! SWF: a workflow started, its decision task taken and answered, and the workflow closed by it.

use aws_sdk_swf::{
    Client,
    types::{
        CloseStatus, CompleteWorkflowExecutionDecisionAttributes, Decision, DecisionType, TaskList, WorkflowExecution,
        WorkflowType,
    },
};

use super::{diagnose::Failure, run::Run};

const MINUTE: &str = "60";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let swf = Client::new(&run.sdk());
    let name = run.name();
    // A domain is never deleted, only deprecated, and its name stays taken: a second run needs another one.
    let domain = format!("{name}-{}", jiff::Timestamp::now().as_millisecond());
    let register = swf.register_domain().name(&domain).workflow_execution_retention_period_in_days("1");
    run.step("register_domain", register.send()).await?;
    run.undo("deprecate_domain", swf.deprecate_domain().name(&domain).send());

    let kind = run.built(WorkflowType::builder().name(&name).version("1").build())?;
    let tasks = run.built(TaskList::builder().name(&name).build())?;
    let register = swf.register_workflow_type().domain(&domain).name(&name).version("1");
    let register = register.default_task_list(tasks.clone()).default_child_policy("TERMINATE".into());
    let register = register.default_task_start_to_close_timeout(MINUTE);
    let register = register.default_execution_start_to_close_timeout(MINUTE);
    run.step("register_workflow_type", register.send()).await?;
    let deprecate = swf.deprecate_workflow_type().domain(&domain).workflow_type(kind.clone());
    run.undo("deprecate_workflow_type", deprecate.send());

    let start = swf.start_workflow_execution().domain(&domain).workflow_id(&name).workflow_type(kind).input("hello");
    let started = run.step("start_workflow_execution", start.send()).await?;
    let id = run.present("runId", started.run_id)?;
    let poll = || swf.poll_for_decision_task().domain(&domain).task_list(tasks.clone()).send();
    let task = run
        .until("poll_for_decision_task", "the decision task", poll, |got| (!got.task_token.is_empty()).then_some(got))
        .await?;
    run.expect_eq("run of the task", &Some(id.as_str()), &task.workflow_execution().map(WorkflowExecution::run_id))?;

    let result = CompleteWorkflowExecutionDecisionAttributes::builder().result("done").build();
    let complete = Decision::builder().decision_type(DecisionType::CompleteWorkflowExecution);
    let complete = run.built(complete.complete_workflow_execution_decision_attributes(result).build())?;
    let respond = swf.respond_decision_task_completed().task_token(&task.task_token).decisions(complete);
    run.step("respond_decision_task_completed", respond.send()).await?;
    let execution = run.built(WorkflowExecution::builder().workflow_id(&name).run_id(id).build())?;
    let describe = swf.describe_workflow_execution().domain(&domain).execution(execution);
    let described = run.step("describe_workflow_execution", describe.send()).await?;
    let closed = described.execution_info().and_then(|info| info.close_status());
    run.expect_eq("close status", &Some(&CloseStatus::Completed), &closed)
}
