//! From argv to a parsed command line: flags, and the environment file that stands for those left out. Reads that file.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use crate::cli::Cli;
use crate::cli::file::{self, Setting};
use crate::error::{CommandError, Result};
use crate::exit::ExitStatus;
use crate::report;

/// The longest file of settings, in bytes: nobody writes so many settings.
const LONGEST: u64 = 1 << 20;

/// A command line with its file's settings in it.
pub(super) struct CommandLine {
    pub(super) cli: Cli,
    /// The file's name; empty where there is none.
    pub(super) file: String,
    /// What the file says.
    pub(super) settings: Vec<Setting>,
}

/// Parses the command line. The error is how the program ends: help and version are printed, mistakes are said.
pub(super) fn read(argv: &[OsString]) -> std::result::Result<CommandLine, ExitStatus> {
    let Some(path) = file_of(argv) else {
        let cli = Cli::command().try_get_matches_from(argv).and_then(|given| Cli::from_arg_matches(&given));
        return cli
            .map(|cli| CommandLine { cli, file: String::new(), settings: Vec::new() })
            .map_err(|error| said(&error));
    };
    let file = path.display().to_string();
    let refuse = |error: &CommandError| {
        report::print_error(error, false);
        ExitStatus::Error
    };
    let settings = settings(&path, &file).map_err(|error| refuse(&error))?;
    let merged = merge(argv, &settings);
    match Cli::command().try_get_matches_from(merged).and_then(|given| Cli::from_arg_matches(&given)) {
        Ok(cli) => Ok(CommandLine { cli, file, settings }),
        Err(error) => match of_file(&error, &file, &settings) {
            Some(error) => Err(refuse(&error)),
            None => Err(said(&error)),
        },
    }
}

/// The command line's flags, none of which must be there: the file may give them.
fn loosely(argv: &[OsString]) -> std::result::Result<ArgMatches, clap::Error> {
    let optional = |argument: clap::Arg| argument.required(false);
    Cli::command().mut_subcommands(|command| command.mut_args(optional)).ignore_errors(true).try_get_matches_from(argv)
}

fn file_of(argv: &[OsString]) -> Option<PathBuf> {
    let matches = loosely(argv).ok()?;
    let (_, given) = matches.subcommand()?;
    given.try_get_one::<PathBuf>("file").ok()?.cloned()
}

fn settings(path: &Path, shown: &str) -> Result<Vec<Setting>> {
    let cannot = |error: &dyn std::fmt::Display| CommandError::new(format!("cannot read the file {shown}: {error}"));
    let text = read_file(path).map_err(|error| cannot(&error).hint("name an existing file of settings with -f"))?;
    let mut commands = Cli::command();
    commands.build();
    file::parse(&text, &commands).map_err(|error| CommandError { message: cannot(&error).message, ..error })
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err(io::Error::other(format!("it has more than {LONGEST} bytes")));
    }
    Ok(text)
}

fn merge(argv: &[OsString], settings: &[Setting]) -> Vec<OsString> {
    let mut commands = Cli::command();
    commands.build();
    let merged = loosely(argv).ok().and_then(|matches| {
        let (name, given) = matches.subcommand()?;
        Some(file::merge(argv, settings, commands.find_subcommand(name)?, given))
    });
    merged.unwrap_or_else(|| argv.to_vec())
}

/// clap's error, where it is about a flag that the file gives.
fn of_file(error: &clap::Error, file: &str, settings: &[Setting]) -> Option<CommandError> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let why = error.to_string();
    let why = why.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let located = file::locate(CommandError::new(argument.clone()), file, settings);
    (!located.hints.is_empty()).then(|| CommandError { message: why.to_owned(), ..located })
}

fn said(error: &clap::Error) -> ExitStatus {
    let printed = error.print();
    if error.use_stderr() {
        return ExitStatus::Error;
    }
    match report::written(printed) {
        Ok(_) => ExitStatus::Success,
        Err(error) => {
            report::print_error(&error, false);
            ExitStatus::Error
        }
    }
}
