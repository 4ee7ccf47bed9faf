//! The SDK's way to the network: hyper on connections opened here, so that each stage fails with its own error.
//! Does network IO.
//!
//! There is no proxy support: Routes are reached directly, and `HTTPS_PROXY` must not lead a test somewhere else.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    body::{Body, Bytes},
    client::conn::http1::SendRequest,
};
use tokio::time::timeout;

use super::{
    diagnose::is_router_page,
    dial::{Network, Origin},
    parts::backend_refuses,
    transport::{Problem, TransportError},
};

/// No answer of a smoke test is near this size; a wrong server's may be endless.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// Pause between two looks at a service that is starting.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

type Sender = SendRequest<Full<Bytes>>;

/// Connections of one service's check; clones share them.
#[derive(Clone)]
pub(super) struct Connector(Arc<Inner>);

struct Inner {
    network: Arc<Network>,
    idle: Mutex<HashMap<Origin, Vec<Sender>>>,
    /// Seconds by which the emulator's clock is ahead of ours, from the last `Date` header.
    ahead: AtomicI64,
    reached: Arc<AtomicBool>,
}

/// Attached to every answer: the host of the URL that was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked(pub(super) String);

impl Connector {
    /// `reached` is shared by all services of a run and becomes true with the first answer that is not the router's.
    pub(super) fn new(network: Arc<Network>, reached: Arc<AtomicBool>) -> Self {
        Self(Arc::new(Inner { network, idle: Mutex::default(), ahead: AtomicI64::new(0), reached }))
    }

    /// Seconds by which the emulator's clock is ahead of this machine's (negative: behind).
    pub(super) fn clock_ahead(&self) -> i64 {
        self.0.ahead.load(Ordering::Relaxed)
    }

    /// Sends a request and collects the answer.
    ///
    /// This is the only place that sends anything twice, and only what no emulator has worked on: a request that
    /// met 503 (the router has not loaded the Route yet, or the emulator says it is starting) or a part of the
    /// emulator that is starting, for as long as `settle` allows, and a request that a kept connection refused unsent;
    /// and a read that a kept connection ended under, as a router's reload ends it. The SDK's own retries are off: they
    /// would repeat calls that took effect, and hide flaky answers.
    #[expect(clippy::disallowed_methods, reason = "a wait for the router's next reload, with its deadline")]
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let deadlines = &self.0.network.deadlines;
        let host = request.uri().host().unwrap_or_default().to_owned();
        let started = Instant::now();
        loop {
            let left = deadlines.operation.saturating_sub(started.elapsed());
            let answer = self.once(request.clone(), left).await;
            let answer = answer.map_err(|problem| TransportError { host: host.clone(), problem })?;
            self.note(&answer);
            let waited = started.elapsed() + LOOK_AGAIN;
            if !is_starting(&answer) || waited > deadlines.settle.min(deadlines.operation) {
                return Ok(answer);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn once(&self, request: Request<Bytes>, left: Duration) -> Result<Response<Bytes>, Problem> {
        let origin = Origin::of(request.uri())?;
        let mut again = is_read(&request).then(|| to_wire(request.clone(), &origin)).transpose()?;
        let wire = to_wire(request, &origin)?;
        let (mut sender, kept) = match self.take_idle(&origin) {
            Some(sender) => (sender, true),
            None => (self.0.network.open(&origin).await?, false),
        };
        let exchange = async {
            let answer = match sender.try_send_request(wire).await {
                Ok(answer) => answer,
                Err(mut refused) => match refused.take_message().or_else(|| again.take()) {
                    // The server closed the kept connection before a byte was written, or under a call that only reads.
                    Some(wire) if kept => {
                        sender = self.0.network.open(&origin).await?;
                        sender.send_request(wire).await.map_err(|error| Problem::exchange(&error))?
                    }
                    _ => return Err(Problem::exchange(refused.error())),
                },
            };
            let answer = collect(answer).await?;
            Ok((answer, sender))
        };
        let after = self.0.network.deadlines.operation;
        let (answer, sender) = timeout(left, exchange).await.map_err(|_| Problem::AnswerTimeout { after })??;
        self.keep(origin, sender);
        Ok(answer)
    }

    fn take_idle(&self, origin: &Origin) -> Option<Sender> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.get_mut(origin)?;
        senders.retain(|sender| !sender.is_closed());
        senders.pop()
    }

    fn keep(&self, origin: Origin, sender: Sender) {
        if !sender.is_closed() {
            let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.entry(origin).or_default().push(sender);
        }
    }

    fn note(&self, answer: &Response<Bytes>) {
        if is_router_page(answer.status().as_u16(), answer.body()) {
            return;
        }
        self.0.reached.store(true, Ordering::Relaxed);
        let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        if let Some(ahead) = date.and_then(|date| seconds_ahead(date, SystemTime::now())) {
            self.0.ahead.store(ahead, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        HttpConnectorFuture::new(async move {
            let request = from_sdk(request).await?;
            let host = request.uri().host().unwrap_or_default().to_owned();
            let answer = connector.send(request).await.map_err(|error| ConnectorError::other(error.into(), None))?;
            let answer = HttpResponse::try_from(answer.map(SdkBody::from));
            let mut answer = answer.map_err(|error| ConnectorError::user(error.into()))?;
            answer.add_extension(Asked(host));
            Ok(answer)
        })
    }
}

impl HttpClient for Connector {
    // The SDK's time-outs are off, so its settings say nothing: stages have their own here.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Whether a call changes nothing, by the name of its operation or, in REST, by its method.
fn is_read(request: &Request<Bytes>) -> bool {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()?.rsplit('.').next());
    let action = str::from_utf8(request.body()).ok().and_then(|body| body.strip_prefix("Action="));
    let is_looking = |name: &str| ["Describe", "Get", "List"].iter().any(|verb| name.starts_with(verb));
    request.method().is_safe() || target.or(action).is_some_and(is_looking)
}

fn is_starting(answer: &Response<Bytes>) -> bool {
    answer.status() == 503 || answer.status() == 500 && backend_refuses(&String::from_utf8_lossy(answer.body()))
}

async fn from_sdk(request: HttpRequest) -> Result<Request<Bytes>, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    Ok(Request::from_parts(parts, body))
}

/// Origin form and a Host header, as HTTP/1.1 wants them on a direct connection.
fn to_wire(request: Request<Bytes>, origin: &Origin) -> Result<Request<Full<Bytes>>, Problem> {
    let unsendable = |error: http::Error| Problem::Unsendable { detail: error.to_string() };
    let (mut parts, body) = request.into_parts();
    if !parts.headers.contains_key(header::HOST) {
        let host = HeaderValue::from_str(&origin.authority()).map_err(|error| unsendable(error.into()))?;
        parts.headers.insert(header::HOST, host);
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse::<Uri>().map_err(|error| unsendable(error.into()))?;
    Ok(Request::from_parts(parts, Full::new(body)))
}

async fn collect<B>(answer: Response<B>) -> Result<Response<Bytes>, Problem>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let (parts, body) = answer.into_parts();
    match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(collected) => Ok(Response::from_parts(parts, collected.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::TooLong { limit: LONGEST_BODY }),
        Err(error) => Err(Problem::Cut { detail: error.to_string() }),
    }
}

/// How far an HTTP date is ahead of `now`.
fn seconds_ahead(date: &str, now: SystemTime) -> Option<i64> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_second();
    let ours = jiff::Timestamp::try_from(now).ok()?.as_second();
    Some(theirs - ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_header_gives_the_difference_of_the_clocks() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(seconds_ahead("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(0));
        assert_eq!(seconds_ahead("Sun, 06 Nov 1994 08:59:37 GMT", now), Some(600));
        assert_eq!(seconds_ahead("yesterday", now), None);
    }

    #[test]
    fn a_read_is_told_by_its_name_or_its_method() {
        let by_target = |target| Request::post("/").header("x-amz-target", target).body(Bytes::new()).unwrap();
        assert!(is_read(&by_target("DynamoDB_20120810.DescribeTable")));
        assert!(!is_read(&by_target("DynamoDB_20120810.PutItem")));
        for (method, body, reads) in [
            ("GET", "", true),
            ("POST", "", false),
            ("POST", "Action=ListTopics", true),
            ("POST", "Action=Publish", false),
        ] {
            let request = Request::builder().method(method).body(Bytes::from_static(body.as_bytes())).unwrap();
            assert_eq!(is_read(&request), reads, "{method} {body}");
        }
    }

    #[test]
    fn the_host_header_carries_a_port_only_where_the_scheme_does_not_imply_it() {
        for (url, host) in [("https://sqs.x/", "sqs.x"), ("http://sqs.x:80/", "sqs.x"), ("http://x:4566/", "x:4566")] {
            let request = Request::get(url).body(Bytes::new()).unwrap();
            let origin = Origin::of(request.uri()).unwrap();
            let wire = to_wire(request, &origin).unwrap();
            assert_eq!(wire.headers()[header::HOST], host);
            assert_eq!(wire.uri(), "/");
        }
    }
}
