//! Puts the probe where the questions are to be asked, and starts it there. Talks to the shell of the place.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, timeout_at};

use super::commands::{self, Commands};
use super::lines::printable;
use super::script::{mark, script};
use super::{Remote, VantageError};
use crate::dns::chain::Place;

/// So many lines may come before the shell's first: greetings, notes of the programs on the way.
const NOISE: usize = 1000;

/// Sends the script and the probe, and waits until the probe runs. Where it cannot: what the place has in its stead.
pub(super) async fn place(
    place: &Place,
    remote: &mut Remote,
    program: &[u8],
    deadline: Instant,
) -> Result<Option<Commands>, VantageError> {
    let token = format!("{:016x}", RandomState::new().build_hasher().finish());
    let mut shell = Shell { place, remote, mark: mark(&token), deadline };
    shell.tell(script(&token).as_bytes(), "taking a script").await?;
    let (_, machine) = shell.answer(&["ready"], "a shell").await?;
    let why = match fits(program, &machine) {
        Ok(()) => match shell.send(program).await? {
            None => return Ok(None),
            Some(why) => why,
        },
        Err(why) => why,
    };
    shell.tell(commands::SETUP.as_bytes(), "taking a command").await?;
    let (_, have) = shell.answer(&["have"], "the names of programs").await?;
    Ok(Some(Commands::new(shell.mark, &have, why)))
}

/// The shell at the other end, while the probe is not there yet.
struct Shell<'a> {
    place: &'a Place,
    remote: &'a mut Remote,
    mark: String,
    deadline: Instant,
}

impl Shell<'_> {
    /// Sends the probe and has it started. `Some`: why it cannot run there.
    async fn send(&mut self, program: &[u8]) -> Result<Option<String>, VantageError> {
        self.tell(format!("place {}\n", program.len()).as_bytes(), "taking a command").await?;
        loop {
            let (word, why) = self.answer(&["send", "placed", "nowhere"], "the probe's start").await?;
            match word.as_str() {
                "send" => self.tell(program, "taking the probe").await?,
                "placed" => return Ok(None),
                _ => return Ok(Some(why)),
            }
        }
    }

    async fn tell(&mut self, bytes: &[u8], doing: &str) -> Result<(), VantageError> {
        let sent = timeout_at(self.deadline, async {
            self.remote.input.write_all(bytes).await?;
            self.remote.input.flush().await
        });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost(&format!("{doing}, its input ended ({error})")).await),
            Err(_) => Err(self.slow(doing)),
        }
    }

    /// Waits for one of these words of the script, and returns it with what follows it. `what` says for people what is
    /// waited for.
    async fn answer(&mut self, words: &[&str], what: &str) -> Result<(String, String), VantageError> {
        for _ in 0..NOISE {
            let line = match timeout_at(self.deadline, self.remote.lines.next()).await {
                Ok(Ok(line)) => String::from_utf8_lossy(&line).into_owned(),
                Ok(Err(why)) => return Err(self.lost(&format!("waiting for {what}, {why}")).await),
                Err(_) => return Err(self.slow(&format!("waiting for {what}"))),
            };
            let Some(said) = line.trim_end().strip_prefix(&self.mark) else { continue };
            let (first, rest) = said.split_once(' ').unwrap_or((said, ""));
            if words.contains(&first) {
                return Ok((first.to_owned(), printable(rest)));
            }
        }
        Err(self.error(format!("{NOISE} lines came, and not what was waited for: {what}")))
    }

    fn error(&self, message: impl AsRef<str>) -> VantageError {
        VantageError::new(self.place, format!("behind `{}`, {}", self.remote.how, message.as_ref()))
    }

    fn slow(&self, doing: &str) -> VantageError {
        let said = self.remote.errors.text();
        let said = if said.is_empty() { said } else { format!("; it printed: {said}") };
        self.error(format!("{doing} took too long{said}"))
            .hint("the prefix must run `sh` with its standard input, and must not ask for anything (a password, a key)")
    }

    /// The other end is gone.
    async fn lost(&mut self, doing: &str) -> VantageError {
        let why = self.remote.why(doing).await;
        let error = self.error(&why);
        error.hint(advice(&why))
    }
}

/// What to do about words that programs on the way print.
fn advice(said: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&["status: 127", "not found", "No such file"]) {
        return "a program of the prefix, or `sh` behind it, is not there";
    }
    if says(&["Permission denied (", "password", "Host key verification", "a terminal is required"]) {
        return "nobody can answer here: give the account a key or a rule that needs no password";
    }
    if says(&["put ended"]) && !says(&["it printed"]) && (says(&["exit status: 0"]) || !says(&["it ended with"])) {
        return "the prefix must pass its standard input on (`docker exec -i`, `kubectl exec -i`)";
    }
    "try the prefix by hand: `echo 'echo works' | PREFIX sh` must print `works`"
}

/// The error: the program is for other machines.
fn fits(program: &[u8], machine: &str) -> Result<(), String> {
    // An ELF file names its machine in the 19th byte.
    let Some((b"\x7fELF", [number, other])) =
        program.first_chunk::<4>().zip(program.get(18..20)).map(|(magic, rest)| (magic, [rest[0], rest[1]]))
    else {
        return Err("the probe is no program for Linux".to_owned());
    };
    let ours: &[&str] = match u16::from_le_bytes([number, other]) {
        62 => &["x86_64", "amd64"],
        183 => &["aarch64", "arm64"],
        21 => &["ppc64le"],
        _ => return Ok(()),
    };
    if machine.is_empty() || ours.contains(&machine) {
        return Ok(());
    }
    Err(format!("the machine is `{}`, and the probe is for `{}`", printable(machine), ours[0]))
}
