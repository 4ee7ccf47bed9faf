//! Single values that a user may set, each checked once.

use std::fmt;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use crate::error::{CommandError, Result};

/// Within this nothing can be used.
const SHORTEST_TTL: SignedDuration = SignedDuration::from_mins(1);
/// Whoever wants more wants `none`.
const LONGEST_TTL: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Which SCC the emulator's pod is to run under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SccChoice {
    /// One of its own, made and removed by lsdeploy.
    Custom,
    /// One that a cluster-admin has made.
    Existing(String),
    /// None of its own: the platform's restricted SCC with an arbitrary uid.
    None,
}

impl SccChoice {
    /// Reads `custom`, `none` or `existing:NAME`.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            None if text == "custom" => Ok(Self::Custom),
            None if text == "none" => Ok(Self::None),
            Some(("existing", name)) if is_object_name(name) => Ok(Self::Existing(name.to_owned())),
            _ => Err(invalid("--scc", text, "use custom, none or existing:NAME")),
        }
    }
}

impl fmt::Display for SccChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom => f.write_str("custom"),
            Self::Existing(name) => write!(f, "existing:{name}"),
            Self::None => f.write_str("none"),
        }
    }
}

/// How Routes speak TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// The router ends TLS; plain HTTP is served too.
    Edge,
    /// The router ends TLS; plain HTTP is refused.
    EdgeOnly,
    /// Plain HTTP only.
    None,
}

impl Tls {
    /// Reads `edge`, `edge-only` or `none`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "edge" => Ok(Self::Edge),
            "edge-only" => Ok(Self::EdgeOnly),
            "none" => Ok(Self::None),
            _ => Err(invalid("--tls", text, "use edge, edge-only or none")),
        }
    }

    /// The Route's `insecureEdgeTerminationPolicy`; `None` where the Route has no TLS.
    pub fn insecure_policy(self) -> Option<&'static str> {
        match self {
            Self::Edge => Some("Allow"),
            Self::EdgeOnly => Some("None"),
            Self::None => None,
        }
    }
}

/// An image reference: `[registry/]path[:tag][@sha256:digest]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef(String);

impl ImageRef {
    /// Checks a reference by the grammar of the container distribution project.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |why| Err(invalid("--image", text, why));
        let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
        if let Some(digest) = digest {
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
                return refuse("a digest is sha256: and 64 hexadecimal digits");
            }
        }
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (rest, None),
        };
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.' || b == b'-';
        if tag.is_some_and(|tag| {
            tag.is_empty() || tag.len() > 128 || tag.starts_with(['.', '-']) || !tag.bytes().all(word)
        }) {
            return refuse("a tag has 1 to 128 letters, digits, dots, dashes and underscores");
        }
        let mut parts = path.split('/').peekable();
        let registry =
            parts.next_if(|first| path.contains('/') && (first.contains(['.', ':']) || *first == "localhost"));
        if registry.is_some_and(|host| host.is_empty() || !host.bytes().all(|b| word(b) || b == b':')) {
            return refuse("the registry's name is not a host name");
        }
        let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let part_is_good = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| lower(b) || b"._-".contains(&b))
                && part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.ends_with(|c: char| c.is_ascii_alphanumeric())
        };
        if parts.peek().is_none() || !parts.all(part_is_good) {
            return refuse("the path of an image is lower-case words separated by slashes");
        }
        Ok(Self(text.to_owned()))
    }

    /// The digest that it is pinned to, if it is.
    pub fn digest(&self) -> Option<&str> {
        self.0.split_once('@').map(|(_, digest)| digest)
    }

    /// The reference as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks a size such as `1Gi`; `none` means no volume.
pub fn parse_persistence(text: &str) -> Result<Option<String>> {
    if text == "none" {
        return Ok(None);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &text[digits.len()..];
    let known = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "k", "M", "G", "T", "P"].contains(&suffix);
    if !known || !digits.bytes().all(|b| b.is_ascii_digit()) || digits.parse::<u64>().unwrap_or(0) == 0 {
        return Err(invalid("--persistence", text, "use a whole number with a unit, e.g. 1Gi, or none"));
    }
    Ok(Some(text.to_owned()))
}

/// Checks how long an environment is to stay, e.g. `4h` or `2d`; `none` means for good.
pub fn parse_ttl(text: &str) -> Result<Option<SignedDuration>> {
    if text == "none" {
        return Ok(None);
    }
    let span: Option<Span> = text.parse().ok();
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let in_reach = |duration: &SignedDuration| (SHORTEST_TTL..=LONGEST_TTL).contains(duration);
    match duration.filter(in_reach) {
        Some(duration) => Ok(Some(duration)),
        None => Err(invalid("--ttl", text, "use a time from 1m to 365d, e.g. 4h or 2d, or none")),
    }
}

/// The names of Secrets with which images are pulled, each once; `none` alone is no Secret.
pub fn parse_pull_secrets(given: &[String]) -> Result<Vec<String>> {
    if given == ["none"] {
        return Ok(Vec::new());
    }
    let mut names = given.to_vec();
    names.sort_unstable();
    names.dedup();
    match names.iter().find(|name| !is_object_name(name)) {
        Some(bad) => {
            Err(invalid("--pull-secret", bad, "use the name of a Secret in the environment's namespace, or none alone"))
        }
        None => Ok(names),
    }
}

/// Checks an AWS account: 12 digits.
pub fn parse_account(text: &str) -> Result<String> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(invalid("--account", text, "an AWS account has 12 digits, e.g. 000000000001"))
}

/// Checks an AWS region's name.
pub fn parse_region(text: &str) -> Result<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let words = parts.len() >= 3 && parts.iter().all(|part| !part.is_empty());
    let last_is_number = parts.last().is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if words && last_is_number && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Ok(text.to_owned());
    }
    Err(invalid("--region", text, "use the name of an AWS region, e.g. us-east-1"))
}

pub(super) fn invalid(flag: &str, text: &str, advice: &str) -> CommandError {
    CommandError::new(format!("{flag} cannot be `{}`", text.escape_default())).hint(advice)
}

/// RFC 1123 subdomain, as object names are.
pub(super) fn is_object_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_references_follow_the_grammar() {
        let digest = "a".repeat(64);
        for good in [
            "moto".to_owned(),
            "docker.io/localstack/localstack:4.14.0".to_owned(),
            "registry.example.com:5000/team/emulator".to_owned(),
            format!("quay.io/x/y@sha256:{digest}"),
            format!("quay.io/x/y:1@sha256:{digest}"),
        ] {
            assert!(ImageRef::parse(&good).is_ok(), "{good}");
        }
        for bad in
            ["", "Docker.io/X", "a b", "x:", "x:-1", "x@sha256:12", "http://x/y", "x/", "/x", "x:a\nb", "reg.io:5000/"]
        {
            assert!(ImageRef::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn single_values_are_checked() {
        assert!(SccChoice::parse("existing:anyuid").is_ok());
        for bad in ["", "restricted", "existing:", "existing:A", "custom:x"] {
            assert!(SccChoice::parse(bad).is_err(), "{bad}");
        }
        for bad in ["0Gi", "1gb", "-1Gi", "1.5", "Gi", ""] {
            assert!(parse_persistence(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_persistence("1Gi").unwrap().as_deref(), Some("1Gi"));
        for bad in ["", "useast1", "us-east-", "US-EAST-1", "us-east"] {
            assert!(parse_region(bad).is_err(), "{bad}");
        }
        assert!(parse_region("us-gov-east-1").is_ok());
        assert!(parse_account("12345").is_err());
    }
}
