//! `CloudWatch`: a metric read back as statistics, and an alarm on it.

use aws_sdk_cloudwatch::{
    Client,
    operation::describe_alarms::DescribeAlarmsOutput,
    primitives::DateTime,
    types::{ComparisonOperator, MetricAlarm, MetricDatum, StandardUnit, Statistic},
};

use super::{cause::Cause, diagnose::Failure, run::Run, sweep::Sweep};
use std::time::{Duration, SystemTime};

/// Statistics are asked from so long before now to so long after.
const AROUND: Duration = Duration::from_mins(30);

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let cloudwatch = Client::new(&run.sdk());
    let namespace = run.name();
    let now = SystemTime::now();
    let datum = MetricDatum::builder().metric_name("jobs").value(42.0).unit(StandardUnit::Count);
    let datum = datum.timestamp(DateTime::from(now)).build();
    // Metrics cannot be deleted; they go with the emulator.
    run.step("put_metric_data", cloudwatch.put_metric_data().namespace(&namespace).metric_data(datum).send()).await?;

    let list = || cloudwatch.list_metrics().namespace(&namespace).send();
    let metric = run.until("list_metrics", "the metric", list, |got| got.metrics?.into_iter().next()).await?;
    run.expect_eq("metric", &Some("jobs"), &metric.metric_name())?;

    let statistics = || {
        let request = cloudwatch.get_metric_statistics().namespace(&namespace).metric_name("jobs");
        let request = request.start_time(DateTime::from(now - AROUND)).end_time(DateTime::from(now + AROUND));
        request.period(60).statistics(Statistic::Maximum).unit(StandardUnit::Count).send()
    };
    let highest = run
        .until("get_metric_statistics", "the datapoint", statistics, |got| got.datapoints?.into_iter().next()?.maximum)
        .await?;
    run.expect_eq("highest value", &42.0, &highest)?;

    let alarm = cloudwatch.put_metric_alarm().alarm_name(&namespace).namespace(&namespace).metric_name("jobs");
    let alarm = alarm.comparison_operator(ComparisonOperator::GreaterThanThreshold).threshold(40.0);
    run.step("put_metric_alarm", alarm.statistic(Statistic::Maximum).period(60).evaluation_periods(1).send()).await?;
    run.undo("delete_alarms", cloudwatch.delete_alarms().alarm_names(&namespace).send());
    let described = run.step("describe_alarms", cloudwatch.describe_alarms().alarm_names(&namespace).send()).await?;
    let thresholds: Vec<_> = described.metric_alarms().iter().map(MetricAlarm::threshold).collect();
    run.expect_eq("threshold", &vec![Some(40.0)], &thresholds)
}

/// What the check may leave: alarms. Metrics cannot be deleted; they go with the emulator.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let cloudwatch = Client::new(&sweep.sdk());
    let pages = cloudwatch.describe_alarms().into_paginator().send().collect::<Result<Vec<_>, _>>().await?;
    for alarm in pages.iter().flat_map(DescribeAlarmsOutput::metric_alarms) {
        let name = alarm.alarm_name().unwrap_or_default();
        sweep.found("alarm", name, cloudwatch.delete_alarms().alarm_names(name).send()).await;
    }
    Ok(())
}
