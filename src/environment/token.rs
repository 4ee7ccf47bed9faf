//! The token that some emulators ask for: where it is, never what it is. Pure.

use std::fmt;

use super::values::{invalid, is_object_name};
use crate::emulator::Profile;
use crate::error::{CommandError, Result};

/// The name of the Secret that lsdeploy writes.
pub const SECRET: &str = "emulator-auth";
/// The key of the token in its Secret, unless another is named.
pub const KEY: &str = "auth-token";
/// The word by which settings say that lsdeploy writes the Secret.
pub const OWN: &str = "own";
/// No token is longer, and a file that is not meant is soon.
const LONGEST: usize = 4096;

/// A token. It is written into its Secret and nowhere else: it does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Checks a token, as read from a file: white space around it is none of it. The error does not repeat it.
    pub fn parse(from: &str, text: &str) -> Result<Self> {
        let token = text.trim();
        if token.is_empty() {
            return Err(CommandError::new(format!("--auth-token-from {from}: it is empty"))
                .hint("put the token there, and nothing else"));
        }
        if token.len() > LONGEST || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(CommandError::new(format!("--auth-token-from {from}: what is there is no token"))
                .hint(format!("a token is one word of at most {LONGEST} printable ASCII characters")));
        }
        Ok(Self(token.to_owned()))
    }

    /// The text, for the one place that writes it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Where the emulator's token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSource {
    /// The Secret in the environment's namespace.
    pub secret: String,
    /// Its key.
    pub key: String,
    /// lsdeploy writes that Secret, and removes it.
    pub is_own: bool,
}

impl TokenSource {
    /// Reads the setting: `NAME[/KEY]` of a Secret that is there, or [`OWN`].
    fn parse(text: &str) -> Result<Self> {
        if text == OWN {
            return Ok(Self { secret: SECRET.to_owned(), key: KEY.to_owned(), is_own: true });
        }
        let given = text.strip_prefix("secret:").unwrap_or(text);
        let refuse = |advice: &str| invalid("--auth-token-secret", given, advice);
        let (secret, key) = given.split_once('/').unwrap_or((given, KEY));
        let is_key = (1..=253).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !key.starts_with("..")
            && key != ".";
        if !is_object_name(secret) || !is_key {
            return Err(refuse("use the name of a Secret in the environment's namespace, NAME or NAME/KEY"));
        }
        if secret == SECRET {
            return Err(refuse("lsdeploy keeps that name for the Secret that --auth-token-from makes"));
        }
        Ok(Self { secret: secret.to_owned(), key: key.to_owned(), is_own: false })
    }
}

/// The setting that `--auth-token-secret` makes.
pub fn setting_of(given: &str) -> String {
    if given == "none" { given.to_owned() } else { format!("secret:{given}") }
}

/// Where the token of an emulator is; `None` where it gets none.
pub fn choose(profile: &Profile, chosen: Option<&str>) -> Result<Option<TokenSource>> {
    let source = match chosen {
        None | Some("none") => None,
        Some(text) => Some(TokenSource::parse(text)?),
    };
    if source.is_some() && profile.auth_token.is_none() {
        return Err(CommandError::new(format!(
            "--auth-token-secret, --auth-token-from: {} takes no token",
            profile.name
        ))
        .hint("leave them out, or choose --emulator localstack-pro"));
    }
    Ok(source)
}

/// Refuses an emulator that does not start without a token, where there is none.
pub fn check(profile: &Profile, source: Option<&TokenSource>) -> Result<()> {
    let needs = profile.auth_token.as_ref().is_some_and(|token| token.required);
    if !needs || source.is_some() {
        return Ok(());
    }
    Err(CommandError::new(format!("--emulator {} does not start without a token", profile.name))
        .hint("have it read and kept in a Secret: --auth-token-from file:PATH, env:NAME or - (standard input)")
        .hint("or name a Secret in the environment's namespace that holds it: --auth-token-secret NAME[/KEY]"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator;

    fn of(emulator: &str, chosen: &str) -> Result<Option<TokenSource>> {
        choose(&emulator::profile(emulator).unwrap(), Some(chosen))
    }

    #[test]
    fn a_setting_names_a_secret_and_a_key() {
        let pro = |given: &str| of("localstack-pro", &setting_of(given));
        let there = pro("licence/token").unwrap().unwrap();
        assert_eq!((there.secret.as_str(), there.key.as_str(), there.is_own), ("licence", "token", false));
        assert_eq!(pro("licence").unwrap().unwrap().key, KEY);
        assert_eq!(pro("own").unwrap().unwrap().secret, "own");
        assert_eq!(pro("none").unwrap(), None);
        assert!(of("localstack-pro", OWN).unwrap().unwrap().is_own);
        for bad in ["", "A", "a/", "a/b c", "a/b/c", "a/..", "emulator-auth", "a\n"] {
            assert!(pro(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_token_is_one_word_and_never_shown() {
        let token = Token::parse("-", " ls-secret\n").unwrap();
        assert_eq!((token.expose(), format!("{token:?}").as_str()), ("ls-secret", "Token(..)"));
        for bad in ["", " \n", "ls-secret two", "ls-secret\u{1b}[0m", &"x".repeat(LONGEST + 1)] {
            let error = Token::parse("file:t", bad).unwrap_err();
            assert!(!format!("{error:?}").contains("ls-secret"), "{error:?}");
        }
    }

    #[test]
    fn only_emulators_that_take_a_token_get_one_and_some_need_it() {
        assert!(of("moto", OWN).unwrap_err().message.contains("moto takes no token"));
        assert!(of("localstack", OWN).is_ok());
        let pro = emulator::profile("localstack-pro").unwrap();
        assert!(check(&pro, None).is_err());
        assert!(check(&pro, of("localstack-pro", OWN).unwrap().as_ref()).is_ok());
        assert!(check(&emulator::profile("localstack").unwrap(), None).is_ok());
    }
}
