//! The way to the emulator: by host, as a cluster's router. Listens on loopback only. Does network IO.
//!
//! Bodies pass as they come, in both directions, whatever their length.

pub mod hosts;
mod page;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use self::hosts::{Destination, Hosts};
use super::ports;

type Body = BoxBody<Bytes, hyper::Error>;

/// Headers that are about one connection, not about the request. `Expect` was answered here already.
const OF_ONE_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::EXPECT,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::UPGRADE,
];

/// Where the emulator is, or why it does not answer; the supervisor says it, the router reads it.
#[derive(Debug, Clone)]
pub enum Emulator {
    /// It answers at this `host:port`.
    At(String),
    /// It does not.
    Away(String),
}

/// One environment's router.
pub struct Router {
    hosts: Hosts,
    emulator: RwLock<Emulator>,
    client: Client<HttpConnector, Incoming>,
}

impl Router {
    /// A router whose emulator is yet to come.
    pub fn new(hosts: Hosts) -> Arc<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).set_host(false).build(connector);
        Arc::new(Self { hosts, emulator: RwLock::new(Emulator::Away("it is starting".to_owned())), client })
    }

    /// Where requests go from now on.
    pub fn lead_to(&self, emulator: Emulator) {
        *self.emulator.write().unwrap_or_else(PoisonError::into_inner) = emulator;
    }

    /// Accepts connections until the task is dropped.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(Arc::clone(&self).converse(stream))),
                // No file descriptor is left, most often: in a moment there may be one.
                Err(_) => drop(timeout(Duration::from_millis(50), std::future::pending::<()>()).await),
            }
        }
    }

    async fn converse(self: Arc<Self>, stream: TcpStream) {
        // Small answers go out at once; a failure here costs milliseconds, not correctness.
        let _ = stream.set_nodelay(true);
        let answer = service_fn(move |request| {
            let router = Arc::clone(&self);
            async move { Ok::<_, hyper::Error>(router.answer(request).await) }
        });
        // A client that goes away in the middle is no news.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let host = host_of(&request);
        let emulator = self.emulator.read().unwrap_or_else(PoisonError::into_inner).clone();
        match (self.hosts.destination(&host), emulator) {
            (Destination::Nowhere, _) => page::unknown(&self.hosts, &host),
            (_, Emulator::Away(why)) => page::away(self.hosts.env(), &why),
            (Destination::Emulator, Emulator::At(address)) => self.pass_on(request, &address).await,
            (Destination::Bucket { bucket, host }, Emulator::At(address)) => {
                match in_path_style(request, &bucket, &host) {
                    Some(request) => self.pass_on(request, &address).await,
                    None => page::unreadable(),
                }
            }
        }
    }

    async fn pass_on(&self, request: Request<Incoming>, address: &str) -> Response<Body> {
        let Some(request) = towards(request, address) else { return page::unreadable() };
        match self.client.request(request).await {
            Ok(mut answer) => {
                strip(answer.headers_mut());
                answer.map(BodyExt::boxed)
            }
            Err(error) if error.is_connect() => page::away(self.hosts.env(), "it does not take connections"),
            Err(error) => page::broken(self.hosts.env(), &error),
        }
    }
}

/// Binds both addresses of loopback; a machine without IPv6 has one.
pub async fn listen(port: u16) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for address in ports::loopback(port) {
        match TcpListener::bind::<SocketAddr>(address).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if address.is_ipv6() && ports::is_missing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}

/// The host that was asked for, as it was written: from the URL where it stands there, else from the header.
fn host_of(request: &Request<Incoming>) -> String {
    let in_header = || request.headers().get(header::HOST)?.to_str().ok();
    let host = request.uri().authority().map(Authority::as_str).or_else(in_header);
    host.unwrap_or_default().to_owned()
}

/// The request as the emulator is to get it: its address in the URL, the caller's host in the header.
fn towards(mut request: Request<Incoming>, address: &str) -> Option<Request<Incoming>> {
    let host = HeaderValue::from_str(&host_of(&request)).ok().filter(|host| !host.is_empty());
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(address.parse().ok()?);
    parts.path_and_query.get_or_insert_with(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    request.headers_mut().insert(header::HOST, host.unwrap_or(HeaderValue::from_str(address).ok()?));
    strip(request.headers_mut());
    // What the caller speaks says nothing of what the emulator is spoken to in.
    *request.version_mut() = http::Version::HTTP_11;
    Some(request)
}

/// A bucket out of the host and into the path: every emulator knows that form.
fn in_path_style(mut request: Request<Incoming>, bucket: &str, host: &str) -> Option<Request<Incoming>> {
    let rest = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    // The bucket itself has no slash at its end, as SDKs write it.
    let rest = rest.strip_prefix('/').filter(|rest| rest.is_empty() || rest.starts_with('?')).unwrap_or(rest);
    let path = format!("/{bucket}{rest}");
    *request.uri_mut() = path.parse().ok()?;
    request.headers_mut().insert(header::HOST, HeaderValue::from_str(host).ok()?);
    Some(request)
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    named.iter().chain(&OF_ONE_HOP).for_each(|name| drop(headers.remove(name)));
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}
