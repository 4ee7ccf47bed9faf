//! `list`: the environments of this machine.

use super::super::{Context, Outcome};
use super::surroundings;
use crate::cli::{ListArgs, OutputFormat};
use crate::error::{CommandError, Result};
use crate::local::life::Stage;
use crate::local::state::Home;
use crate::report::{self, ListedLocal};

pub(super) fn run(args: &ListArgs, context: &Context) -> Result<Outcome> {
    if args.orphans {
        return Err(CommandError::new("there are no orphans on the local target: an environment is one directory")
            .hint("`lsdeploy list --target local` lists them all, damaged ones too"));
    }
    let found: Vec<ListedLocal> = surroundings::places()?.all()?.iter().map(look).collect();
    Ok(Outcome::success(match context.output {
        OutputFormat::Json => report::json::local_list(&found),
        OutputFormat::Text => report::text::local_list(&found, jiff::Timestamp::now()),
    }))
}

/// A damaged record is listed too: the others are not to be hidden by it.
fn look(home: &Home) -> ListedLocal {
    let damaged = || ListedLocal {
        env: home.env.clone(),
        emulator: "?".to_owned(),
        url: "?".to_owned(),
        state: "damaged",
        created: String::new(),
    };
    let Ok(Some(inventory)) = home.inventory() else { return damaged() };
    let state = match home.life() {
        Err(_) => "damaged",
        Ok(None) => "stopped",
        Ok(Some(life)) => match life.stage {
            Stage::Ready => "ready",
            Stage::Starting | Stage::Filling | Stage::Failed(_) => "starting",
            Stage::InitFailed(_) => "init-failed",
            Stage::CrashLoop => "crash-loop",
        },
    };
    let emulator = inventory.emulator_url.or(inventory.choices.emulator).unwrap_or_default();
    ListedLocal {
        env: home.env.clone(),
        emulator,
        url: format!("http://localhost:{}", inventory.port),
        state,
        created: inventory.created,
    }
}
