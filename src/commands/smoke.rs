//! `smoke`: only the checks, of an environment or of any emulator's URL.

mod clean;
mod isolation;

use super::serving::{self, Serving};
use super::{Context, Outcome, dns_debug, reach, target};
use crate::cli::{OutputFormat, SmokeArgs};
use crate::cluster::discover;
use crate::environment::Environment;
use crate::error::{CommandError, Result};
use crate::events::What;
use crate::exit::ExitStatus;
use crate::hint::Way;
use crate::report::{self, EnvReport};
use crate::smoke::{self, InputError, Options, ServiceResult, Target, Tenant};

pub(super) async fn run(args: &SmokeArgs, context: Context, colour: bool) -> Result<Outcome> {
    check_flags(args)?;
    if args.clean || args.isolation {
        return match tenants(args, &context, colour).await? {
            Ok(tenants) => together(args, &tenants, &context, colour).await,
            Err(not_serving) => Ok(not_serving),
        };
    }
    match (&args.endpoint, args.env.first()) {
        (Some(url), _) => of_endpoint(url, args, &context, colour).await,
        (None, env) => {
            let env = env.map(String::as_str).unwrap_or_default();
            of_environment(env, args, &context, colour).await
        }
    }
}

async fn of_endpoint(url: &str, args: &SmokeArgs, context: &Context, colour: bool) -> Result<Outcome> {
    let Tenant { targets, options, .. } = at_endpoint(url, args, context)?;
    let events = context.events(url);
    let mut report = EnvReport::of_url(url, &targets, &context.run_id);
    if let Some(note) = smoke::proxy_note(&targets, &options) {
        events.send(What::Note(note.clone()));
        report.notes.push(note);
    }
    let work = smoke::run(&targets, &options, |result, tally| events.checked(result, tally));
    let mut results = report.phases.run(&events, "smoke", work).await.map_err(|error| refused(url, &error))?;
    dns_debug::explain_unresolved(&mut results, &context.run_id, None).await;
    Ok(outcome(report, results, context.output, colour))
}

/// An emulator that is known by its URL alone.
fn at_endpoint(url: &str, args: &SmokeArgs, context: &Context) -> Result<Tenant> {
    let reach = reach::resolve(&args.reach, None, &context.proxies)?;
    let services = args.service.clone().unwrap_or_else(|| smoke::services().map(str::to_owned).collect());
    let targets: Vec<Target> = services.into_iter().map(|service| Target { service, url: url.to_owned() }).collect();
    let options = serving::smoke_options(&reach, None, "us-east-1".to_owned(), Vec::new(), context);
    Ok(Tenant { name: url.to_owned(), targets, options: Options { way: way(url), ..options } })
}

/// How another command is led to an emulator that is known by its URL alone.
pub(super) fn way(url: &str) -> Way {
    Way { to_env: vec![format!("--endpoint {url}")], to_cluster: Vec::new() }
}

/// The environments of the flags, each waited for until it serves; an outcome where one does not.
async fn tenants(
    args: &SmokeArgs,
    context: &Context,
    colour: bool,
) -> Result<std::result::Result<Vec<Tenant>, Outcome>> {
    if let Some(url) = &args.endpoint {
        return Ok(Ok(vec![at_endpoint(url, args, context)?]));
    }
    let names = target::names(&args.env, args.namespace.as_deref())?;
    let cluster = context.connect().await?;
    let facts = discover::discover(&cluster).await?;
    let reach = reach::resolve(&args.reach, Some(&facts), &context.proxies)?;
    let mut tenants = Vec::new();
    for name in names {
        let target = target::existing(&cluster, &facts, name.as_str(), args.namespace.as_deref()).await?;
        let (environment, events) = (&target.environment, context.events(name.as_str()));
        let serving =
            Serving { cluster: &cluster, facts: &facts, reach: &reach, environment, events: &events, writes: false };
        check_chosen(environment, args.service.as_deref())?;
        let mut report = EnvReport::of(environment, &context.run_id);
        if !serving.wait(None, context, context.timeout, &mut report).await {
            return Ok(Err(conclude(report, context.output, colour)));
        }
        tenants.push(serving.checks().tenant(args.service.as_deref(), context, &report));
    }
    Ok(Ok(tenants))
}

/// `--clean` and `--isolation`, wherever the environments are.
pub(super) async fn together(args: &SmokeArgs, tenants: &[Tenant], context: &Context, colour: bool) -> Result<Outcome> {
    if args.clean { clean::run(tenants, context, colour).await } else { isolation::run(tenants, context, colour).await }
}

/// What can be said of the flags before an environment is looked for.
pub(super) fn check_flags(args: &SmokeArgs) -> Result<()> {
    check_services(args.service.as_deref())?;
    if args.isolation && args.env.len() < 2 {
        return Err(CommandError::new("--isolation compares environments, and one is named")
            .hint("name two or more: `--env` may be repeated"));
    }
    if args.env.len() > 1 && !args.isolation && !args.clean {
        return Err(CommandError::new("--env names more than one environment")
            .hint("check one after the other, or compare them with --isolation"));
    }
    Ok(())
}

fn refused(place: &str, error: &InputError) -> CommandError {
    let message = format!("cannot check {place}: {error}");
    match error {
        InputError::Proxy { variable, .. } => {
            CommandError::new(message).hint(format!("unset {variable}, or leave the host out with NO_PROXY"))
        }
        _ => CommandError::new(message).hint("give the URL of an emulator, e.g. http://localhost:4566"),
    }
}

async fn of_environment(env: &str, args: &SmokeArgs, context: &Context, colour: bool) -> Result<Outcome> {
    let cluster = context.connect().await?;
    let facts = discover::discover(&cluster).await?;
    let reach = reach::resolve(&args.reach, Some(&facts), &context.proxies)?;
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
    if serving.wait(None, context, context.timeout, &mut report).await {
        serving.smoke(args.service.as_deref(), context, &mut report).await;
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
        return Outcome { status: reports[0].status, text, problems, reports, dns: None };
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
    Outcome { status: report.status, text, problems, reports: vec![report], dns: None }
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
