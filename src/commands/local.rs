//! The commands on this machine, without a cluster: the same steps as on one, with `local` in place of `cluster`.

mod flags;
mod list;
mod logs;
mod look;
mod ready;
mod surroundings;
mod up;

use std::path::PathBuf;

use super::{Context, Outcome, completions, target};
use crate::cli::{Command, EnvsArgs, LocalArgs};
use crate::error::{CommandError, Result};
use crate::events::What;
use crate::exit::ExitStatus;
use crate::local::processes;
use crate::local::state::Home;
use crate::local::supervisor;
use crate::report::{self, Removed};

/// Runs one command on the local target.
pub(super) async fn execute(command: Command, context: Context, colour: bool) -> Result<Outcome> {
    flags::refuse_global(&context)?;
    let env = super::envs(&command).join(",");
    match command {
        Command::Up(args) => up::run(&args, context, colour).await,
        Command::Down(args) => down(&args, context, colour).await,
        Command::Status(args) => look::status(&args, context, colour).await,
        Command::List(args) => list::run(&args, &context),
        Command::Render(_) => Err(CommandError::new("there are no manifests on the local target").hint(format!(
            "leave --target out: `lsdeploy render --env {env} --apps-domain apps.example.com` needs no cluster"
        ))),
        Command::Diff(_) => Err(CommandError::new("there are no objects to compare on the local target")
            .hint("`lsdeploy status` says what runs")),
        Command::Gc => Err(CommandError::new("nothing expires on the local target")
            .hint("`lsdeploy down --env ENV --target local` removes an environment")),
        Command::History(_) => {
            Err(CommandError::new("the local target records no runs").hint("`lsdeploy status` says what runs"))
        }
        Command::AdminBundle(_) => Err(CommandError::new("the local target needs no cluster-admin")
            .hint(format!("leave --target out: `lsdeploy admin-bundle --env {env}` is for a cluster"))),
        Command::Scc(_) => Err(CommandError::new("there are no SCCs on the local target")
            .hint(format!("leave --target out: `lsdeploy scc explain --env {env}` asks the cluster"))),
        Command::Smoke(args) => Box::pin(look::smoke(&args, context, colour)).await,
        Command::Env(args) => look::env(&args, context, colour).await,
        Command::Logs(args) => logs::run(&args).await,
        Command::Completions { shell } => Ok(Outcome::success(completions(shell))),
        Command::Man { command } => super::man(command.as_deref()),
        Command::DnsDebug(_) => Err(CommandError::new(
            "names of the local target are not in DNS: they end in localhost",
        )
        .hint("leave --target out: `lsdeploy dns-debug NAME` looks from this machine, with or without a cluster")),
        Command::LocalSupervisor { .. } | Command::DnsProbe => Ok(Outcome::success(String::new())),
    }
}

/// The supervisor of one environment, until it is told to end.
pub(super) async fn supervise(directory: PathBuf) -> Result<()> {
    supervisor::run(directory, surroundings::passed_on()).await
}

/// What only the local target has, on a cluster.
pub(super) fn refuse_on_a_cluster(args: &LocalArgs) -> Result<()> {
    flags::refuse_on_a_cluster(args)
}

/// Ends everything that environments are, and waits until nothing is left.
async fn down(args: &EnvsArgs, context: Context, colour: bool) -> Result<Outcome> {
    flags::refuse_namespace(args.namespace.as_deref())?;
    let names = target::names(&args.envs, None)?;
    let places = surroundings::places()?;
    let _held = places.lock().await?;
    let mut outcome = Outcome::success(String::new());
    let mut removed = Vec::new();
    for name in &names {
        let home = places.home(name);
        let events = context.events(name.as_str());
        if home.directory.exists() {
            events.send(What::Begun);
        }
        match remove(&home).await {
            Ok(deleted) => {
                if deleted > 0 {
                    let done = "its processes are ended, what was recorded of it is deleted".to_owned();
                    events.send(What::Process(done));
                }
                removed.push(Removed { env: name.to_string(), deleted, ..Removed::default() });
            }
            Err(error) => {
                outcome.problems.push_str(&report::text::error(&error, colour));
                outcome.status = ExitStatus::Error;
            }
        }
    }
    outcome.text = report::removed(&removed, context.output);
    Ok(outcome)
}

/// Reads nothing of what is recorded: it may be damaged.
async fn remove(home: &Home) -> Result<usize> {
    let ended = processes::end(&home.directory).await?;
    Ok(ended + usize::from(home.delete()?))
}
