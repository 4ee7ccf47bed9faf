//! The configuration of dnsmasq: its files and its arguments are one language. Text in, rules out. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// One `server=` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The domains it is for; empty: every name.
    pub domains: Vec<String>,
    /// Where these are asked; `None`: nowhere, they are answered from local data only.
    pub address: Option<SocketAddr>,
}

/// What dnsmasq was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DnsmasqConf {
    /// `server=` and `local=`, in their order.
    pub servers: Vec<Server>,
    /// `address=`: domains and the address that they are answered with.
    pub addresses: Vec<(Vec<String>, Option<IpAddr>)>,
    /// Options without a value: `no-resolv`, `strict-order`.
    pub flags: BTreeSet<String>,
    /// Options with one: `listen-address`, `min-port`; each with all its values.
    pub values: BTreeMap<String, Vec<String>>,
}

impl DnsmasqConf {
    /// Reads the texts of configuration files, one after the other.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut conf = Self::default();
        for line in texts.into_iter().flat_map(str::lines) {
            conf.add(without_comment(line).trim());
        }
        conf
    }

    /// Adds the arguments of a process: `--server=/cluster.local/127.0.0.1`.
    pub fn add_arguments<'a>(&mut self, arguments: impl IntoIterator<Item = &'a str>) {
        for argument in arguments {
            if let Some(option) = argument.strip_prefix("--") {
                self.add(option);
            }
        }
    }

    /// True for an option that was given, with or without a value.
    pub fn has(&self, option: &str) -> bool {
        self.flags.contains(option) || self.values.contains_key(option)
    }

    /// The last value of an option, as a number.
    pub fn number(&self, option: &str) -> Option<u64> {
        self.values.get(option)?.last()?.parse().ok()
    }

    /// The servers that are asked for every name.
    pub fn upstreams(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.servers.iter().filter(|server| server.domains.is_empty()).filter_map(|server| server.address)
    }

    fn add(&mut self, line: &str) {
        let (option, value) = match line.split_once('=') {
            Some((option, value)) => (option.trim(), Some(value.trim())),
            None => (line, None),
        };
        match (option, value) {
            ("", _) => {}
            ("server" | "local", Some(value)) => {
                let (domains, address) = domains(value);
                self.servers.push(Server { domains, address: server_address(address) });
            }
            ("address", Some(value)) => {
                let (domains, address) = domains(value);
                self.addresses.push((domains, address.parse().ok()));
            }
            (option, Some(value)) => self.values.entry(option.to_owned()).or_default().push(value.to_owned()),
            (option, None) => {
                self.flags.insert(option.to_owned());
            }
        }
    }
}

/// A `#` begins a comment at the start of a line or after white space; elsewhere it stands before a port.
fn without_comment(line: &str) -> &str {
    let starts = |(at, _): &(usize, &str)| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    line.match_indices('#').find(starts).map_or(line, |(at, _)| &line[..at])
}

/// `/a/b/rest` as (`[a, b]`, `rest`).
fn domains(value: &str) -> (Vec<String>, &str) {
    match value.strip_prefix('/').and_then(|value| value.rsplit_once('/')) {
        Some((domains, rest)) => (domains.split('/').map(|domain| domain.trim_matches('.').to_owned()).collect(), rest),
        None => (Vec::new(), value),
    }
}

/// `ADDRESS[#PORT][@SOURCE]`.
fn server_address(text: &str) -> Option<SocketAddr> {
    let text = text.split('@').next()?;
    let (address, port) = text.split_once('#').unwrap_or((text, "53"));
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_arguments_are_one_language() {
        let mut conf = DnsmasqConf::parse([
            "no-resolv # nothing else\nserver=10.9.0.1#5353\nmax-cache-ttl=1\n#server=9.9.9.9\n",
            "server=/in-addr.arpa/cluster.local/127.0.0.1\nlocal=/crc.testing/\naddress=/apps.example/192.0.2.7\n",
        ]);
        conf.add_arguments(["--strict-order", "--min-port=1024", "-k"]);
        let upstreams: Vec<String> = conf.upstreams().map(|address| address.to_string()).collect();
        assert_eq!(upstreams, ["10.9.0.1:5353"]);
        assert_eq!(conf.servers[1].domains, ["in-addr.arpa", "cluster.local"]);
        assert_eq!(conf.servers[2], Server { domains: vec!["crc.testing".to_owned()], address: None });
        assert_eq!(conf.addresses[0].1, "192.0.2.7".parse().ok());
        assert!(conf.has("no-resolv") && conf.has("strict-order") && !conf.has("k"));
        assert_eq!(conf.number("min-port"), Some(1024));
    }
}
