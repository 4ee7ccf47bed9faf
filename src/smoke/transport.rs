//! How a request can fail before an answer is there, as plain values. Pure.

use std::{fmt, io, net::SocketAddr, time::Duration};

use rustls::CertificateError;

use super::{cause::Answer, certificate::Certificate, verify::Rejected};

/// A request to `host` that brought no complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host}: {problem}")]
pub(super) struct TransportError {
    /// Host of the URL, not of the router that stands in for it.
    pub(super) host: String,
    /// Who was connected to when it failed.
    pub(super) peer: Option<Box<Peer>>,
    pub(super) problem: Problem,
}

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) via: Via,
}

/// Whose address was connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Via {
    /// What the host of the URL resolves to.
    Name,
    /// What the caller gave for every host.
    Router,
    /// A proxy's, with its name.
    Proxy(String),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.via {
            Via::Name => self.address.fmt(f),
            Via::Router => write!(f, "{}, given by `--router`", self.address),
            Via::Proxy(proxy) => write!(f, "the proxy {proxy}"),
        }
    }
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
    #[error("TLS failed: {problem}{}", told(certificate.as_deref()))]
    Tls { problem: TlsProblem, certificate: Option<Box<Certificate>> },
    #[error("the proxy {proxy} cannot be used: {problem}")]
    Proxy { proxy: String, problem: Box<Self> },
    #[error("the proxy {proxy} refused to connect: HTTP {}", with_status(*status, said))]
    ProxyRefused { proxy: String, status: u16, said: String },
    #[error("no complete answer within {after:?}")]
    AnswerTimeout { after: Duration },
    #[error("the answer is not HTTP: {detail}")]
    Garbage { detail: String },
    #[error("the connection was closed before an answer: {detail}")]
    Closed { detail: String },
    #[error("the answer broke off: {detail}")]
    Cut { detail: String },
    #[error("a web page came in place of an answer")]
    Page(Box<Answer>),
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
    #[error("the certificate is for another name")]
    WrongName,
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
    pub(super) fn from_io(error: &io::Error) -> Problem {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let (problem, certificate) = match inner {
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) => {
                match other.0.downcast_ref::<Rejected>() {
                    Some(rejected) => (Self::of(&rejected.cause), rejected.certificate.clone().map(Box::new)),
                    None => (Self::Other(other.to_string()), None),
                }
            }
            Some(rustls::Error::InvalidCertificate(cause)) => (Self::of(cause), None),
            Some(other) => (Self::Other(other.to_string()), None),
            None => (Self::Other(error.to_string()), None),
        };
        Problem::Tls { problem, certificate }
    }

    fn of(cause: &CertificateError) -> Self {
        match cause {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Untrusted,
            // A certificate that signed itself and is in no root store, as an OpenShift router has it at first.
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => Self::Untrusted,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            other => Self::Other(other.to_string()),
        }
    }
}

/// Many a title begins with the status.
fn with_status(status: u16, said: &str) -> String {
    let text = said.trim_start_matches(&status.to_string()).trim();
    format!("{status} {text}").trim_end().to_owned()
}

fn told(certificate: Option<&Certificate>) -> String {
    certificate.map_or_else(String::new, |certificate| format!(": {certificate}"))
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

    fn tls(cause: CertificateError) -> TlsProblem {
        let error = rustls::Error::InvalidCertificate(cause);
        match TlsProblem::from_io(&io::Error::new(io::ErrorKind::InvalidData, error)) {
            Problem::Tls { problem, certificate: None } => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn certificate_errors_keep_their_cause() {
        assert_eq!(tls(CertificateError::UnknownIssuer), TlsProblem::Untrusted);
        assert_eq!(tls(CertificateError::Expired), TlsProblem::Expired);
        assert_eq!(tls(CertificateError::NotValidYet), TlsProblem::NotYetValid);
        assert_eq!(tls(CertificateError::NotValidForName), TlsProblem::WrongName);
    }

    #[test]
    fn a_refused_certificate_comes_with_its_refusal() {
        let certificate = Some(Certificate { subject: "router".to_owned(), ..Certificate::default() });
        let rejected = Rejected { cause: CertificateError::UnknownIssuer, certificate: certificate.clone() };
        let error = CertificateError::Other(rustls::OtherError(std::sync::Arc::new(rejected)));
        let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(error));
        assert_eq!(
            TlsProblem::from_io(&error),
            Problem::Tls { problem: TlsProblem::Untrusted, certificate: certificate.map(Box::new) }
        );
    }

    #[test]
    fn a_peer_that_hangs_up_is_no_certificate_problem() {
        let error = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        let problem = TlsProblem::Other("tls handshake eof".to_owned());
        assert_eq!(TlsProblem::from_io(&error), Problem::Tls { problem, certificate: None });
    }
}
