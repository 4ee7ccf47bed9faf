//! From a URL's origin to a connection ready for requests: resolve, connect, TLS. Does network IO.

mod origin;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

use http_body_util::Full;
use hyper::{
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(super) use self::origin::Origin;
use super::{
    options::{Deadlines, InputError, is_real_aws},
    proxy::{Proxies, Proxy},
    transport::{Peer, Problem, TlsProblem, TransportError, Via},
    tunnel::tunnel,
    verify::Verifier,
};

/// The way to the network, as the caller gave it.
#[derive(Debug, Clone, Default)]
pub(super) struct Way<'a> {
    pub(super) router: Option<&'a str>,
    pub(super) ca_pem: Option<&'a [u8]>,
    pub(super) proxies: Proxies,
    pub(super) deadlines: Deadlines,
}

/// What all services of a run share to reach their hosts.
pub(super) struct Network {
    router: Option<(String, Option<u16>)>,
    proxies: Proxies,
    given: RootCertStore,
    /// Made for the first https: to read the system's roots takes longer than all else before the first request.
    tls: OnceLock<Result<Arc<ClientConfig>, TlsProblem>>,
    pub(super) deadlines: Deadlines,
}

/// A connection ready for requests.
pub(super) struct Link {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) peer: Peer,
    /// A proxy reads the requests and passes them on.
    pub(super) forward: Option<Forward>,
}

/// What a proxy wants to see in every request that it passes on.
#[derive(Debug, Clone)]
pub(super) struct Forward {
    pub(super) authorization: Option<String>,
}

impl Network {
    pub(super) fn new(way: Way<'_>) -> Result<Self, InputError> {
        let router = way.router.map(parse_router).transpose()?;
        let given = way.ca_pem.map_or_else(|| Ok(RootCertStore::empty()), given_roots)?;
        Ok(Self { router, proxies: way.proxies, given, tls: OnceLock::new(), deadlines: way.deadlines })
    }

    /// The proxy on the way to a host; a router that was given is reached directly.
    pub(super) fn proxy(&self, origin: &Origin) -> Option<&Proxy> {
        origin.proxy(&self.proxies).filter(|_| self.router.is_none())
    }

    /// Opens a connection; the error says which stage failed.
    pub(super) async fn open(&self, origin: &Origin) -> Result<Link, TransportError> {
        let failed = |peer, problem| TransportError { host: origin.host.clone(), peer, problem };
        // The last of three fences: targets and returned URLs were looked at before.
        if is_real_aws(&origin.host) {
            return Err(failed(None, Problem::RealAws));
        }
        let proxy = self.proxy(origin);
        let (host, port, via) = match (&self.router, proxy) {
            (Some((host, port)), _) => (host, port.unwrap_or(origin.port), Via::Router),
            (None, Some(proxy)) => (&proxy.host, proxy.port, Via::Proxy(proxy.to_string())),
            (None, None) => (&origin.host, origin.port, Via::Name),
        };
        let connected = async { self.connect(&self.resolve(host, port).await?).await };
        let stream = connected.await.map_err(|problem| match proxy {
            None => failed(None, problem),
            Some(proxy) => failed(None, Problem::Proxy { proxy: proxy.to_string(), problem: Box::new(problem) }),
        })?;
        let address =
            stream.peer_addr().map_err(|error| failed(None, Problem::Closed { detail: error.to_string() }))?;
        let peer = Peer { address, via };
        let ready = async {
            match (origin.https, proxy) {
                (true, Some(proxy)) => {
                    handshake(
                        self.secure(
                            tunnel(stream, &origin.whole_authority(), proxy, self.deadlines.connect).await?,
                            origin,
                        )
                        .await?,
                    )
                    .await
                }
                (true, None) => handshake(self.secure(stream, origin).await?).await,
                (false, _) => handshake(stream).await,
            }
        };
        let sender = ready.await.map_err(|problem| failed(Some(Box::new(peer.clone())), problem))?;
        let forward = proxy.filter(|_| !origin.https);
        let forward = forward.map(|proxy| Forward { authorization: proxy.authorization.clone() });
        Ok(Link { sender, peer, forward })
    }

    /// The addresses of a host, as this machine's resolver knows them.
    pub(super) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Problem> {
        Ok(self.resolve(host, 0).await?.into_iter().map(|address| address.ip()).collect())
    }

    /// Whether hosts are looked up by name and connected to directly.
    pub(super) fn asks_names(&self) -> bool {
        self.router.is_none()
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Problem> {
        let limit = self.deadlines.resolve;
        let failed = |detail: String| Problem::Resolve { name: host.to_owned(), detail };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if is_this_machine(bare) {
            // RFC 6761: these names are loopback, and no resolver is to be asked; many would not know.
            return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
        }
        let found = timeout(limit, lookup_host((bare, port))).await;
        let found = found.map_err(|_| failed(format!("no answer within {limit:?}")))?;
        let addresses: Vec<_> = found.map_err(|error| failed(error.to_string()))?.collect();
        if addresses.is_empty() { Err(failed("the name has no address".to_owned())) } else { Ok(addresses) }
    }

    /// Tries the addresses in the resolver's order; the first failure is reported when all fail.
    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Problem> {
        let after = self.deadlines.connect;
        let mut first = None;
        for &address in addresses {
            let problem = match timeout(after, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Small requests go out at once; a failure here costs milliseconds, not correctness.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => Problem::connect(address, &error),
                Err(_) => Problem::ConnectTimeout { address, after },
            };
            first.get_or_insert(problem);
        }
        Err(first.unwrap_or_else(|| Problem::Unsendable { detail: "no address to connect to".to_owned() }))
    }

    async fn secure<S>(&self, stream: S, origin: &Origin) -> Result<TlsStream<S>, Problem>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = origin.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|error| Problem::Unsendable { detail: error.to_string() })?;
        let config = self.tls.get_or_init(|| client_config(self.given.clone())).clone();
        let config = config.map_err(|problem| Problem::Tls { problem, certificate: None })?;
        let after = self.deadlines.tls;
        match timeout(after, TlsConnector::from(config).connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(TlsProblem::from_io(&error)),
            Err(_) => Err(Problem::Tls { problem: TlsProblem::Timeout { after }, certificate: None }),
        }
    }
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Problem>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let opened = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = opened.map_err(|error| Problem::exchange(&error))?;
    // The task ends with the connection, and the connection with its sender; errors reach the sender too.
    tokio::spawn(connection);
    Ok(sender)
}

/// The certificates of a PEM text.
fn given_roots(pem: &[u8]) -> Result<RootCertStore, InputError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| InputError::Ca(error.to_string()))?;
        roots.add(certificate).map_err(|error| InputError::Ca(error.to_string()))?;
    }
    if roots.is_empty() { Err(InputError::Ca("no certificate in it".to_owned())) } else { Ok(roots) }
}

/// Trusts the given roots and the system's, with ring: no second TLS stack comes in.
fn client_config(mut roots: RootCertStore) -> Result<Arc<ClientConfig>, TlsProblem> {
    // A machine without system roots can still talk http, or https to the given CA.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|error| TlsProblem::Other(error.to_string()))?;
    if roots.is_empty() {
        return Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()));
    }
    let verifier = Verifier::new(roots, provider).map_err(|error| TlsProblem::Other(error.to_string()))?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// `localhost` and every name below it.
fn is_this_machine(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.strip_suffix("localhost").is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// `address`, `address:port`, `[v6]`, `[v6]:port` or a bare v6 address.
pub(super) fn parse_router(router: &str) -> Result<(String, Option<u16>), InputError> {
    let refused = || InputError::Router(router.to_owned());
    if router.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok((router.to_owned(), None));
    }
    let (host, port) = match router.rsplit_once(':') {
        Some((host, port)) if !router.ends_with(']') => (host, Some(port.parse().map_err(|_| refused())?)),
        _ => (router, None),
    };
    let plain = !host.is_empty() && !host.contains(['/', '@', ' ']);
    // The C library takes `1.2.3` for 1.2.0.3: whoever wrote it left a number out.
    let numbers = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let whole = !numbers || host.parse::<std::net::Ipv4Addr>().is_ok();
    if plain && whole { Ok((host.to_owned(), port)) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_below_localhost_are_this_machine() {
        for host in ["localhost", "sqs.team1.localhost", "SQS.Team1.LOCALHOST."] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["notlocalhost", "localhost.example.com", "127.0.0.1", ""] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn a_router_is_an_address_with_or_without_port() {
        let parsed = |router: &str| parse_router(router).unwrap();
        assert_eq!(parsed("10.0.0.1"), ("10.0.0.1".to_owned(), None));
        assert_eq!(parsed("router.lab:8080"), ("router.lab".to_owned(), Some(8080)));
        assert_eq!(parsed("[::1]:80"), ("[::1]".to_owned(), Some(80)));
        assert_eq!(parsed("::1"), ("::1".to_owned(), None));
        for router in ["", ":80", "http://x", "x:port", "1.2.3", "10.0.0.256:80"] {
            assert!(parse_router(router).is_err(), "{router}");
        }
    }
}
