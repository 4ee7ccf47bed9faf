//! Scheme, host and port of a URL. Pure.

use http::Uri;

use crate::smoke::{
    proxy::{Proxies, Proxy},
    transport::Problem,
};

/// Scheme, host and port: what a connection is good for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::smoke) struct Origin {
    pub(super) https: bool,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Origin {
    /// A host's own https.
    pub(in crate::smoke) fn https(host: &str) -> Self {
        Self { https: true, host: host.to_ascii_lowercase(), port: 443 }
    }

    /// Scheme, host and port of an absolute URI.
    pub(in crate::smoke) fn of(uri: &Uri) -> Result<Self, Problem> {
        let unsendable = || Problem::Unsendable { detail: format!("`{uri}` is no http or https URL") };
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(unsendable()),
        };
        let host = uri.host().ok_or_else(unsendable)?.to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        Ok(Self { https, host, port })
    }

    /// `host:port`, always with the port.
    pub(super) fn whole_authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The proxy on the way there.
    pub(in crate::smoke) fn proxy<'a>(&self, proxies: &'a Proxies) -> Option<&'a Proxy> {
        proxies.of(self.https, &self.host, self.port)
    }

    /// `host[:port]` as the Host header has it and as the SDK signs it: without the scheme's own port.
    pub(in crate::smoke) fn authority(&self) -> String {
        match (self.https, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}
