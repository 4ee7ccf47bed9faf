//! How a request can fail before an answer is there, as plain values. Pure.

use std::{io, net::SocketAddr, time::Duration};

use rustls::CertificateError;

/// A request to `host` that brought no complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host}: {problem}")]
pub(super) struct TransportError {
    /// Host of the URL, not of the router that stands in for it.
    pub(super) host: String,
    pub(super) problem: Problem,
}

/// The stage that failed, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("a host of real AWS is never contacted")]
    RealAws,
    #[error("`{name}` does not resolve: {detail}")]
    Resolve { name: String, detail: String },
    #[error("{address} refused the connection")]
    Refused { address: SocketAddr },
    #[error("{address} did not answer within {after:?}")]
    ConnectTimeout { address: SocketAddr, after: Duration },
    #[error("no connection to {address}: {detail}")]
    Connect { address: SocketAddr, detail: String },
    #[error("TLS failed: {0}")]
    Tls(TlsProblem),
    #[error("no complete answer within {after:?}")]
    AnswerTimeout { after: Duration },
    #[error("the answer is not HTTP: {detail}")]
    Garbage { detail: String },
    #[error("the connection was closed before an answer: {detail}")]
    Closed { detail: String },
    #[error("the answer broke off: {detail}")]
    Cut { detail: String },
    #[error("the answer is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the request cannot be sent: {detail}")]
    Unsendable { detail: String },
}

/// Why a handshake failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TlsProblem {
    #[error("the certificate's issuer is not trusted")]
    Untrusted,
    #[error("the certificate is for {}", presented.join(", "))]
    WrongName { presented: Vec<String> },
    #[error("the certificate has expired")]
    Expired,
    #[error("the certificate is not valid yet")]
    NotYetValid,
    #[error("no handshake within {after:?}")]
    Timeout { after: Duration },
    #[error("{0}")]
    Other(String),
}

impl Problem {
    /// What the operating system said about a TCP connection.
    pub(super) fn connect(address: SocketAddr, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { address },
            _ => Self::Connect { address, detail: error.to_string() },
        }
    }

    /// What hyper said about a request or about the rest of a body.
    pub(super) fn exchange(error: &hyper::Error) -> Self {
        let detail = innermost(error);
        if error.is_parse() { Self::Garbage { detail } } else { Self::Closed { detail } }
    }
}

impl TlsProblem {
    /// tokio-rustls wraps rustls' error in an `io::Error`; a peer that hangs up is an `io::Error` of its own.
    pub(super) fn from_io(error: &io::Error) -> Self {
        let certificate = match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(certificate)) => certificate,
            Some(other) => return Self::Other(other.to_string()),
            None => return Self::Other(error.to_string()),
        };
        match certificate {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Untrusted,
            // A certificate that signed itself and is in no root store, as an OpenShift router has it at first.
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => Self::Untrusted,
            CertificateError::NotValidForName => Self::WrongName { presented: Vec::new() },
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::WrongName { presented: presented.iter().map(|name| plain_name(name)).collect() }
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            other => Self::Other(other.to_string()),
        }
    }
}

/// rustls presents the names of a certificate as it would print them for itself: `DnsName("x")`.
fn plain_name(presented: &str) -> String {
    let inner = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(presented).trim_matches('"').to_owned()
}

/// The last error of the chain: the one that says what happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(certificate: CertificateError) -> TlsProblem {
        let error = rustls::Error::InvalidCertificate(certificate);
        TlsProblem::from_io(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn certificate_errors_keep_their_cause() {
        assert_eq!(tls(CertificateError::UnknownIssuer), TlsProblem::Untrusted);
        assert_eq!(tls(CertificateError::Expired), TlsProblem::Expired);
        assert_eq!(tls(CertificateError::NotValidYet), TlsProblem::NotYetValid);
        assert_eq!(tls(CertificateError::NotValidForName), TlsProblem::WrongName { presented: Vec::new() });
    }

    #[test]
    fn a_certificate_is_named_as_people_know_it() {
        assert_eq!(plain_name(r#"DnsName("*.apps.lab.test")"#), "*.apps.lab.test");
        assert_eq!(plain_name("IpAddress(10.0.0.1)"), "10.0.0.1");
        assert_eq!(plain_name("router.lab.test"), "router.lab.test");
    }

    #[test]
    fn a_peer_that_hangs_up_is_no_certificate_problem() {
        let error = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        assert_eq!(TlsProblem::from_io(&error), TlsProblem::Other("tls handshake eof".to_owned()));
    }
}
