//! The environment file (`-f FILE`): flags written down as YAML. Takes its text and the command line's own description,
//! gives arguments; a flag on the command line wins. Pure.
//!
//! ```yaml
//! env: team1
//! emulator: moto
//! services: [sqs, s3]
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command};
use serde::Deserialize;

use crate::error::{CommandError, Result};
use crate::yaml::{self, Located, Misread};

/// Flags that say where the file is or how a run ends: they are no settings of an environment.
const NO_SETTINGS: [&str; 6] = ["file", "help", "version", "output-dir", "report", "directory"];

/// One setting of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The flag's name, without dashes.
    pub flag: String,
    /// Its arguments: none where a switch is off.
    arguments: Vec<String>,
    /// YAML took it for a number.
    is_number: bool,
    /// Where its value stands.
    pub line: u64,
    /// From 1.
    pub column: u64,
}

/// A value as YAML has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a value is a word, a number, true, false, or a list of words")]
enum Given {
    Switch(bool),
    Number(f64),
    Text(String),
    List(Vec<String>),
}

/// Reads the settings of a file. `commands` describes the whole command line: a setting may be one that only some
/// commands have, so that one file serves them all.
///
/// # Errors
/// What cannot be a setting, with line and column.
pub fn parse(text: &str, commands: &Command) -> Result<Vec<Setting>> {
    let given: BTreeMap<String, Located<Given>> = yaml::parse_written(text).map_err(misread)?;
    let mut settings = Vec::new();
    for (flag, Located { value, line, column }) in given {
        let place = |what: String| CommandError::new(format!("line {line}, column {column}: {what}"));
        let actions = actions(commands, &flag);
        let Some(action) = actions.first() else {
            let error = place(format!("there is no setting `{}`", flag.escape_default()));
            let known = known(commands);
            let error = alike(&flag, &known)
                .into_iter()
                .fold(error, |error, alike| error.hint(format!("did you mean `{alike}`?")));
            return Err(error.hint(format!("the settings are: {}", known.join(", "))));
        };
        let with = |text: &String| format!("--{flag}={text}");
        let arguments = match (action, &value) {
            (ArgAction::SetTrue, Given::Switch(true)) => vec![format!("--{flag}")],
            (ArgAction::SetTrue, Given::Switch(false)) => Vec::new(),
            (ArgAction::SetTrue, _) => return Err(place(format!("`{flag}` is true or false"))),
            (_, Given::Switch(_)) => {
                return Err(place(format!("`{flag}` needs a value")).hint("put true and false in quotes"));
            }
            (_, Given::Text(text)) => vec![with(text)],
            (_, Given::Number(number)) => vec![with(&number.to_string())],
            (ArgAction::Append, Given::List(list)) => list.iter().map(with).collect(),
            (_, Given::List(_)) => return Err(place(format!("`{flag}` has one value, not a list"))),
        };
        let is_number = matches!(value, Given::Number(_));
        settings.push(Setting { flag, arguments, is_number, line, column });
    }
    Ok(settings)
}

fn misread(error: Misread) -> CommandError {
    let Misread { why, place } = error;
    let place = place.map_or_else(String::new, |(line, column)| format!("line {line}, column {column}: "));
    if why.ends_with(" is set twice") {
        return CommandError::new(format!("{place}{why}")).hint("keep one of them; several environments are a list");
    }
    CommandError::new(format!("{place}it is no list of settings: {why}")).hint("write one `FLAG: VALUE` on each line")
}

/// The command line with the settings of a file added: those that its command has and that it does not give itself.
pub fn merge(argv: &[OsString], settings: &[Setting], command: &Command, given: &ArgMatches) -> Vec<OsString> {
    let is_new = |setting: &&Setting| {
        let mut arguments = command.get_arguments();
        let argument = arguments.find(|argument| argument.get_long() == Some(setting.flag.as_str()));
        argument
            .is_some_and(|argument| given.value_source(argument.get_id().as_str()) != Some(ValueSource::CommandLine))
    };
    let added = settings.iter().filter(is_new).flat_map(|setting| setting.arguments.iter().map(OsString::from));
    let end = argv.iter().position(|word| word == "--").unwrap_or(argv.len());
    let (before, after) = argv.split_at(end);
    before.iter().cloned().chain(added).chain(after.iter().cloned()).collect()
}

/// Says where the file gives the flag that an error is about.
#[must_use]
pub fn locate(error: CommandError, path: &str, settings: &[Setting]) -> CommandError {
    let names = |flag: &str| {
        let word = format!("--{flag}");
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        error.message.match_indices(&word).any(|(at, _)| ends(&error.message[at + word.len()..]))
    };
    // Some errors name the value alone.
    let quotes = |setting: &Setting| {
        let mut values = setting.arguments.iter().filter_map(|argument| Some(argument.split_once('=')?.1));
        values.any(|value| error.message.contains(&format!("`{value}`")))
    };
    let found = settings.iter().find(|setting| names(&setting.flag)).or_else(|| settings.iter().find(|s| quotes(s)));
    let Some(Setting { flag, line, column, is_number, .. }) = found else { return error };
    let hint = format!("`{flag}` comes from {path}, line {line}, column {column}");
    let begins_with_0 = is_number.then_some("numbers that begin with 0 need quotes there");
    begins_with_0.into_iter().fold(error.hint(hint), CommandError::hint)
}

/// How the commands that have a flag take it.
fn actions<'a>(commands: &'a Command, flag: &str) -> Vec<&'a ArgAction> {
    let takes_files = |command: &&Command| command.get_arguments().any(|argument| argument.get_id() == "file");
    let of_commands = commands.get_subcommands().filter(takes_files).flat_map(Command::get_arguments);
    let all = commands.get_arguments().chain(of_commands);
    let of_flag = all.filter(|argument| argument.get_long() == Some(flag) && !NO_SETTINGS.contains(&flag));
    of_flag.map(clap::Arg::get_action).collect()
}

fn known(commands: &Command) -> Vec<&str> {
    let up = commands.get_subcommands().filter(|command| command.get_name() == "up");
    let all = commands.get_arguments().chain(up.flat_map(Command::get_arguments));
    let mut names: Vec<&str> = all.filter_map(clap::Arg::get_long).filter(|name| !NO_SETTINGS.contains(name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The name that was meant, where one is near enough: as near as clap wants it for flags.
fn alike<'a>(flag: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|name| (strsim::jaro_winkler(flag, name), *name));
    let (nearness, name) = near.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (nearness > 0.8).then_some(name)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::{Cli, Command as Chosen};

    fn settings(text: &str) -> Result<Vec<Setting>> {
        parse(text, &built())
    }

    fn built() -> Command {
        let mut command = Cli::command();
        command.build();
        command
    }

    /// The command line that comes of flags and a file.
    fn merged(words: &[&str], text: &str) -> Cli {
        let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
        let commands = built();
        let matches = commands.clone().mut_subcommands(|c| c.mut_args(|a| a.required(false))).get_matches_from(&argv);
        let (name, given) = matches.subcommand().unwrap();
        let command = commands.find_subcommand(name).unwrap();
        Cli::parse_from(merge(&argv, &settings(text).unwrap(), command, given))
    }

    #[test]
    fn a_file_stands_for_flags_and_flags_win() {
        let text = "env: [a, b]\nemulator: moto\nservices: [sqs, s3]\nno-smoke: true\ntimeout: 90s\n";
        let Cli { command: Chosen::Up(up), global } = merged(&["lsdeploy", "up", "--emulator", "localstack"], text)
        else {
            panic!("not up");
        };
        assert_eq!((up.envs.envs, up.choices.emulator.as_deref()), (vec!["a".into(), "b".into()], Some("localstack")));
        assert_eq!(up.choices.services, Some(vec!["sqs".into(), "s3".into()]));
        assert_eq!((up.no_smoke, global.timeout.as_str()), (true, "90s"));
        // `status` has no emulator: the same file serves it too.
        let status = merged(&["lsdeploy", "status"], "env: a\nemulator: moto\n");
        assert!(matches!(status.command, Chosen::Status(status) if status.env.env == "a"));
    }

    #[track_caller]
    fn refused(text: &str, words: &str) {
        let error = settings(text).unwrap_err();
        assert!(error.message.contains(words), "{}", error.message);
    }

    #[test]
    fn mistakes_are_named_with_line_and_column() {
        refused("env: a\nemulater: moto\n", "line 2, column 11: there is no setting `emulater`");
        refused("env: a\nno-smoke: 1\n", "line 2, column 11: `no-smoke` is true or false");
        refused("env: a\nscc: [a]\n", "line 2, column 6: `scc` has one value, not a list");
        refused("env: a\nenv: b\n", "line 2, column 1: `env` is set twice");
        refused("env: [a\nb: c\n", "line 2, column 2: it is no list of settings: ");
        refused("- a\n", "it is no list of settings");
        refused("env: {a: b}\n", "line 1");
    }

    #[test]
    fn an_error_about_a_flag_says_where_the_file_gives_it() {
        let settings = settings("tls: maybe\n").unwrap();
        let error = locate(CommandError::new("--tls cannot be `maybe`"), "team.yaml", &settings);
        assert_eq!(error.hints[0], "`tls` comes from team.yaml, line 1, column 6");
        assert_eq!(error.hints.len(), 1, "it is no number");
        let other = locate(CommandError::new("--tls-more cannot be"), "team.yaml", &settings);
        assert!(other.hints.is_empty());
        let value = locate(CommandError::new("`maybe` cannot be the name"), "team.yaml", &settings);
        assert_eq!(value.hints[0], "`tls` comes from team.yaml, line 1, column 6");
        let number = self::settings("account: 012\n").unwrap();
        let error = locate(CommandError::new("--account cannot be `12`"), "team.yaml", &number);
        assert_eq!(error.hints[1], "numbers that begin with 0 need quotes there");
    }
}
