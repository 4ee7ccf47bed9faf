//! Which port each environment's router gets: the named one, the recorded one, or the first that is free.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use super::Prepared;
use crate::error::{CommandError, Result};
use crate::events::{Events, What};
use crate::local::ports::{self, Owner};
use crate::local::state::{Home, Places};
use crate::local::{launch, processes};

/// Ports for all of them, in their order. Nobody else may choose meanwhile.
///
/// # Errors
/// The first port that somebody else has, with its owner's name.
pub(super) fn choose(places: &Places, named: Option<u16>, prepared: &[Prepared]) -> Result<Vec<u16>> {
    // What is recorded is kept for its environment, whether that runs or not.
    let mut kept = BTreeMap::new();
    for home in places.all()? {
        if let Ok(Some(inventory)) = home.inventory() {
            kept.insert(inventory.port, home);
        }
    }
    let mut chosen = Vec::new();
    for Prepared { home, recorded, events, .. } in prepared {
        let wanted = named.or_else(|| recorded.as_ref().map(|recorded| recorded.port));
        let port = match wanted {
            Some(port) => port,
            None => free(home, &kept, events)?,
        };
        check(home, port, &kept)?;
        kept.insert(port, home.clone());
        chosen.push(port);
    }
    Ok(chosen)
}

/// The first free port; where that is not the one that everybody knows, it is said why.
fn free(home: &Home, kept: &BTreeMap<u16, Home>, events: &Events) -> Result<u16> {
    let first = ports::FIRST;
    let port = ports::first_free(&kept.keys().copied().collect::<Vec<_>>()).ok_or_else(|| {
        CommandError::new(format!("no port from {first} on is free for the router"))
            .hint("name one with `--port`, or end what listens: `ss -ltnp` lists it")
    })?;
    if port != first
        && let Some(why) = why_not(home, first, kept)
    {
        events.send(What::Note(format!("port {first} {why}: the router of {} takes {port}", home.env)));
    }
    Ok(port)
}

fn check(home: &Home, port: u16, kept: &BTreeMap<u16, Home>) -> Result<()> {
    let Some(why) = why_not(home, port, kept) else { return Ok(()) };
    Err(CommandError::new(format!("nothing was started: port {port}, which {} is to have, {why}", home.env))
        .hint("end what has it, or name another one with `--port`"))
}

/// Why an environment cannot have a port; `None` where it can.
fn why_not(home: &Home, port: u16, kept: &BTreeMap<u16, Home>) -> Option<String> {
    if let Some(other) = kept.get(&port).filter(|other| *other != home) {
        return Some(format!("belongs to the environment {} of lsdeploy", other.env));
    }
    if launch::running(home).unwrap_or_default().is_some_and(|(launch, _)| launch.port == port) {
        return None;
    }
    let error = ports::check(port).err()?;
    match (error.kind(), ports::owner(port)) {
        // Left of an earlier start of this one: it is ended before the next.
        (ErrorKind::AddrInUse, Some(Owner::Process(pid))) if is_of(home, pid) => None,
        (ErrorKind::AddrInUse, Some(Owner::Process(pid))) => {
            Some(format!("is in use by process {pid} ({})", processes::command_line(pid)))
        }
        (ErrorKind::AddrInUse, Some(Owner::User(user))) => {
            Some(format!("is in use by a process of the user with the id {user}"))
        }
        (ErrorKind::AddrInUse, None) => Some("is in use, by whom cannot be seen from here".to_owned()),
        (ErrorKind::PermissionDenied, _) => {
            Some("may not be listened on by this user: ports below 1024 are root's".to_owned())
        }
        _ => Some(format!("cannot be listened on: {error}")),
    }
}

fn is_of(home: &Home, pid: u32) -> bool {
    processes::of_environment(&home.directory).iter().any(|process| process.pid == pid)
}
