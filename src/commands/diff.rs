//! `diff`: what `up` would change. Reads only.

use super::draft::{self, Draft, Wanted};
use super::{Context, Outcome, target, token};
use crate::cli::OutputFormat;
use crate::cli::diff::DiffArgs;
use crate::cluster::discover;
use crate::environment::{self, EnvName, Environment};
use crate::error::{CommandError, Result};
use crate::events::What;
use crate::exit::ExitStatus;
use crate::manifest::{Kind, ObjectId};
use crate::plan::{Action, LiveState, Plan};
use crate::render::{INVENTORY, names};
use crate::report::diff as report;

pub(super) async fn run(args: &DiffArgs, context: Context, colour: bool) -> Result<Outcome> {
    let name = EnvName::parse(&args.env.env)?;
    let namespace = args.env.namespace.as_deref();
    let choices = target::choices(&args.choices)?;
    let adopted = draft::adopted(&args.adopt)?;
    Environment::check(&name, &choices, namespace)?;
    let token = token::read(args.choices.auth_token_from.as_deref())?;
    let cluster = context.connect().await?;
    let facts = discover::discover(&cluster).await?;
    let wanted = Wanted { name: &name, namespace, choices, adopted: &adopted, token: token.as_ref() };
    let drafted = Box::pin(draft::draft(&cluster, &facts, wanted)).await?;
    let Draft { environment, plan, live, needs_project, domain_is_unknown, notes, .. } = drafted;
    if !needs_project && nothing_is_seen(&live) {
        return Err(unseen(&environment));
    }
    if domain_is_unknown {
        return Err(environment::unknown_domain());
    }
    let events = context.events(name.as_str());
    for note in notes {
        events.send(What::Note(format!("note: {note}")));
    }
    if let Some(unread) = unread(&plan, &live) {
        events.send(What::Note(format!("note: you may not read these, so they are taken not to be there: {unread}")));
    }
    let changes = report::changes(&plan, &live)?;
    let text = match context.output {
        OutputFormat::Text => report::text(name.as_str(), &changes, colour),
        OutputFormat::Json => report::json(name.as_str(), &changes),
    };
    let status = if changes.is_empty() { ExitStatus::Success } else { ExitStatus::Failure };
    Ok(Outcome { status, ..Outcome::success(text) })
}

/// What every environment has may not be read.
fn nothing_is_seen(live: &LiveState) -> bool {
    let inventory = ObjectId::new(Kind::ConfigMap, INVENTORY);
    live.hidden.contains(&inventory) && live.hidden.contains(&ObjectId::new(Kind::Deployment, names::EMULATOR))
}

/// Whatever stood there would be a guess.
fn unseen(environment: &Environment) -> CommandError {
    let (name, home) = (&environment.name, &environment.namespace);
    CommandError::new(format!("cannot say what `up` would change of {name}: you may read nothing in {home}"))
        .hint("have who administers it let you in: `oc policy add-role-to-user view USER -n NAMESPACE`")
        .hint("`lsdeploy up` says which rights it needs, and writes nothing without them")
}

/// What would be made because it cannot be seen.
fn unread(plan: &Plan, live: &LiveState) -> Option<String> {
    let made = plan.steps.iter().filter(|step| step.action == Action::Create && live.hidden.contains(&step.id));
    let made: Vec<String> = made.map(|step| step.id.to_string()).collect();
    (!made.is_empty()).then(|| made.join(", "))
}
