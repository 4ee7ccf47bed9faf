//! Names as a person gives them, checked before anything is asked. Pure.

use std::net::IpAddr;

use crate::dns::chain::{Chain, Kind, Target, is_below};
use crate::dns::rounds::reverse;
use crate::error::{CommandError, Result};

/// The longest a name may be, in bytes, without its last dot.
const NAME: usize = 253;
/// The longest a label may be.
const LABEL: usize = 63;
/// Where real AWS is: never asked for by accident.
const REAL_AWS: [&str; 3] = ["amazonaws.com", "amazonaws.com.cn", "api.aws"];

/// A name that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "its name is the name")]
pub(super) struct Name {
    /// In ASCII, without a last dot.
    pub(super) name: String,
    /// It is an address turned round.
    pub(super) is_address: bool,
    /// What became of it, where that is not what was given.
    pub(super) note: Option<String>,
    /// It was named as one of the outside world.
    pub(super) is_external: bool,
}

/// Reads the names given.
pub(super) fn read(names: &[String], external: &[String]) -> Result<Vec<Name>> {
    let own = names.iter().map(|given| {
        let name = parse(given)?;
        match REAL_AWS.iter().find(|domain| is_below(&name.name, domain)) {
            Some(domain) => Err(CommandError::new(format!("{} is a name of real AWS ({domain})", name.name))
                .hint("the hosts of an environment are below the cluster's apps domain: `lsdeploy env` prints them")
                .hint(format!("to look up AWS's own name all the same: --external {}", name.name))),
            None => Ok(name),
        }
    });
    let external = external.iter().map(|given| Ok(Name { is_external: true, ..parse(given)? }));
    let mut read: Vec<Name> = Vec::new();
    for name in own.chain(external) {
        let name = name?;
        if !read.iter().any(|other| other.name == name.name) {
            read.push(name);
        }
    }
    Ok(read)
}

fn parse(given: &str) -> Result<Name> {
    let refuse = |why: String| CommandError::new(format!("`{}` is no name of a host: {why}", given.escape_debug()));
    let plain = |name: String| Name { name, is_address: false, note: None, is_external: false };
    if let Ok(address) = given.parse::<IpAddr>() {
        let name = reverse(address);
        let note = Some(format!("{given} is an address: its name is asked for, as {name}"));
        return Ok(Name { is_address: true, note, ..plain(name) });
    }
    if given.contains("://") || given.contains('/') {
        let host = given.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
        return Err(refuse("it is a URL or a path".to_owned()).hint(format!("give the host alone, e.g. `{host}`")));
    }
    let name = given.strip_suffix('.').unwrap_or(given);
    if name.is_empty() {
        return Err(refuse("it is empty".to_owned()).hint("give a name, e.g. `kubernetes.default.svc.cluster.local`"));
    }
    let ascii = if name.is_ascii() {
        name.to_owned()
    } else {
        idn(name).map_err(|why| refuse(why).hint("give it in ASCII, as `xn--...`"))?
    };
    check(&ascii).map_err(|why| {
        let short: String = given.chars().take(80).collect();
        let more = if short.len() < given.len() { "..." } else { "" };
        CommandError::new(format!("`{}{more}` is no name of a host: {why}", short.escape_debug()))
            .hint("a name is labels of letters, digits, `-` and `_` with dots between them")
    })?;
    let note = (ascii != name).then(|| format!("{given} is asked for as {ascii}"));
    Ok(Name { note, ..plain(ascii) })
}

fn idn(name: &str) -> std::result::Result<String, String> {
    idna::domain_to_ascii(name).map_err(|_| "it cannot be written in ASCII (IDNA)".to_owned())
}

fn check(name: &str) -> std::result::Result<(), String> {
    if let Some(odd) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_.".contains(*c)) {
        return Err(match odd {
            '*' => "a wildcard is no name that can be asked for: give a host below it".to_owned(),
            ':' => "a port is no part of it".to_owned(),
            _ => format!("there is `{}` in it", odd.escape_debug()),
        });
    }
    if let Some(label) = name.split('.').find(|label| label.is_empty() || label.len() > LABEL) {
        return Err(match label.len() {
            0 => "two dots, or one at the start: a label is empty".to_owned(),
            long => format!("a label of it has {long} characters, and {LABEL} are allowed"),
        });
    }
    if name.len() > NAME {
        return Err(format!("it has {} characters, and {NAME} are allowed", name.len()));
    }
    Ok(())
}

/// What is asked for: a name, and what the cluster says it is.
pub(super) fn target(name: &Name, chain: &Chain, api: Option<&str>) -> Target {
    let below = |domain: &str| is_below(&name.name, domain);
    let kind = match name {
        Name { is_address: true, .. } => Kind::Reverse,
        Name { is_external: true, .. } => Kind::External,
        Name { name, .. } if api.is_some_and(|api| api.eq_ignore_ascii_case(name)) => Kind::Api,
        Name { name, .. } if !name.contains('.') => Kind::Bare,
        _ if below(&chain.cluster_domain) || below("svc") => Kind::Service,
        _ if chain.apps_domain.as_deref().is_some_and(below) => Kind::Route,
        _ => Kind::External,
    };
    Target { name: name.name.clone(), kind, expected: Vec::new(), because: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(given: &str, why: &str) {
        let error = read(&[given.to_owned()], &[]).unwrap_err();
        assert!(error.message.contains(why), "{error}");
        assert!(!error.hints.is_empty(), "{error}");
        assert!(error.message.len() < 300, "{error}");
    }

    #[track_caller]
    fn read_as(given: &str, name: &str) -> Name {
        let read = read(&[given.to_owned()], &[]).unwrap();
        assert_eq!(read[0].name, name);
        read[0].clone()
    }

    #[test]
    fn what_cannot_be_a_name_is_refused_in_words() {
        refused("", "it is empty");
        refused(".", "it is empty");
        refused("a..b", "a label is empty");
        refused(".a", "a label is empty");
        refused("a b", "there is ` ` in it");
        refused("a\u{1b}[31m", "there is `\\u{1b}` in it");
        refused("*.apps.example.com", "give a host below it");
        refused("http://a.example.com:80/x", "it is a URL");
        refused("a.example.com:8080", "a port is no part of it");
        refused(&"x".repeat(64), "a label of it has 64 characters");
        refused(&format!("{}.example", vec!["a".repeat(50); 5].join(".")), "it has 262 characters");
        refused(&"\u{0}".repeat(5000), "there is");
        refused("sqs.us-east-1.amazonaws.com", "real AWS");
        refused("xn--a.\u{200d}", "IDNA");
    }

    #[test]
    fn a_name_is_read_as_it_is_asked_for() {
        assert_eq!(read_as("Example.com.", "Example.com").note, None);
        assert!(read_as("b\u{fc}cher.example", "xn--bcher-kva.example").note.unwrap().contains("is asked for as"));
        assert!(read_as("172.30.0.1", "1.0.30.172.in-addr.arpa").is_address);
        read_as("_sql._tcp.db.shop.svc.cluster.local", "_sql._tcp.db.shop.svc.cluster.local");
        let names = read(&["a.example".to_owned()], &["sqs.us-east-1.amazonaws.com".to_owned()]).unwrap();
        assert!(!names[0].is_external && names[1].is_external);
    }

    #[test]
    fn the_cluster_says_what_a_name_is() {
        let chain = Chain {
            cluster_domain: "cluster.local".to_owned(),
            apps_domain: Some("apps.example.com".to_owned()),
            ..Chain::default()
        };
        let kind =
            |given: &str| target(&read(&[given.to_owned()], &[]).unwrap()[0], &chain, Some("api.example.com")).kind;
        assert_eq!(kind("db.shop.svc.cluster.local"), Kind::Service);
        assert_eq!(kind("db.shop.svc"), Kind::Service);
        assert_eq!(kind("sqs-x.apps.example.com"), Kind::Route);
        assert_eq!(kind("API.example.com"), Kind::Api);
        assert_eq!(kind("db"), Kind::Bare);
        assert_eq!(kind("172.30.0.1"), Kind::Reverse);
        assert_eq!(kind("example.org"), Kind::External);
    }
}
