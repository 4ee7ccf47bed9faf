//! What is recorded of environments on this machine: one directory each, below the user's state. Reads and writes
//! files, each in one piece.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::files::{Lock, cannot, lock, make_directory, replace};
use super::life::Life;
use crate::environment::EnvName;
use crate::error::{CommandError, Result};
use crate::settings::Choices;

/// The version of the files' shape.
const SCHEMA: &str = "lsdeploy/local/v1";

/// The file that nothing can be without: what was chosen. The others can be written anew.
const INVENTORY: &str = "inventory.json";

/// How long another run may take to start or end environments.
const CHANGE: Duration = Duration::from_mins(1);

/// The directories of this user.
#[derive(Debug, Clone)]
pub struct Places {
    /// Below it, a directory per environment.
    pub state: PathBuf,
    /// Below it, what can be had again: emulators.
    pub cache: PathBuf,
}

/// The directory of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Whose it is.
    pub env: String,
    /// Where it is.
    pub directory: PathBuf,
}

/// What was chosen for an environment; a flag left out keeps what stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    schema: String,
    /// The environment's name.
    pub env: String,
    /// What was chosen for it by the flags that a cluster has too.
    pub choices: Choices,
    /// The emulator that ran already, where it is not ours.
    pub emulator_url: Option<String>,
    /// Where the router listens.
    pub port: u16,
    /// When it was made (RFC 3339).
    pub created: String,
    /// The run that changed it last.
    pub last_run: String,
}

impl Inventory {
    /// A first record.
    pub fn new(env: &EnvName, port: u16, run: &str) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            env: env.to_string(),
            choices: Choices::default(),
            emulator_url: None,
            port,
            created: jiff::Timestamp::now().to_string(),
            last_run: run.to_owned(),
        }
    }

    /// Whether another record asks for the same; the run that wrote it does not count.
    pub fn asks_for_the_same(&self, other: &Self) -> bool {
        let Self { schema, env, choices, emulator_url, port, created: _, last_run: _ } = self;
        (schema, env, choices, emulator_url, port)
            == (&other.schema, &other.env, &other.choices, &other.emulator_url, &other.port)
    }
}

impl Inventory {
    /// The flags by whose change an emulator has to start anew.
    pub fn flags_changed(&self, before: &Self) -> Vec<&'static str> {
        let (now, then) = (&self.choices, &before.choices);
        let all = [
            ("--emulator", now.emulator != then.emulator),
            ("--emulator-url", self.emulator_url != before.emulator_url),
            ("--services", now.services != then.services),
            ("--init", now.init != then.init),
            ("--account", now.account != then.account),
            ("--port", self.port != before.port),
        ];
        all.into_iter().filter(|(_, changed)| *changed).map(|(flag, _)| flag).collect()
    }
}

impl Places {
    /// The directory of an environment, whether it is there or not.
    pub fn home(&self, env: &EnvName) -> Home {
        Home { env: env.to_string(), directory: self.state.join(env.as_str()) }
    }

    /// Every environment that is there, in alphabetical order.
    pub fn all(&self) -> Result<Vec<Home>> {
        let entries = match fs::read_dir(&self.state) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| cannot("read", &self.state, &error))?,
        };
        let names = entries.filter_map(|entry| EnvName::parse(entry.ok()?.file_name().to_str()?).ok());
        let mut homes: Vec<Home> = names.map(|name| self.home(&name)).filter(Home::is_there).collect();
        homes.sort_by(|a, b| a.env.cmp(&b.env));
        Ok(homes)
    }

    /// Waits until no other run changes environments, and keeps them from it as long as the lock is held.
    pub async fn lock(&self) -> Result<Lock> {
        make_directory(&self.state)?;
        let file = File::open(&self.state).map_err(|error| cannot("open", &self.state, &error))?;
        lock(file, &self.state, CHANGE, || ()).await
    }
}

impl Home {
    /// The emulator's log.
    pub fn emulator_log(&self) -> PathBuf {
        self.directory.join("emulator.log")
    }

    /// What the scripts of `--init` said the last time.
    pub fn init_log(&self) -> PathBuf {
        self.directory.join("init.log")
    }

    /// The supervisor's and the router's log.
    pub fn supervisor_log(&self) -> PathBuf {
        self.directory.join("supervisor.log")
    }

    /// Where the emulator may write.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Whether anything is recorded.
    pub fn is_there(&self) -> bool {
        self.directory.join(INVENTORY).exists()
    }

    /// What was chosen, where the environment is there.
    pub fn inventory(&self) -> Result<Option<Inventory>> {
        let found: Option<Inventory> = self.read(INVENTORY)?;
        match found {
            Some(inventory) if inventory.schema != SCHEMA => Err(self.damaged(
                INVENTORY,
                &format!(
                    "it has the schema `{}`, this version of lsdeploy knows `{SCHEMA}`",
                    inventory.schema.escape_default()
                ),
            )),
            found => Ok(found),
        }
    }

    /// Records what was chosen.
    pub fn record(&self, inventory: &Inventory) -> Result<()> {
        self.write(INVENTORY, inventory)
    }

    /// What the supervisor says, as long as it is there.
    pub fn life(&self) -> Result<Option<Life>> {
        Ok(self.last_words()?.filter(|life| life.supervisor.is_alive()))
    }

    /// What the supervisor said last, whether it is there or not.
    pub fn last_words(&self) -> Result<Option<Life>> {
        self.read("processes.json")
    }

    /// Takes down what is recorded of it.
    pub fn write_life(&self, life: &Life) -> Result<()> {
        self.write("processes.json", life)
    }

    /// Takes back what the supervisor said, for it ends.
    pub fn forget_life(&self) {
        let _ = fs::remove_file(self.directory.join("processes.json"));
    }

    /// Deletes everything; returns whether there was anything.
    pub fn delete(&self) -> Result<bool> {
        match fs::remove_dir_all(&self.directory) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(cannot("delete", &self.directory, &error)),
        }
    }

    /// Where the emulator puts temporary files: what two share by the name of `/tmp` they would share in earnest.
    pub fn temporary(&self) -> PathBuf {
        self.data().join("tmp")
    }

    /// Makes the directories.
    pub fn make(&self) -> Result<()> {
        make_directory(&self.temporary())
    }

    /// Makes `below` of the emulator's directory a way into a directory that all environments share.
    pub fn share(&self, below: &str, shared: &Path) -> Result<()> {
        let link = self.data().join(below);
        make_directory(shared)?;
        make_directory(link.parent().unwrap_or(&link))?;
        match symlink(shared, &link) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(cannot("make", &link, &error)),
            _ => Ok(()),
        }
    }

    pub(super) fn read<T: DeserializeOwned>(&self, file: &str) -> Result<Option<T>> {
        match fs::read(self.directory.join(file)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot("read", &self.directory.join(file), &error)),
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| self.damaged(file, &error.to_string())),
        }
    }

    /// Writes a file in one piece: who reads it sees the old one or the new one.
    pub(super) fn write<T: Serialize>(&self, file: &str, value: &T) -> Result<()> {
        let path = self.directory.join(file);
        let text = serde_json::to_vec_pretty(value).map_err(io::Error::from);
        text.and_then(|text| replace(&path, &text)).map_err(|error| cannot("write", &path, &error))
    }

    fn damaged(&self, file: &str, why: &str) -> CommandError {
        let env = &self.env;
        let error = CommandError::new(format!("{} is damaged: {why}", self.directory.join(file).display()));
        if file == INVENTORY {
            return error.hint(format!(
                "`lsdeploy down --env {env} --target local` ends the environment and deletes what is recorded; `up` makes it anew"
            ));
        }
        error.hint(format!("`lsdeploy up --env {env} --target local` starts the environment again and writes it anew"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(directory: &Path) -> Places {
        Places { state: directory.join("state"), cache: directory.join("cache") }
    }

    #[test]
    fn what_was_recorded_is_read_back_and_listed() {
        let directory = tempfile::tempdir().unwrap();
        let places = places(directory.path());
        assert_eq!(places.all().unwrap(), []);
        let name = EnvName::parse("team1").unwrap();
        let home = places.home(&name);
        assert_eq!(home.inventory().unwrap(), None);
        home.make().unwrap();
        let inventory = Inventory::new(&name, 4566, "run");
        home.record(&inventory).unwrap();
        assert_eq!(home.inventory().unwrap(), Some(inventory));
        assert_eq!(places.all().unwrap(), std::slice::from_ref(&home));
        assert!(home.delete().unwrap());
        assert!(!home.delete().unwrap());
    }

    #[test]
    fn a_damaged_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let home = places(directory.path()).home(&EnvName::parse("team1").unwrap());
        home.make().unwrap();
        for text in [
            "{\"schema\": ",
            "{\"schema\": \"lsdeploy/local/v9\", \"env\": \"team1\", \"choices\": {}, \
             \"port\": 1, \"created\": \"\", \"last_run\": \"\"}",
        ] {
            fs::write(home.directory.join(INVENTORY), text).unwrap();
            let error = home.inventory().unwrap_err();
            assert!(error.message.contains("inventory.json is damaged"), "{error}");
            assert!(error.hints[0].contains("lsdeploy down --env team1 --target local"), "{error:?}");
        }
    }
}
