//! `smoke`: only the checks, of an environment or of any emulator's URL.

use super::serving::{self, Serving};
use super::{Context, Outcome, reach, target};
use crate::cli::{OutputFormat, SmokeArgs};
use crate::cluster::discover;
use crate::environment::Environment;
use crate::error::{CommandError, Result};
use crate::exit::ExitStatus;
use crate::report::{self, EnvReport};
use crate::smoke::{self, ServiceResult, Target};

pub(super) async fn run(args: &SmokeArgs, context: Context, colour: bool) -> Result<Outcome> {
    check_services(args.service.as_deref())?;
    match (&args.endpoint, &args.env) {
        (Some(url), _) => of_endpoint(url, args, &context, colour).await,
        (None, env) => of_environment(env.as_deref().unwrap_or_default(), args, &context, colour).await,
    }
}

async fn of_endpoint(url: &str, args: &SmokeArgs, context: &Context, colour: bool) -> Result<Outcome> {
    let reach = reach::resolve(&args.reach, None)?;
    let services = args.service.clone().unwrap_or_else(|| smoke::services().map(str::to_owned).collect());
    let targets: Vec<Target> = services.into_iter().map(|service| Target { service, url: url.to_owned() }).collect();
    let options = serving::smoke_options(&reach, None, "us-east-1".to_owned(), Vec::new(), &context.run_id);
    let events = context.events(url);
    let mut report = EnvReport::of_url(url, &targets, &context.run_id);
    let work = smoke::run(&targets, &options, |result, tally| events.checked(result, tally));
    let results = report.phases.run(&events, "smoke", work).await.map_err(|error| {
        CommandError::new(format!("cannot check {url}: {error}"))
            .hint("give the URL of an emulator, e.g. http://localhost:4566")
    })?;
    Ok(outcome(report, results, context.output, colour))
}

async fn of_environment(env: &str, args: &SmokeArgs, context: &Context, colour: bool) -> Result<Outcome> {
    let cluster = context.connect().await?;
    let facts = discover::discover(&cluster).await?;
    let reach = reach::resolve(&args.reach, Some(&facts))?;
    let target = target::existing(&cluster, &facts, env, args.namespace.as_deref()).await?;
    let events = context.events(env);
    let serving = Serving {
        cluster: &cluster,
        facts: &facts,
        reach: &reach,
        environment: &target.environment,
        events: &events,
        writes: false,
    };
    check_chosen(&target.environment, args.service.as_deref())?;
    let mut report = EnvReport::of(&target.environment, &context.run_id);
    if serving.wait(None, context.timeout, &mut report).await {
        serving.smoke(args.service.as_deref(), &context.run_id, &mut report).await;
    }
    Ok(conclude(report, context.output, colour))
}

/// What became of the checks, or why there were none.
pub(super) fn conclude(mut report: EnvReport, output: OutputFormat, colour: bool) -> Outcome {
    let Some(results) = report.smoke.take() else {
        let problems = report::text::problem(&report, colour);
        let reports = vec![report];
        let text = match output {
            OutputFormat::Json => report::json::environments(&reports),
            OutputFormat::Text => String::new(),
        };
        return Outcome { status: reports[0].status, text, problems, reports };
    };
    outcome(report, results, output, colour)
}

fn outcome(mut report: EnvReport, results: Vec<ServiceResult>, output: OutputFormat, colour: bool) -> Outcome {
    let problems = report::text::failed_checks(&report.env, &results, colour);
    report.status = if problems.is_empty() { ExitStatus::Success } else { ExitStatus::Failure };
    let text = match output {
        OutputFormat::Json => report::json::smoke(&report.env, &results),
        OutputFormat::Text => report::text::smoke(&results),
    };
    report.smoke = Some(results);
    Outcome { status: report.status, text, problems, reports: vec![report] }
}

/// The services chosen for a check must be among those of the environment.
pub(super) fn check_chosen(environment: &Environment, chosen: Option<&[String]>) -> Result<()> {
    let missing: Vec<&str> = chosen
        .into_iter()
        .flatten()
        .map(String::as_str)
        .filter(|name| !environment.services.iter().any(|s| s == name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(CommandError::new(format!("--service: {} has no service `{}`", environment.name, missing.join("`, `")))
        .hint(format!("it has: {}", environment.services.join(", "))))
}

pub(super) fn check_services(chosen: Option<&[String]>) -> Result<()> {
    let unknown: Vec<&str> =
        chosen.into_iter().flatten().map(String::as_str).filter(|name| !smoke::has_check(name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known: Vec<&str> = smoke::services().collect();
    Err(CommandError::new(format!("--service: there is no check of `{}`", unknown.join("`, `")))
        .hint(format!("there are checks of: {}", known.join(", "))))
}
