//! Scripts that fill a fresh emulator (`--init`), checked once. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::error::{CommandError, Result};

/// Endings of what can be run: shell and Python scripts, CloudFormation templates.
const ENDINGS: [&str; 6] = ["sh", "py", "yaml", "yml", "json", "template"];
/// All scripts together. They stand in the inventory and in a ConfigMap, which etcd limits to 1 MiB.
const LONGEST: usize = 256 * 1024;

/// Scripts by name; they run in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scripts(BTreeMap<String, String>);

impl Scripts {
    /// Checks names and size.
    ///
    /// # Errors
    /// The first script that cannot be one.
    pub fn validate(files: &BTreeMap<String, String>) -> Result<Self> {
        for name in files.keys() {
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            let ending = name.rsplit_once('.').map(|(_, ending)| ending);
            if !plain || name.starts_with('.') || name.len() > 100 {
                return Err(CommandError::new(format!("--init: `{}` is no name for a script", name.escape_default()))
                    .hint("use at most 100 letters, digits, `-`, `_` and `.`, e.g. 10-queues.sh"));
            }
            if !ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
                return Err(CommandError::new(format!("--init: nothing is known to run `{name}`"))
                    .hint("shell scripts end in .sh, Python in .py, CloudFormation templates in .yaml, .yml, .json or .template"));
            }
        }
        let size: usize = files.values().map(String::len).sum();
        if size > LONGEST {
            return Err(CommandError::new(format!("--init: the scripts are {size} bytes, at most {LONGEST} fit"))
                .hint("fetch what is large from within a script"));
        }
        Ok(Self(files.clone()))
    }

    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and texts.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Changes when any script changes: SHA-256 in hexadecimal.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (name, text) in &self.0 {
            hash.update(format!("{name}\0{}\0{text}", text.len()));
        }
        hash.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts(names: &[&str]) -> Result<Scripts> {
        Scripts::validate(&names.iter().map(|name| ((*name).to_owned(), "true".to_owned())).collect())
    }

    #[test]
    fn names_say_how_a_script_is_run() {
        assert!(scripts(&["10-queues.sh", "20.py", "stack.yaml"]).is_ok());
        for (name, words) in
            [(".hidden.sh", "no name"), ("a b.sh", "no name"), ("README.md", "known to run"), ("run", "known")]
        {
            let error = scripts(&[name]).unwrap_err();
            assert!(error.message.contains(words), "{}", error.message);
        }
    }

    #[test]
    fn the_digest_follows_every_change() {
        let one =
            |text: &str| Scripts::validate(&BTreeMap::from([("a.sh".to_owned(), text.to_owned())])).unwrap().digest();
        assert_eq!(one("true"), one("true"));
        assert_ne!(one("true"), one("false"));
        assert_ne!(one("true"), scripts(&["b.sh"]).unwrap().digest());
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let large = BTreeMap::from([("a.sh".to_owned(), "x".repeat(LONGEST + 1))]);
        assert!(Scripts::validate(&large).unwrap_err().message.contains("at most 262144 fit"));
    }
}
