//! Who may do what with an environment: its owner, the addresses that its Routes let in, the router that serves them. Pure.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::fmt;

use super::values::invalid;
use crate::error::{CommandError, Result};

/// Groups and users that everybody belongs to, or nobody is: they own nothing. So do groups that begin with these, such as
/// `system:authenticated:oauth`, OpenShift's for everybody who has logged in.
const EVERYBODY: [&str; 4] =
    ["system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:anonymous"];
/// Labels that are not the user's to set: `plan` tells owners by them.
const OUR_LABELS: [&str; 4] = ["managed-by", "part-of", "name", "instance"];
/// So many addresses are far more than anybody keeps by hand, and still fit into annotations.
const MOST_RANGES: usize = 256;

/// Who may work in an environment's namespace: `--owner`, and `admin-bundle --for`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// One user, by the name that the server knows.
    User(String),
    /// Everybody in a group.
    Group(String),
}

impl Owner {
    /// Reads `USER` or `group:GROUP`; `none` is nobody.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        if text == "none" { Ok(None) } else { Self::parse_one("--owner", text).map(Some) }
    }

    /// Reads `USER` or `group:GROUP`, which `flag` gave.
    pub fn parse_one(flag: &str, text: &str) -> Result<Self> {
        let owner = match text.strip_prefix("group:") {
            Some(group) => Self::Group(group.to_owned()),
            None => Self::User(text.to_owned()),
        };
        let name = owner.name();
        let is_name = !name.is_empty() && name.len() <= 253 && name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        if !is_name || name.trim() != name {
            return Err(invalid(flag, text, "use a user's name or group:NAME; `oc whoami` prints yours"));
        }
        if EVERYBODY.iter().any(|everybody| name.starts_with(everybody)) {
            return Err(invalid(flag, text, "that is everybody: name one user or one group"));
        }
        Ok(owner)
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

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => f.write_str(name),
            Self::Group(name) => write!(f, "group:{name}"),
        }
    }
}

/// The addresses that Routes let in, each once, in order; none is everybody.
///
/// A router leaves out what it cannot read, and a list of which nothing is left lets everybody in: so everything is read
/// strictly here.
pub fn parse_allow_from(given: &[String]) -> Result<Vec<String>> {
    if given == ["none"] {
        return Ok(Vec::new());
    }
    if given.len() > MOST_RANGES {
        return Err(CommandError::new(format!("--allow-from names {} ranges", given.len()))
            .hint(format!("at most {MOST_RANGES} fit: name larger ones")));
    }
    let mut ranges: Vec<(IpAddr, u8)> = given.iter().map(|text| parse_range(text)).collect::<Result<_>>()?;
    ranges.sort_unstable();
    ranges.dedup();
    Ok(ranges.into_iter().map(|(address, bits)| format!("{address}/{bits}")).collect())
}

/// `ADDRESS/BITS`, or an address that stands for itself alone.
fn parse_range(text: &str) -> Result<(IpAddr, u8)> {
    let refuse = |advice: &str| invalid("--allow-from", text, advice);
    let form = "use ranges such as 192.0.2.0/24 or 2001:db8::/32, single addresses, or none alone for everybody";
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().map_err(|_| refuse(form))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        None => most,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0')) => {
            digits.parse().ok().filter(|bits| *bits <= most).ok_or_else(|| refuse(form))?
        }
        Some(_) => return Err(refuse(form)),
    };
    if is_mapped(address) {
        return Err(refuse("the router sees such a client by its IPv4 address: give that"));
    }
    let network = network(address, bits);
    if network != address {
        return Err(refuse(&format!("bits are set behind the first {bits}: `{network}/{bits}` is that range")));
    }
    if bits == 0 {
        return Err(refuse("that is everybody: give --allow-from none"));
    }
    Ok((address, bits))
}

fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some())
}

/// The address with everything behind the first bits cleared.
fn network(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

/// Labels that Routes get besides ours: routers choose Routes by them.
pub fn parse_route_labels(given: &[String]) -> Result<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    if given == ["none"] {
        return Ok(labels);
    }
    for text in given {
        let refuse = |advice: &str| invalid("--route-label", text, advice);
        let (key, value) = text.split_once('=').ok_or_else(|| refuse("use KEY=VALUE, e.g. type=internal"))?;
        let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
        if !is_label_word(name) || prefix.is_some_and(|prefix| !super::values::is_object_name(prefix)) {
            return Err(refuse("a label's key has up to 63 letters, digits, `-`, `_` and `.`, maybe behind DOMAIN/"));
        }
        if !value.is_empty() && !is_label_word(value) {
            return Err(refuse("a label's value has up to 63 letters, digits, `-`, `_` and `.`"));
        }
        let is_ours = prefix.is_some_and(|prefix| {
            prefix == "lsdeploy.dev" || prefix == "app.kubernetes.io" && OUR_LABELS.contains(&name)
        });
        if is_ours {
            return Err(refuse("lsdeploy keeps that key for itself: by it it knows what is its own"));
        }
        if labels.insert(key.to_owned(), value.to_owned()).is_some_and(|before| before != value) {
            return Err(refuse("the same key has another value before"));
        }
    }
    Ok(labels)
}

fn is_label_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    (1..=63).contains(&text.len())
        && text.chars().all(|c| plain(c) || "-_.".contains(c))
        && text.starts_with(plain)
        && text.ends_with(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn an_owner_is_one_user_or_one_group() {
        assert_eq!(Owner::parse("alice").unwrap().unwrap().to_string(), "alice");
        assert_eq!(Owner::parse("group:team-a").unwrap(), Some(Owner::Group("team-a".into())));
        assert_eq!(Owner::parse("none").unwrap(), None);
        assert!(Owner::parse("system:serviceaccount:ci:runner").is_ok());
        for bad in ["", "group:", " a", "a\nb", "тест", "group:system:authenticated", "system:anonymous"] {
            assert!(Owner::parse(bad).is_err(), "{bad:?}");
        }
        for everybody in ["serviceaccounts:ci", "serviceaccounts", "authenticated:oauth", "unauthenticated"] {
            let group = format!("group:system:{everybody}");
            assert!(Owner::parse(&group).is_err() && Owner::parse_one("--for", &group).is_err(), "{group}");
        }
    }

    #[test]
    fn ranges_are_read_strictly_and_written_in_one_way() {
        let all = words(&["2001:DB8::/32", "192.0.2.7", "10.0.0.0/8", "10.0.0.0/8", "fd00::1"]);
        assert_eq!(parse_allow_from(&all).unwrap(), ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "fd00::1/128"]);
        assert_eq!(parse_allow_from(&words(&["none"])).unwrap(), [""; 0]);
        for bad in [
            "",
            "all",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/08",
            "10.0.0.0/",
            "10.0.0/8",
            "10.0.0.0/8 10.1.0.0/16",
            "10.0.0.0/8;x",
            " 10.0.0.0/8",
            "010.0.0.0/8",
            "0.0.0.0/0",
            "::/0",
            "2001:db8::/129",
            "10.0.0.0/+8",
            "::ffff:10.0.0.1",
            "1.2.3.4\n",
            "fe80::1%eth0",
        ] {
            assert!(parse_allow_from(&words(&[bad])).is_err(), "{bad:?}");
        }
        assert!(parse_allow_from(&words(&["10.0.0.0/8", "none"])).is_err());
    }

    #[test]
    fn an_address_inside_of_its_range_is_refused_with_the_range() {
        let error = parse_allow_from(&words(&["10.1.2.3/8"])).unwrap_err();
        assert!(error.hints[0].contains("`10.0.0.0/8` is that range"), "{error:?}");
    }

    #[test]
    fn labels_of_routes_are_kubernetes_labels_and_none_of_ours() {
        let labels = parse_route_labels(&words(&["type=internal", "example.com/shard=a.b", "empty="])).unwrap();
        assert_eq!((labels.len(), labels["type"].as_str()), (3, "internal"));
        for bad in [
            "type",
            "=x",
            "a b=c",
            "a=b c",
            "-a=b",
            "a=b-",
            "a/b/c=d",
            "/a=b",
            "UP.com/a=b",
            "a=b\n",
            "app.kubernetes.io/instance=other",
            "app.kubernetes.io/managed-by=x",
            "lsdeploy.dev/inventory=true",
        ] {
            assert!(parse_route_labels(&words(&[bad])).is_err(), "{bad:?}");
        }
        assert!(parse_route_labels(&words(&["a=1", "a=2"])).is_err());
    }

    proptest! {
        /// What is accepted is what the router's own pattern accepts: nothing of it can be left out there.
        #[test]
        fn whatever_is_accepted_is_a_plain_range(text in "[0-9a-f:./ ,]{1,24}") {
            if let Ok(ranges) = parse_allow_from(&[text]) {
                let (address, bits) = ranges[0].split_once('/').unwrap();
                prop_assert!(address.parse::<IpAddr>().is_ok() && bits.parse::<u8>().is_ok());
            }
        }
    }
}
