//! The SDK's way to the network: hyper on connections opened here, so that each stage fails with its own error.
//! Does network IO.
//!
//! A proxy is passed only where the options name one; nothing is read from the environment here.

mod wire;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
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
use http::{Request, Response, header};
use hyper::body::Bytes;
use tokio::time::timeout;

use self::wire::{collect, from_sdk, to_wire};
use super::{
    cause::Answer,
    diagnose::{is_page, is_router_page},
    dial::{Link, Network, Origin},
    parts::backend_refuses,
    shared::Reached,
    transport::{Peer, Problem, TransportError},
};

/// Pause between two looks at a service that is starting.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Connections of one service's check; clones share them.
#[derive(Clone)]
pub(super) struct Connector(Arc<Inner>);

struct Inner {
    network: Arc<Network>,
    idle: Mutex<HashMap<Origin, Vec<Link>>>,
    /// Seconds by which the emulator's clock is ahead of ours, from the last `Date` header.
    ahead: AtomicI64,
    reached: Arc<Reached>,
}

/// Attached to every answer: the host of the URL that was asked, and who answered.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) host: String,
    pub(super) peer: Peer,
}

impl Connector {
    /// `reached` is shared by all services of a run and knows of every answer that may be an emulator's.
    pub(super) fn new(network: Arc<Network>, reached: Arc<Reached>) -> Self {
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
    /// emulator that is starting, for as long as `settle` allows; and a request under which a kept connection ended
    /// without a byte of an answer, as idle ones end when the router reloads: curl sends it again too. The SDK's own
    /// retries are off: they would repeat calls that took effect, and hide flaky answers.
    #[expect(clippy::disallowed_methods, reason = "a wait for the router's next reload, with its deadline")]
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let deadlines = &self.0.network.deadlines;
        let started = Instant::now();
        loop {
            let left = deadlines.operation.saturating_sub(started.elapsed());
            let answer = self.once(request.clone(), left).await?;
            let waited = started.elapsed() + LOOK_AGAIN;
            if !is_starting(&answer) || waited > deadlines.settle.min(deadlines.operation) {
                return Ok(answer);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Sends a request once, whatever comes of it.
    pub(super) async fn look(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let left = self.0.network.deadlines.operation;
        self.once(request, left).await
    }

    async fn once(&self, request: Request<Bytes>, left: Duration) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let failed = |peer: Option<&Peer>, problem| TransportError {
            host: host.clone(),
            peer: peer.cloned().map(Box::new),
            problem,
        };
        let origin = Origin::of(request.uri()).map_err(|problem| failed(None, problem))?;
        let (mut link, again) = match self.take_idle(&origin) {
            Some(link) => (link, Some(request.clone())),
            None => (self.0.network.open(&origin).await?, None),
        };
        let write = |request| to_wire(request, &origin, link.forward.as_ref()).map_err(|problem| failed(None, problem));
        let wire = write(request)?;
        let mut again = again.map(write).transpose()?;
        let exchange = async {
            let answer = match link.sender.try_send_request(wire).await {
                Ok(answer) => answer,
                Err(refused) => match again.take() {
                    // The kept connection was closed from the other end, before or under the request.
                    Some(wire) => {
                        link = self.0.network.open(&origin).await?;
                        let sent = link.sender.send_request(wire).await;
                        sent.map_err(|error| failed(Some(&link.peer), Problem::exchange(&error)))?
                    }
                    None => return Err(failed(Some(&link.peer), Problem::exchange(refused.error()))),
                },
            };
            // A proxy that refuses may hang up before its page is through; its status says enough.
            let may_be_cut =
                link.forward.is_some() && (answer.status().is_client_error() || answer.status().is_server_error());
            match collect(answer, may_be_cut).await {
                Ok(answer) => Ok(answer),
                Err(problem) => Err(failed(Some(&link.peer), problem)),
            }
        };
        let after = self.0.network.deadlines.operation;
        let answer = match timeout(left, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(failed(Some(&link.peer), Problem::AnswerTimeout { after })),
        };
        let mut answer = answer?;
        self.note(&answer, &link.peer);
        answer.extensions_mut().insert(Asked { host: host.clone(), peer: link.peer.clone() });
        self.keep(origin, link);
        Ok(answer)
    }

    fn take_idle(&self, origin: &Origin) -> Option<Link> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let links = idle.get_mut(origin)?;
        links.retain(|link| !link.sender.is_closed());
        links.pop()
    }

    fn keep(&self, origin: Origin, link: Link) {
        if !link.sender.is_closed() && link.forward.is_none() {
            let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.entry(origin).or_default().push(link);
        }
    }

    fn note(&self, answer: &Response<Bytes>, peer: &Peer) {
        if is_router_page(answer.status().as_u16(), answer.body()) {
            return;
        }
        if !is_page(answer.body()) {
            self.0.reached.note(peer.address.ip());
        }
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
            let answer = connector.send(request).await.and_then(no_page);
            let answer = answer.map_err(|error| ConnectorError::other(error.into(), None))?;
            let asked = answer.extensions().get::<Asked>().cloned();
            let answer = HttpResponse::try_from(answer.map(SdkBody::from));
            let mut answer = answer.map_err(|error| ConnectorError::user(error.into()))?;
            if let Some(asked) = asked {
                answer.add_extension(asked);
            }
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

fn is_starting(answer: &Response<Bytes>) -> bool {
    answer.status() == 503 || answer.status() == 500 && backend_refuses(&String::from_utf8_lossy(answer.body()))
}

/// Where an answer has no body, the SDK takes a web page for success.
fn no_page(answer: Response<Bytes>) -> Result<Response<Bytes>, TransportError> {
    let asked = answer.extensions().get::<Asked>().cloned();
    let Some(Asked { host, peer }) = asked.filter(|_| answer.status().is_success() && is_page(answer.body())) else {
        return Ok(answer);
    };
    let server = answer.headers().get(header::SERVER).and_then(|server| server.to_str().ok());
    let seen = Answer {
        host: host.clone(),
        status: answer.status().as_u16(),
        body: String::from_utf8_lossy(answer.body()).into_owned(),
        peer: Some(peer.clone()),
        server: server.map(str::to_owned),
        ..Answer::default()
    };
    Err(TransportError { host, peer: Some(Box::new(peer)), problem: Problem::Page(Box::new(seen)) })
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
}
