//! An error a person meets: what was attempted, why it failed (`error:`), and what to do (`hint:`).

use std::fmt;

use crate::rights::Preflight;

/// The tool could not do its job (exit status 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    /// What was attempted and why it failed: one sentence, no trailing stop.
    pub message: String,
    /// What to do next; one line each.
    pub hints: Vec<String>,
    /// What the caller may and may not do, where that is why.
    pub preflight: Option<Box<Preflight>>,
}

/// What a step of a command returns.
pub type Result<T> = std::result::Result<T, CommandError>;

impl CommandError {
    /// An error without a hint; add one with [`CommandError::hint`] wherever the user can act.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new(), preflight: None }
    }

    /// Adds one line of advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Completes the commands in its hints: see [`pasteable`].
    #[must_use]
    pub fn pasteable(mut self, flags: &str) -> Self {
        for hint in &mut self.hints {
            *hint = pasteable(hint, flags);
        }
        self
    }
}

/// Commands that are about one environment.
const ABOUT_ONE: [&str; 9] = ["up", "down", "status", "smoke", "logs", "render", "env", "history", "diff"];

/// Commands that are about a cluster.
const ABOUT_ALL: [&str; 3] = ["list", "gc", "dns-debug"];

/// The flags that lead to a cluster.
const CLUSTER: [&str; 2] = ["--kubeconfig ", "--context "];

/// A command that stands by itself, completed like those in a hint.
#[must_use]
pub fn pasted(command: &str, flags: &str) -> String {
    complete(command, flags).unwrap_or_else(|| command.to_owned())
}

/// Adds the flags that lead to an environment and its cluster to the commands in a hint that lack them, so that they can be pasted.
#[must_use]
pub fn pasteable(hint: &str, flags: &str) -> String {
    let parts = hint.split('`').enumerate().map(|(place, part)| match place % 2 {
        0 => part.to_owned(),
        _ => pasted(part, flags),
    });
    parts.collect::<Vec<_>>().join("`")
}

/// A command with those of `flags` that it knows and lacks: what names an environment after the verb, what leads to a cluster at
/// the end. `None` for what is no command.
fn complete(command: &str, flags: &str) -> Option<String> {
    let (to_cluster, to_env): (Vec<&str>, Vec<&str>) =
        pairs(flags).into_iter().partition(|pair| CLUSTER.iter().any(|flag| pair.starts_with(flag)));
    let to_cluster = to_cluster.into_iter().filter(|pair| !has(command, pair));
    if command.starts_with("kubectl ") {
        return Some([command].into_iter().chain(to_cluster).collect::<Vec<_>>().join(" "));
    }
    let words = command.strip_prefix("lsdeploy ")?;
    let (verb, rest) = words.split_at(words.find(' ').unwrap_or(words.len()));
    let (of_one, of_all) = (ABOUT_ONE.contains(&verb), ABOUT_ALL.contains(&verb));
    let names_one = rest.contains("--env") || rest.contains("--endpoint");
    let takes = |pair: &&str| match pair.split(' ').next().unwrap_or_default() {
        // An emulator that is known by its URL alone can be checked, and that is all.
        "--endpoint" => verb == "smoke" && !names_one,
        "--env" => of_one && !names_one,
        // Names on this machine are in no DNS, and `gc` is for clusters.
        _ => verb == "list" || of_one && !names_one,
    };
    let to_env = to_env.into_iter().filter(takes).filter(|pair| !has(rest, pair));
    let to_cluster = to_cluster.filter(|_| of_one || of_all);
    let words = ["lsdeploy", verb].into_iter().chain(to_env).chain([rest.trim_start()]).chain(to_cluster);
    Some(words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
}

/// `--a b --c d` as `--a b` and `--c d`.
fn pairs(flags: &str) -> Vec<&str> {
    let starts = flags.match_indices(" --").map(|(at, _)| at + 1);
    let starts: Vec<usize> = std::iter::once(0).chain(starts).collect();
    let ends = starts.iter().skip(1).copied().chain([flags.len()]);
    starts.iter().zip(ends).map(|(&start, end)| flags[start..end].trim_end()).filter(|pair| !pair.is_empty()).collect()
}

/// Whether a command line gives the flag of a pair already.
fn has(line: &str, pair: &str) -> bool {
    pair.split(' ').next().is_some_and(|flag| line.contains(flag))
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CommandError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_hints_get_the_flags_that_they_lack() {
        let local = "--env team1 --target local";
        let cluster = "--env team1 --kubeconfig '/a b' --context c";
        for (flags, hint, pasted) in [
            (local, "`lsdeploy logs` shows it", "`lsdeploy logs --env team1 --target local` shows it"),
            (local, "look: `lsdeploy smoke --clean`", "look: `lsdeploy smoke --env team1 --target local --clean`"),
            (local, "`lsdeploy up --env b` is another", "`lsdeploy up --env b` is another"),
            (local, "`lsdeploy list`, `kubectl logs`, x", "`lsdeploy list --target local`, `kubectl logs`, x"),
            (local, "`lsdeploy dns-debug NAME`, `lsdeploy gc`", "`lsdeploy dns-debug NAME`, `lsdeploy gc`"),
            (cluster, "`lsdeploy dns-debug x.y`", "`lsdeploy dns-debug x.y --kubeconfig '/a b' --context c`"),
            (local, "`lsdeploy scc explain`, `oc project`", "`lsdeploy scc explain`, `oc project`"),
            (cluster, "`lsdeploy down --env b`", "`lsdeploy down --env b --kubeconfig '/a b' --context c`"),
            (cluster, "`lsdeploy up --env b --context d`", "`lsdeploy up --env b --context d --kubeconfig '/a b'`"),
            (cluster, "`lsdeploy list`", "`lsdeploy list --kubeconfig '/a b' --context c`"),
            (cluster, "`kubectl -n x get pods`", "`kubectl -n x get pods --kubeconfig '/a b' --context c`"),
            (
                cluster,
                "`lsdeploy smoke --clean`",
                "`lsdeploy smoke --env team1 --clean --kubeconfig '/a b' --context c`",
            ),
            (
                "--endpoint http://x",
                "`lsdeploy smoke`, `lsdeploy logs`",
                "`lsdeploy smoke --endpoint http://x`, `lsdeploy logs`",
            ),
        ] {
            assert_eq!(pasteable(hint, flags), pasted);
            assert_eq!(pasteable(hint, ""), hint);
        }
    }
}
