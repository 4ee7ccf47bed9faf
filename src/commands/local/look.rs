//! Commands that only look at an environment of this machine: `status`, `smoke`, `env`.

use std::time::Duration;

use super::super::{Context, Outcome, smoke as checks, target, up as common};
use super::ready::Recorded;
use super::{flags, surroundings};
use crate::cli::{EnvArgs, SmokeArgs, StatusArgs};
use crate::environment::EnvName;
use crate::error::{CommandError, Result};
use crate::events::What;
use crate::exports::{self, Access};
use crate::local::life::Stage;

/// Long enough for the first answers; a healthy environment answers at once.
const LOOK: Duration = Duration::from_secs(3);

pub(super) async fn status(args: &StatusArgs, context: Context, colour: bool) -> Result<Outcome> {
    flags::refuse_namespace(args.env.namespace.as_deref())?;
    flags::refuse_reach(&args.reach)?;
    let recorded = find(&args.env.env)?;
    let mut report = recorded.report(&context.run_id, "unchanged");
    recorded.wait(LOOK.min(context.timeout), &context.events(&args.env.env), &mut report).await;
    Ok(common::outcome(vec![report], context.output, colour))
}

pub(super) async fn smoke(args: &SmokeArgs, context: Context, colour: bool) -> Result<Outcome> {
    let Some(env) = args.env.first() else { return Box::pin(checks::run(args, context, colour)).await };
    flags::refuse_namespace(args.namespace.as_deref())?;
    flags::refuse_reach(&args.reach)?;
    checks::check_flags(args)?;
    if args.clean || args.isolation {
        return together(args, context, colour).await;
    }
    let recorded = find(env)?;
    checks::check_chosen(&recorded.environment, args.service.as_deref())?;
    let events = context.events(env);
    let mut report = recorded.report(&context.run_id, "unchanged");
    if recorded.wait(context.timeout, &events, &mut report).await {
        recorded.smoke(args.service.as_deref(), &context, &events, &mut report).await;
    }
    Ok(checks::conclude(report, context.output, colour))
}

/// `--clean` and `--isolation`: every environment must serve.
async fn together(args: &SmokeArgs, context: Context, colour: bool) -> Result<Outcome> {
    let mut tenants = Vec::new();
    for name in target::names(&args.env, None)? {
        let recorded = find(name.as_str())?;
        checks::check_chosen(&recorded.environment, args.service.as_deref())?;
        let events = context.events(name.as_str());
        let mut report = recorded.report(&context.run_id, "unchanged");
        if !recorded.wait(context.timeout, &events, &mut report).await {
            return Ok(checks::conclude(report, context.output, colour));
        }
        tenants.push(recorded.tenant(args.service.as_deref(), &context, &events, &report));
    }
    checks::together(args, &tenants, &context, colour).await
}

pub(super) async fn env(args: &EnvArgs, context: Context, colour: bool) -> Result<Outcome> {
    flags::refuse_namespace(args.env.namespace.as_deref())?;
    flags::refuse_reach(&args.reach)?;
    flags::refuse_from(args.from)?;
    let recorded = find(&args.env.env)?;
    let (endpoints, advice) = recorded.client_endpoints().await;
    let text = exports::write(args.format, &Access::of(&recorded.environment, &endpoints, None))?;
    if let Some(advice) = advice {
        context.events(&args.env.env).send(What::Advice(advice));
    }
    let outcome = Outcome::success(text);
    Ok(match not_ready(&recorded) {
        Some(warning) => outcome.warned(&warning, colour),
        None => outcome,
    })
}

/// Clients get what they need, and no answer yet.
fn not_ready(recorded: &Recorded) -> Option<CommandError> {
    let env = &recorded.home.env;
    match recorded.home.life().ok().flatten().map(|life| life.stage) {
        Some(Stage::Ready) => None,
        None => Some(
            CommandError::new(format!("nothing of {env} runs: its clients get no answer"))
                .hint(format!("`lsdeploy up --env {env} --target local` starts it, on the same port")),
        ),
        Some(_) => Some(
            CommandError::new(format!("{env} is not ready: its clients get no answer yet"))
                .hint(format!("`lsdeploy status --env {env} --target local` says why")),
        ),
    }
}

fn find(env: &str) -> Result<Recorded> {
    Recorded::find(surroundings::places()?.home(&EnvName::parse(env)?))
}
