//! Zones for BIND.

use std::fmt::Write as _;

/// A zone of a name server.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    origin: String,
    soa: String,
    records: String,
    /// The whole file, where it was made by another program.
    whole: Option<String>,
}

impl Zone {
    /// A zone with these lines (`www A 192.0.2.80`), its own SOA and name server.
    pub(crate) fn new(origin: &str, records: &str) -> Self {
        let dot = if origin == "." { String::new() } else { format!(".{origin}") };
        let soa = format!("ns{dot}. hostmaster{dot}. 2026010101 3600 900 604800 60");
        Self { origin: origin.trim_end_matches('.').to_owned(), soa, records: records.to_owned(), whole: None }
    }

    /// The root as the world sees it from outside: nothing of a cluster is in it.
    pub(crate) fn root(records: &str) -> Self {
        let soa = "a.root-servers.net. nstld.verisign-grs.com. 2026010101 1800 900 604800 86400".to_owned();
        Self { origin: String::new(), soa, records: records.to_owned(), whole: None }
    }

    /// What most scenarios need outside of the cluster: the root, `example.com` with the wildcard of its Routes, and `github.com`.
    pub(crate) fn outside() -> Vec<Self> {
        let example = "www A 192.0.2.80\n*.apps A 203.0.113.7\nregistry A 192.0.2.81";
        vec![Self::root(""), Self::new("example.com", example), Self::new("github.com", "@ A 140.82.112.3")]
    }

    /// The same with another SOA.
    #[must_use]
    pub(crate) fn with_soa(mut self, soa: &str) -> Self {
        soa.clone_into(&mut self.soa);
        self
    }

    /// The same from this text.
    #[must_use]
    pub(super) fn with_file(mut self, text: String) -> Self {
        self.whole = Some(text);
        self
    }

    pub(super) fn origin(&self) -> String {
        format!("{}.", self.origin)
    }

    pub(super) fn path(&self) -> String {
        format!("/etc/bind/{}.zone", if self.origin.is_empty() { "root" } else { &self.origin })
    }

    pub(super) fn text(&self) -> String {
        if let Some(whole) = &self.whole {
            return whole.clone();
        }
        let mut text =
            format!("$ORIGIN {}\n$TTL 300\n@ SOA {}\n@ NS {}\n", self.origin(), self.soa, self.name_server());
        // Where the server's own name is in the zone, it must have an address.
        let inside = self.name_server().ends_with(&self.origin()) && !self.origin.is_empty();
        if inside && !self.records.lines().any(|line| line.starts_with("ns ")) {
            text.push_str("ns A 127.0.0.1\n");
        }
        if self.origin.is_empty() {
            writeln!(text, "{} A 127.0.0.1", self.name_server()).unwrap();
        }
        for line in self.records.lines() {
            writeln!(text, "{}", line.trim()).unwrap();
        }
        text
    }

    fn name_server(&self) -> &str {
        self.soa.split(' ').next().unwrap()
    }
}

/// BIND's configuration.
pub(super) fn named_conf(port: u16, options: &str, zones: &[Zone]) -> String {
    let listens = if port == 53 { "any" } else { "127.0.0.1" };
    let mut text = format!(
        "options {{\n  directory \"/run/named\";\n  pid-file none;\n  listen-on port {port} {{ {listens}; }};\n  \
         listen-on-v6 port {port} {{ any; }};\n  allow-query {{ any; }};\n  dnssec-validation no;\n  \
         empty-zones-enable no;\n  {options}\n}};\ncontrols {{ }};\n"
    );
    for zone in zones {
        writeln!(text, "zone \"{}\" {{ type primary; file \"{}\"; }};", zone.origin(), zone.path()).unwrap();
    }
    text
}
