//! `logs`: the emulator's log, straight to standard output.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use tokio::time::interval;

use super::super::Outcome;
use super::ready::Recorded;
use super::{flags, surroundings};
use crate::cli::LogsArgs;
use crate::environment::EnvName;
use crate::error::{CommandError, Result};
use crate::printable::colourless;
use crate::report::{self, Reader};

pub(super) async fn run(args: &LogsArgs) -> Result<Outcome> {
    flags::refuse_namespace(args.env.namespace.as_deref())?;
    if args.previous {
        return Err(CommandError::new("--previous is for a cluster: here one log has every run of the emulator")
            .hint("leave --previous out; a line that begins with three dashes separates the runs"));
    }
    let recorded = Recorded::find(surroundings::places()?.home(&EnvName::parse(&args.env.env)?))?;
    if let Some(url) = &recorded.inventory.emulator_url {
        return Err(CommandError::new(format!("the emulator at {url} is not ours: its log is where it was started"))
            .hint(format!("the router's own is {}", recorded.home.supervisor_log().display())));
    }
    let path = if args.init { recorded.home.init_log() } else { recorded.home.emulator_log() };
    if args.init && !path.exists() {
        return Err(CommandError::new(format!("{} has run no scripts", recorded.home.env))
            .hint(format!("`lsdeploy up --env {} --target local --init DIRECTORY` gives it some", recorded.home.env)));
    }
    let cannot = |error: std::io::Error| CommandError::new(format!("cannot read {}: {error}", path.display()));
    let mut log = BufReader::new(File::open(&path).map_err(cannot)?);
    let mut last = VecDeque::new();
    while let Some(line) = next_line(&mut log).map_err(cannot)? {
        let Some(most) = args.tail else {
            if print(&line)? == Reader::Gone {
                return Ok(Outcome::success(String::new()));
            }
            continue;
        };
        last.push_back(line);
        if last.len() > usize::try_from(most).unwrap_or(usize::MAX) {
            last.pop_front();
        }
    }
    for line in &last {
        print(line)?;
    }
    if args.follow {
        let mut looks = interval(Duration::from_millis(200));
        // Until the environment is gone, or the reader; a signal ends it before.
        while path.exists() {
            looks.tick().await;
            while let Some(line) = next_line(&mut log).map_err(cannot)? {
                if print(&line)? == Reader::Gone {
                    return Ok(Outcome::success(String::new()));
                }
            }
        }
    }
    Ok(Outcome::success(String::new()))
}

/// The next line with what ends it, as far as it is written.
fn next_line(log: &mut BufReader<File>) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = log.read_until(b'\n', &mut bytes)?;
    Ok((read > 0).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

fn print(line: &str) -> Result<Reader> {
    report::print(&colourless(line))
}
