//! What the checks of events, schedules, workflows and searches may leave. Does network IO.

use aws_sdk_swf::types::RegistrationStatus;
use aws_sdk_transcribe::operation::list_vocabularies::ListVocabulariesOutput;

use super::Sweep;
use crate::smoke::cause::Cause;

/// Rules with their targets; their queues are those of `sqs`.
pub(super) async fn events(sweep: &mut Sweep) -> Result<(), Cause> {
    let events = aws_sdk_eventbridge::Client::new(&sweep.sdk());
    let rules = events.list_rules().name_prefix("lsdeploy-").send().await?;
    for name in rules.rules().iter().filter_map(|rule| rule.name()) {
        let remove = async {
            let targets = events.list_targets_by_rule().rule(name).send().await?;
            let ids: Vec<_> = targets.targets().iter().map(|target| target.id().to_owned()).collect();
            if !ids.is_empty() {
                events.remove_targets().rule(name).set_ids(Some(ids)).send().await?;
            }
            events.delete_rule().name(name).send().await.map_err(Cause::from)
        };
        sweep.found("rule", name, remove).await;
    }
    Ok(())
}

/// Log groups with their streams.
pub(super) async fn logs(sweep: &mut Sweep) -> Result<(), Cause> {
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sweep.sdk());
    let groups = logs.describe_log_groups().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for name in groups.iter().filter_map(|group| group.log_group_name()) {
        sweep.found("log group", name, logs.delete_log_group().log_group_name(name).send()).await;
    }
    Ok(())
}

/// Domains.
pub(super) async fn opensearch(sweep: &mut Sweep) -> Result<(), Cause> {
    let opensearch = aws_sdk_opensearch::Client::new(&sweep.sdk());
    for name in opensearch.list_domain_names().send().await?.domain_names().iter().filter_map(|one| one.domain_name()) {
        sweep.found("domain", name, opensearch.delete_domain().domain_name(name).send()).await;
    }
    Ok(())
}

/// Schedule groups with their schedules.
pub(super) async fn scheduler(sweep: &mut Sweep) -> Result<(), Cause> {
    let scheduler = aws_sdk_scheduler::Client::new(&sweep.sdk());
    let groups =
        scheduler.list_schedule_groups().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for name in groups.iter().filter_map(|group| group.name()) {
        let remove = async {
            let inside = scheduler.list_schedules().group_name(name).send().await?;
            for schedule in inside.schedules().iter().filter_map(|schedule| schedule.name()) {
                scheduler.delete_schedule().group_name(name).name(schedule).send().await?;
            }
            scheduler.delete_schedule_group().name(name).send().await.map_err(Cause::from)
        };
        sweep.found("schedule group", name, remove).await;
    }
    Ok(())
}

/// State machines.
pub(super) async fn stepfunctions(sweep: &mut Sweep) -> Result<(), Cause> {
    let machines = aws_sdk_sfn::Client::new(&sweep.sdk());
    let all = machines.list_state_machines().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for machine in all {
        let remove = machines.delete_state_machine().state_machine_arn(machine.state_machine_arn()).send();
        sweep.found("state machine", machine.name(), remove).await;
    }
    Ok(())
}

/// Domains; SWF has no way to delete one, so they are deprecated as by the check.
pub(super) async fn swf(sweep: &mut Sweep) -> Result<(), Cause> {
    let swf = aws_sdk_swf::Client::new(&sweep.sdk());
    let registered = swf.list_domains().registration_status(RegistrationStatus::Registered).into_paginator().items();
    for domain in registered.send().collect::<Result<Vec<_>, _>>().await? {
        sweep.found("workflow domain", domain.name(), swf.deprecate_domain().name(domain.name()).send()).await;
    }
    Ok(())
}

/// Vocabularies.
pub(super) async fn transcribe(sweep: &mut Sweep) -> Result<(), Cause> {
    let transcribe = aws_sdk_transcribe::Client::new(&sweep.sdk());
    let pages = transcribe.list_vocabularies().into_paginator().send().collect::<Result<Vec<_>, _>>().await?;
    let names = pages
        .iter()
        .flat_map(ListVocabulariesOutput::vocabularies)
        .filter_map(|vocabulary| vocabulary.vocabulary_name());
    for name in names {
        sweep.found("vocabulary", name, transcribe.delete_vocabulary().vocabulary_name(name).send()).await;
    }
    Ok(())
}
