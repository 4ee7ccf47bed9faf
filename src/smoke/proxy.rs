//! Which proxy a request goes through, from the variables that curl and Go read. Pure.

use std::net::IpAddr;

use aws_smithy_types::base64;

/// The proxies of a run; the default is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    exceptions: Vec<Exception>,
}

/// One proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// The variable that names it.
    pub(super) variable: &'static str,
    pub(super) host: String,
    pub(super) port: u16,
    /// `Basic ...`, where the variable holds a user.
    pub(super) authorization: Option<String>,
    /// Why it cannot be used.
    pub(super) fault: Option<String>,
}

/// One entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Exception {
    All,
    Network(IpAddr, u8),
    /// A domain with everything below it, at one port or at all.
    Domain(String, Option<u16>),
}

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` with `variable`. Names in lower case go first, as in curl; one
    /// that is set and empty means no proxy.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: [&'static str; 2]| {
            let (name, value) = names.into_iter().find_map(|name| Some((name, variable(name)?)))?;
            Some((name, value.trim().to_owned())).filter(|(_, value)| !value.is_empty())
        };
        let proxy = |names| first(names).map(|(name, value)| Proxy::parse(name, &value));
        let (_, exceptions) = first(["no_proxy", "NO_PROXY"]).unwrap_or_default();
        let exceptions = exceptions.split([',', ' ']).filter_map(Exception::parse).collect();
        Self { https: proxy(["https_proxy", "HTTPS_PROXY"]), http: proxy(["http_proxy", "HTTP_PROXY"]), exceptions }
    }

    /// The variable that names the proxy for a host, if one does.
    pub fn variable_for(&self, https: bool, host: &str, port: u16) -> Option<&'static str> {
        self.of(https, host, port).map(|proxy| proxy.variable)
    }

    /// The proxy for a host; none for this machine itself.
    pub(super) fn of(&self, https: bool, host: &str, port: u16) -> Option<&Proxy> {
        let bare = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        let address = bare.parse::<IpAddr>().ok();
        let is_here = bare == "localhost" || bare.ends_with(".localhost") || address.is_some_and(|ip| ip.is_loopback());
        if is_here || self.exceptions.iter().any(|exception| exception.covers(&bare, address, port)) {
            return None;
        }
        if https { self.https.as_ref() } else { self.http.as_ref() }
    }
}

impl Proxy {
    /// `[http://][user[:password]@]host[:port]`; a fault is kept until somebody wants to use it.
    fn parse(variable: &'static str, value: &str) -> Self {
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
        let rest = rest.split('/').next().unwrap_or_default();
        let (user, authority) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => (host, port.parse().ok()),
            _ => (authority, Some(80)),
        };
        let fault = match (scheme.to_ascii_lowercase().as_str(), host, port) {
            ("http", "", _) | ("http", _, None) => Some("is not http://host:port".to_owned()),
            ("http", ..) => None,
            (other, ..) => Some(format!("is a proxy of the kind `{other}`, and only http:// is spoken to")),
        };
        let authorization = user.map(|user| format!("Basic {}", base64::encode(decoded(user))));
        Self { variable, host: host.to_owned(), port: port.unwrap_or(80), authorization, fault }
    }
}

/// Without user and password.
impl std::fmt::Display for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}:{} ({})", self.host, self.port, self.variable)
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_ascii_lowercase();
        if entry == "*" {
            return Some(Self::All);
        }
        let (address, bits) = entry.split_once('/').map_or((entry.as_str(), None), |(a, bits)| (a, Some(bits)));
        if let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>() {
            let whole = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Some(whole), |bits| bits.parse().ok().filter(|bits| *bits <= whole))?;
            return Some(Self::Network(address, bits));
        }
        let (domain, port) = match entry.rsplit_once(':') {
            Some((domain, port)) => (domain, Some(port.parse().ok()?)),
            None => (entry.as_str(), None),
        };
        let domain = domain.trim_start_matches('*').trim_matches('.');
        (!domain.is_empty()).then(|| Self::Domain(domain.to_owned(), port))
    }

    fn covers(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Network(network, bits) => address.is_some_and(|address| is_in(address, *network, *bits)),
            Self::Domain(domain, only) => {
                let is_below =
                    host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                is_below && only.is_none_or(|only| only == port)
            }
        }
    }
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (address, network, whole) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => (u128::from(address.to_bits()), network.to_bits().into(), 32),
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    // A shift by all bits of the number is none at all.
    let rest = whole - u32::from(bits);
    address.checked_shr(rest).unwrap_or(0) == network.checked_shr(rest).unwrap_or(0)
}

/// `%41` is `A`, as in every URL.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(b'%'));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    bytes.extend(rest.bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Proxies {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Proxies::from_variables(find)
    }

    #[track_caller]
    fn check(proxies: &Proxies, https: bool, host: &str, expected: Option<&str>) {
        assert_eq!(proxies.of(https, host, 443).map(ToString::to_string).as_deref(), expected, "{host}");
    }

    #[test]
    fn each_scheme_has_its_proxy_and_lower_case_goes_first() {
        let both = from(&[("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "lower:3128"), ("HTTP_PROXY", "plain")]);
        check(&both, true, "sqs.x", Some("http://lower:3128 (https_proxy)"));
        check(&both, false, "sqs.x", Some("http://plain:80 (HTTP_PROXY)"));
        check(&from(&[("https_proxy", ""), ("HTTPS_PROXY", "http://upper:1")]), true, "sqs.x", None);
        check(&Proxies::default(), true, "sqs.x", None);
    }

    #[test]
    fn no_proxy_knows_hosts_suffixes_ports_addresses_and_networks() {
        let but = |exceptions: &str| from(&[("https_proxy", "p:1"), ("NO_PROXY", exceptions)]);
        let through = Some("http://p:1 (https_proxy)");
        for (exceptions, host) in [
            (".lab.test", "sqs.lab.test"),
            ("lab.test", "SQS.lab.test."),
            ("*.lab.test", "sqs.lab.test"),
            ("other, lab.test", "lab.test"),
            ("lab.test:443", "lab.test"),
            ("10.0.0.0/8", "10.9.8.7"),
            ("0.0.0.0/0", "10.9.8.7"),
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8::/32", "[2001:db8::1]"),
            ("*", "anything"),
            ("", "127.0.0.1"),
            ("", "sqs.team1.localhost"),
            ("", "[::1]"),
        ] {
            check(&but(exceptions), true, host, None);
        }
        for (exceptions, host) in [
            ("lab.test", "notlab.test"),
            ("lab.test:8443", "lab.test"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/8", "10.lab.test"),
            ("10.0.0.0/99", "10.0.0.1"),
            ("", "localhost.lab.test"),
        ] {
            check(&but(exceptions), true, host, through);
        }
    }

    #[test]
    fn a_password_is_sent_and_never_shown() {
        let proxies = from(&[("http_proxy", "http://me:s%40crt@proxy.corp:3128/")]);
        let proxy = proxies.of(false, "sqs.x", 80).unwrap();
        assert_eq!(proxy.to_string(), "http://proxy.corp:3128 (http_proxy)");
        assert_eq!(proxy.authorization.as_deref(), Some("Basic bWU6c0BjcnQ="));
    }

    #[test]
    fn what_is_no_http_proxy_has_a_fault() {
        for value in ["socks5://p:1080", "https://p:443", "http://", "p:port"] {
            let proxies = from(&[("http_proxy", value)]);
            assert!(proxies.of(false, "sqs.x", 80).unwrap().fault.is_some(), "{value}");
        }
    }
}
