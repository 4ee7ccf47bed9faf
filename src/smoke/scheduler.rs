//! `EventBridge` Scheduler: a group with a schedule in it, read back and paused.

use aws_sdk_scheduler::{
    Client,
    types::{FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, ScheduleSummary, Target},
};

use super::{diagnose::Failure, run::Run};

/// Emulators ask for a role and a queue and do not look at them: nothing is due within the hour.
const ROLE: &str = "arn:aws:iam::000000000000:role/lsdeploy-smoke";
const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:lsdeploy-smoke";

const HOURLY: &str = "rate(1 hour)";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let scheduler = Client::new(&run.sdk());
    let name = run.name();
    let created = run.step("create_schedule_group", scheduler.create_schedule_group().name(&name).send()).await?;
    run.undo("delete_schedule_group", scheduler.delete_schedule_group().name(&name).send());
    run.expect_account(created.schedule_group_arn())?;

    let input = format!(r#"{{"hello": "{name}"}}"#);
    let target = run.built(Target::builder().arn(QUEUE).role_arn(ROLE).input(&input).build())?;
    let on_time = run.built(FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build())?;
    let create = scheduler.create_schedule().name(&name).group_name(&name).schedule_expression(HOURLY);
    let create = create.target(target.clone()).flexible_time_window(on_time.clone());
    run.step("create_schedule", create.send()).await?;
    run.undo("delete_schedule", scheduler.delete_schedule().name(&name).group_name(&name).send());

    let get = || scheduler.get_schedule().name(&name).group_name(&name).send();
    let read = run.step("get_schedule", get()).await?;
    run.expect_eq("expression", &Some(HOURLY), &read.schedule_expression())?;
    run.expect_eq("input", &Some(input.as_str()), &read.target().and_then(|target| target.input()))?;

    let pause = scheduler.update_schedule().name(&name).group_name(&name).schedule_expression(HOURLY);
    let pause = pause.target(target).flexible_time_window(on_time).state(ScheduleState::Disabled);
    run.step("update_schedule", pause.send()).await?;
    let read = run.step("get_schedule", get()).await?;
    run.expect_eq("state", &Some(&ScheduleState::Disabled), &read.state())?;
    let listed = run.step("list_schedules", scheduler.list_schedules().group_name(&name).send()).await?;
    let names: Vec<_> = listed.schedules().iter().map(ScheduleSummary::name).collect();
    run.expect_eq("schedules of the group", &vec![Some(name.as_str())], &names)
}
