//! `up`: everything is looked at, installed and checked for all environments before the first of them is started.

mod emulator;
mod port;

use futures::future::{join_all, try_join_all};

use self::emulator::Answers;
use super::super::{Context, Outcome, target, up as common};
use super::ready::Recorded;
use super::{flags, surroundings};
use crate::cli::UpArgs;
use crate::environment::{EnvName, Environment};
use crate::error::{CommandError, Result};
use crate::events::{Events, Phases, What};
use crate::local::launch::{self, Emulator, Launch, Program};
use crate::local::life::{Life, Stage};
use crate::local::state::{Home, Inventory, Places};
use crate::local::{processes, runtime};
use crate::report::EnvReport;
use crate::settings::Choices;

/// What all environments of one run share.
struct Up<'a> {
    args: &'a UpArgs,
    context: &'a Context,
    places: &'a Places,
}

/// An environment that may be started.
struct Prepared {
    home: Home,
    /// What was recorded when it was looked at.
    recorded: Option<Inventory>,
    environment: Environment,
    answers: Answers,
    events: Events,
    phases: Phases,
}

/// What is to be recorded and run.
struct Wanted {
    inventory: Inventory,
    launch: Launch,
}

pub(super) async fn run(args: &UpArgs, context: Context, colour: bool) -> Result<Outcome> {
    flags::refuse_up(args)?;
    let names = target::names(&args.envs.envs, None)?;
    let places = surroundings::places()?;
    let up = Up { args, context: &context, places: &places };
    let prepared = try_join_all(names.iter().map(|name| up.prepare(name))).await?;
    // From here to the last start no other run may take a port or end what is looked at.
    let held = places.lock().await?;
    let ports = port::choose(&places, args.local.port, &prepared)?;
    let started = try_join_all(prepared.into_iter().zip(ports).map(|(one, port)| up.start(one, port))).await?;
    drop(held);
    let reports = join_all(started.into_iter().map(|one| up.follow(one))).await;
    Ok(common::outcome(reports, context.output, colour))
}

impl Up<'_> {
    /// Validates, and installs the emulator or asks the one that runs; starts nothing.
    async fn prepare(&self, name: &EnvName) -> Result<Prepared> {
        let Self { args, context, places } = self;
        let events = context.events(name.as_str());
        let mut phases = Phases::default();
        let home = places.home(name);
        let recorded = home.inventory()?;
        let flags = target::choices(&args.choices)?;
        let work = async {
            let url = match (&args.local.emulator_url, &flags.emulator) {
                (Some(url), _) => Some(emulator::Url::parse(url)?),
                // Another emulator is named: what ran somewhere else is not meant any more.
                (None, Some(_)) => None,
                (None, None) => {
                    let kept = recorded.as_ref().and_then(|recorded| recorded.emulator_url.as_deref());
                    kept.map(emulator::Url::parse).transpose()?
                }
            };
            let mut choices: Choices =
                flags.clone().over(recorded.as_ref().map(|recorded| recorded.choices.clone()).unwrap_or_default());
            if let Some(url) = &url {
                url.check_foreign(places)?;
                let known =
                    if args.local.emulator_url.is_some() { flags.emulator.clone() } else { choices.emulator.clone() };
                choices.emulator = Some(url.profile(known.as_deref()).await?);
            }
            let environment = Environment::local(name, choices)?;
            let answers = match url {
                Some(url) if !environment.scripts.is_empty() => return Err(url.no_scripts(&environment.name)),
                Some(url) => Answers::Given(url),
                None => Answers::Installed(emulator::install(&environment, places, context.timeout, &events).await?),
            };
            Ok((environment, answers))
        };
        let (environment, answers) = phases.run(&events, "preflight", work).await?;
        Ok(Prepared { home, recorded, environment, answers, events, phases })
    }

    /// Starts what does not run as it is wanted.
    async fn start(&self, prepared: Prepared, port: u16) -> Result<(Recorded, EnvReport, Events)> {
        let wanted = self.wanted(&prepared, port)?;
        let Prepared { home, recorded, environment, events, mut phases, .. } = prepared;
        if home.inventory()? != recorded {
            return Err(CommandError::new(format!("{} was changed by another run meanwhile", home.env))
                .hint("run this again: it then starts from what is recorded now"));
        }
        // What cannot be read is not what is wanted.
        let running = launch::running(&home).unwrap_or_default();
        let lost = running.as_ref().zip(recorded.as_ref()).and_then(|(running, before)| loss(running, before, &wanted));
        let same = recorded.as_ref().is_some_and(|recorded| recorded.asks_for_the_same(&wanted.inventory));
        let runs = running.is_some_and(|(launch, _)| launch == wanted.launch);
        if let Some(lost) = lost {
            events.send(What::Note(lost));
        }
        if !(same && runs) {
            events.send(What::Begun);
        }
        let action = match (&recorded, same && runs) {
            (_, true) => "unchanged",
            (None, _) => "create",
            (Some(_), false) => "update",
        };
        let one = Recorded { home, inventory: wanted.inventory, environment };
        let mut report = one.report(&self.context.run_id, action);
        let work = async {
            if !(same && runs) {
                one.home.make()?;
                one.home.record(&one.inventory)?;
                share_parts(&one, self.places)?;
            }
            if runs { Ok(None) } else { restart(&one.home, &wanted.launch, &events).await.map(Some) }
        };
        if let Err(error) = phases.run(&events, "apply", work).await {
            report.fail(error);
        }
        report.phases = phases;
        Ok((one, report, events))
    }

    /// Waits and checks. A failure is part of the report: the other environments go on.
    async fn follow(&self, (one, mut report, events): (Recorded, EnvReport, Events)) -> EnvReport {
        let Self { args, context, .. } = self;
        let ready = report.error.is_none() && !args.no_wait && one.wait(context.timeout, &events, &mut report).await;
        if ready && !args.no_smoke {
            one.smoke(None, context, &events, &mut report).await;
        }
        report
    }

    fn wanted(&self, prepared: &Prepared, port: u16) -> Result<Wanted> {
        let Prepared { home, recorded, environment, answers, .. } = prepared;
        let fresh = || Inventory::new(&environment.name, port, &self.context.run_id);
        let mut inventory = recorded.clone().unwrap_or_else(fresh);
        inventory.port = port;
        inventory.choices = environment.choices.clone();
        inventory.last_run.clone_from(&self.context.run_id);
        inventory.emulator_url = None;
        let profile = &environment.profile;
        let emulator = match (answers, &profile.local) {
            (Answers::Given(url), _) => {
                inventory.emulator_url = Some(url.to_string());
                Emulator::Given(url.address())
            }
            (Answers::Installed(python), Some(local)) => {
                Emulator::Managed(Program::of(environment, local, python.clone(), home, port)?)
            }
            (Answers::Installed(_), None) => {
                return Err(CommandError::new(format!("{} does not run without a cluster", profile.name)));
            }
        };
        let launch = Launch {
            env: environment.name.to_string(),
            port,
            services: environment.services.clone(),
            emulator,
            health: profile.readiness.path.clone().unwrap_or_else(|| "/".to_owned()),
        };
        Ok(Wanted { inventory, launch })
    }
}

/// What an emulator that serves loses by what is wanted now; nothing where it goes on.
fn loss((launch, life): &(Launch, Life), before: &Inventory, wanted: &Wanted) -> Option<String> {
    let held = matches!(launch.emulator, Emulator::Managed(_)) && life.stage == Stage::Ready;
    if !held || *launch == wanted.launch {
        return None;
    }
    let why = match wanted.inventory.flags_changed(before).as_slice() {
        [] => "this lsdeploy runs it in another way".to_owned(),
        flags => format!("{} changed", flags.join(" and ")),
    };
    Some(format!("note: the emulator of {} starts anew because {why}: what was in it is gone", launch.env))
}

/// What the emulator downloads at first use is downloaded once for all environments.
fn share_parts(one: &Recorded, places: &Places) -> Result<()> {
    let profile = &one.environment.profile;
    let shared = profile.local.as_ref().and_then(|local| Some((local, local.parts.as_ref()?)));
    shared.map_or(Ok(()), |(local, below)| one.home.share(below, &runtime::parts(&places.cache, &profile.name, local)))
}

/// Ends what is left of an earlier start and starts anew.
async fn restart(home: &Home, launch: &Launch, events: &Events) -> Result<Life> {
    if processes::end(&home.directory).await? > 0 {
        events.send(What::Process("what ran before is ended".to_owned()));
    }
    let life = launch.start(home).await?;
    events.send(What::Process(format!(
        "the router listens on http://localhost:{} (process {})",
        launch.port, life.supervisor.pid
    )));
    Ok(life)
}
