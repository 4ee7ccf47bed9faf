//! Commands in hints, completed so that they can be pasted. Pure.

/// Commands that are about one environment.
const ABOUT_ONE: [&str; 9] = ["up", "down", "status", "smoke", "logs", "render", "env", "history", "diff"];

/// Commands that are about a cluster.
const ABOUT_ALL: [&str; 3] = ["list", "gc", "dns-debug"];

/// The flags that lead a command to where this run is, each as `--flag VALUE`, quoted for a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// To an environment: `--env`, `--endpoint`, `--target`.
    pub to_env: Vec<String>,
    /// To a cluster: `--kubeconfig`, `--context`.
    pub to_cluster: Vec<String>,
}

impl Way {
    /// Adds the flags that they lack to the commands that stand in backticks in a hint.
    #[must_use]
    pub fn pasteable(&self, hint: &str) -> String {
        let parts = hint.split('`').enumerate().map(|(place, part)| match place % 2 {
            0 => part.to_owned(),
            _ => self.pasted(part),
        });
        parts.collect::<Vec<_>>().join("`")
    }

    /// A command that stands by itself, completed like those in a hint.
    #[must_use]
    pub fn pasted(&self, command: &str) -> String {
        self.complete(command).unwrap_or_else(|| command.to_owned())
    }

    /// What names an environment goes after the verb, what leads to a cluster to the end. `None` for what is no command.
    fn complete(&self, command: &str) -> Option<String> {
        let to_cluster = self.to_cluster.iter().map(String::as_str).filter(|flag| !has(command, flag));
        if command.starts_with("kubectl ") {
            return Some([command].into_iter().chain(to_cluster).collect::<Vec<_>>().join(" "));
        }
        let words = command.strip_prefix("lsdeploy ")?;
        let (verb, rest) = words.split_at(words.find(' ').unwrap_or(words.len()));
        let (of_one, of_all) = (ABOUT_ONE.contains(&verb), ABOUT_ALL.contains(&verb));
        let names_one = rest.contains("--env") || rest.contains("--endpoint");
        let takes = |flag: &&str| match name(flag) {
            // An emulator that is known by its URL alone can be checked, and that is all.
            "--endpoint" => verb == "smoke" && !names_one,
            "--env" => of_one && !names_one,
            // Names on this machine are in no DNS, and `gc` is for clusters.
            _ => verb == "list" || of_one && !names_one,
        };
        let to_env = self.to_env.iter().map(String::as_str).filter(takes).filter(|flag| !has(rest, flag));
        let to_cluster = to_cluster.filter(|_| of_one || of_all);
        let words = ["lsdeploy", verb].into_iter().chain(to_env).chain([rest.trim_start()]).chain(to_cluster);
        Some(words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
    }
}

/// A flag without its value.
fn name(flag: &str) -> &str {
    flag.split(' ').next().unwrap_or_default()
}

/// Whether a command line gives a flag already.
fn has(line: &str, flag: &str) -> bool {
    line.contains(name(flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_hints_get_the_flags_that_they_lack() {
        let owned = |flags: &[&str]| flags.iter().map(ToString::to_string).collect::<Vec<_>>();
        let local = &Way { to_env: owned(&["--env team1", "--target local"]), to_cluster: vec![] };
        let endpoint = &Way { to_env: owned(&["--endpoint http://x"]), to_cluster: vec![] };
        let cluster =
            &Way { to_env: owned(&["--env team1"]), to_cluster: owned(&["--kubeconfig '/a --b'", "--context c"]) };
        for (way, hint, pasted) in [
            (local, "`lsdeploy logs` shows it", "`lsdeploy logs --env team1 --target local` shows it"),
            (local, "look: `lsdeploy smoke --clean`", "look: `lsdeploy smoke --env team1 --target local --clean`"),
            (local, "`lsdeploy up --env b` is another", "`lsdeploy up --env b` is another"),
            (local, "`lsdeploy list`, `kubectl logs`, x", "`lsdeploy list --target local`, `kubectl logs`, x"),
            (local, "`lsdeploy dns-debug NAME`, `lsdeploy gc`", "`lsdeploy dns-debug NAME`, `lsdeploy gc`"),
            (cluster, "`lsdeploy dns-debug x.y`", "`lsdeploy dns-debug x.y --kubeconfig '/a --b' --context c`"),
            (local, "`lsdeploy scc explain`, `oc project`", "`lsdeploy scc explain`, `oc project`"),
            (cluster, "`lsdeploy down --env b`", "`lsdeploy down --env b --kubeconfig '/a --b' --context c`"),
            (cluster, "`lsdeploy up --env b --context d`", "`lsdeploy up --env b --context d --kubeconfig '/a --b'`"),
            (cluster, "`lsdeploy list`", "`lsdeploy list --kubeconfig '/a --b' --context c`"),
            (cluster, "`kubectl -n x get pods`", "`kubectl -n x get pods --kubeconfig '/a --b' --context c`"),
            (
                cluster,
                "`lsdeploy smoke --clean`",
                "`lsdeploy smoke --env team1 --clean --kubeconfig '/a --b' --context c`",
            ),
            (endpoint, "`lsdeploy smoke`, `lsdeploy logs`", "`lsdeploy smoke --endpoint http://x`, `lsdeploy logs`"),
        ] {
            assert_eq!(way.pasteable(hint), pasted);
            assert_eq!(Way::default().pasteable(hint), hint);
        }
    }
}
