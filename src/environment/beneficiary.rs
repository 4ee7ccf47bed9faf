//! Who is to work in an environment's namespace: `admin-bundle --for USER|group:G`. Pure.

use std::fmt;

use super::values::invalid;
use crate::error::Result;

/// Groups that everybody belongs to, or whole classes of accounts.
const EVERYBODY: [&str; 4] =
    ["system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:anonymous"];

/// One user, or one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beneficiary {
    /// A user, by the name that the server knows; service accounts have such a name too.
    User(String),
    /// Everybody in a group.
    Group(String),
}

impl Beneficiary {
    /// Reads `USER` or `group:GROUP`.
    pub fn parse(text: &str) -> Result<Self> {
        let one = match text.strip_prefix("group:") {
            Some(group) => Self::Group(group.to_owned()),
            None => Self::User(text.to_owned()),
        };
        let name = one.name();
        let is_name = !name.is_empty() && name.len() <= 253 && name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        if !is_name || name.trim() != name {
            return Err(invalid("--for", text, "use a user's name or group:NAME; `oc whoami` prints yours"));
        }
        if EVERYBODY.contains(&name) || name.starts_with("system:serviceaccounts:") {
            return Err(invalid("--for", text, "that is everybody: name one user or one group"));
        }
        Ok(one)
    }

    /// `User` or `Group`, as RBAC has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "User",
            Self::Group(_) => "Group",
        }
    }

    /// The name alone.
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Group(name) => name,
        }
    }
}

impl fmt::Display for Beneficiary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name}"),
            Self::Group(name) => write!(f, "group {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_or_one_group_and_never_everybody() {
        assert_eq!(Beneficiary::parse("alice").unwrap(), Beneficiary::User("alice".into()));
        assert_eq!(Beneficiary::parse("group:a b").unwrap().to_string(), "group a b");
        assert!(Beneficiary::parse("system:serviceaccount:ci:runner").is_ok());
        for bad in ["", "group:", " x", "a\nb", "group:system:authenticated", "group:system:serviceaccounts:ci", "тeam"]
        {
            assert!(Beneficiary::parse(bad).is_err(), "{bad:?}");
        }
    }
}
