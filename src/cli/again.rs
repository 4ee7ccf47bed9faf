//! The caller's command line once more, with another command or another flag: ready to be pasted. Pure.

use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory as _};

use super::Cli;

/// Flags that say how results are shown: they do not travel to another command.
const SHOWN: [&str; 5] = ["output", "quiet", "verbose", "no_color", "timeout"];

/// Flags that say how this machine gets to the cluster, and what it can see of it: they are of no use to somebody else.
const OF_THIS_MACHINE: [&str; 4] = ["target", "kubeconfig", "context", "apps_domain"];

/// The same for somebody else, at another machine.
pub fn handed(argv: &[OsString], verb: &str, set: &[(&str, &str)]) -> String {
    line(argv, verb, set, &OF_THIS_MACHINE)
}

/// The command line `argv` as one of `verb`: with every flag that was given and that this command knows, and with the
/// flags of `set` in place of those of the same name.
pub fn again(argv: &[OsString], verb: &str, set: &[(&str, &str)]) -> String {
    line(argv, verb, set, &[])
}

fn line(argv: &[OsString], verb: &str, set: &[(&str, &str)], without: &[&str]) -> String {
    let mut commands = Cli::command();
    commands.build();
    let optional = |argument: Arg| argument.required(false);
    let loose = Cli::command().mut_subcommands(|command| command.mut_args(optional)).ignore_errors(true);
    let matches = loose.try_get_matches_from(argv).ok();
    let given = matches.as_ref().and_then(ArgMatches::subcommand);
    let mut words = vec!["lsdeploy".to_owned(), verb.to_owned()];
    let Some(command) = commands.find_subcommand(verb) else { return words.join(" ") };
    let travels =
        |argument: &&Arg| given.is_none_or(|(same, _)| same == verb) || !SHOWN.contains(&argument.get_id().as_str());
    let stays = |argument: &&Arg| !without.contains(&argument.get_id().as_str());
    for argument in command.get_arguments().filter(travels).filter(stays) {
        let Some(long) = argument.get_long() else { continue };
        match set.iter().find(|(name, _)| *name == long) {
            Some((_, value)) => words.extend([format!("--{long}"), quoted(OsStr::new(value))]),
            None => words.extend(given.map(|(_, given)| flag(given, argument, long)).unwrap_or_default()),
        }
    }
    words.join(" ")
}

/// A flag as it was given; nothing where it was not.
fn flag(given: &ArgMatches, argument: &Arg, long: &str) -> Vec<String> {
    let id = argument.get_id().as_str();
    let is_given =
        given.try_contains_id(id).unwrap_or(false) && given.value_source(id) == Some(ValueSource::CommandLine);
    if !is_given {
        return Vec::new();
    }
    if !argument.get_action().takes_values() {
        return vec![format!("--{long}")];
    }
    let values = given.try_get_raw(id).ok().flatten().into_iter().flatten();
    let values: Vec<&OsStr> = values.collect();
    match argument.get_value_delimiter() {
        Some(delimiter) => {
            let joined = values.join(OsStr::new(&delimiter.to_string()));
            vec![format!("--{long}"), quoted(&joined)]
        }
        None => values.into_iter().flat_map(|value| [format!("--{long}"), quoted(value)]).collect(),
    }
}

/// As a shell reads it back.
pub fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/@%+=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into_owned();
    }
    shlex::try_quote(&word).map_or_else(|_| word.escape_default().to_string(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(argv: &str, verb: &str, set: &[(&str, &str)], expected: &str) {
        let argv: Vec<OsString> = shlex::split(argv).unwrap().into_iter().map(OsString::from).collect();
        assert_eq!(again(&argv, verb, set), expected);
    }

    #[test]
    fn the_callers_flags_come_again() {
        let up = "lsdeploy up --env a --services sqs,s3 --image 'x y' -q --kubeconfig /k --no-wait";
        check(
            up,
            "up",
            &[("scc", "none")],
            "lsdeploy up --env a --no-wait --image 'x y' --services sqs,s3 --scc none --kubeconfig /k --quiet",
        );
        check(
            "lsdeploy up --env a,b --router 10.0.0.1 --output json --context=c --scc custom",
            "admin-bundle",
            &[("env", "b"), ("for", "dev")],
            "lsdeploy admin-bundle --env b --for dev --scc custom --context c",
        );
        check("lsdeploy up -f team.yaml", "up", &[("scc", "none")], "lsdeploy up --file team.yaml --scc none");
        check("lsdeploy --context c up --env a", "up", &[], "lsdeploy up --env a --context c");
    }

    #[test]
    fn what_is_handed_to_somebody_else_names_nothing_of_this_machine() {
        let bundle = "lsdeploy admin-bundle --env a --for dev --namespace n --apps-domain x.y --context c --scc none";
        let argv: Vec<OsString> = shlex::split(bundle).unwrap().into_iter().map(OsString::from).collect();
        assert_eq!(handed(&argv, "up", &[("env", "a")]), "lsdeploy up --env a --namespace n --scc none");
        assert_eq!(handed(&argv, "down", &[("env", "a")]), "lsdeploy down --env a --namespace n");
    }
}
