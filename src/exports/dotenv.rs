//! `NAME=value` lines that mean the same to `docker run --env-file`, which takes every character as it is, to libraries
//! that read `.env` files, and to a shell. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::refuse_unless;
use crate::error::Result;

/// One line per variable; a value that these readers would read in different ways is refused.
pub(super) fn write(variables: &BTreeMap<String, String>) -> Result<String> {
    let mut text = String::new();
    for (name, value) in variables {
        refuse_unless("dotenv", name, value, |c| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c))?;
        let _ = writeln!(text, "{name}={value}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_access;
    use super::super::variables;
    use super::*;

    #[test]
    fn a_value_that_would_need_quotes_is_refused() {
        for odd in ["/a b/ca.pem", "/it's", "/a\nB=c", "/$HOME", "/a#b", "/a\\b", "/~x"] {
            let error = with_access(Some(odd), |access| write(&variables(access))).unwrap_err();
            assert!(error.message.starts_with("cannot write AWS_CA_BUNDLE as dotenv"), "{error}");
        }
        assert!(with_access(Some("/ca.pem"), |access| write(&variables(access))).is_ok());
    }
}
