//! Sends a request again when the API server is busy, breaks down or cannot be reached, for a bounded time, and says so.
//!
//! Every write that lsdeploy sends may be sent twice: server-side apply and patches say the same again, deletions carry
//! the uid, updates the resourceVersion, and whoever creates takes `AlreadyExists` as an answer. What streams (watches,
//! logs, exec) is left to its reader, which knows where to go on. Each answer is bounded in time and in size.

mod again;

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use kube::client::Body;
use tokio::time::{Instant, sleep_until, timeout};
use tower::{BoxError, Service, ServiceExt as _};

use super::Gate;
use crate::events::{Event, What};
use again::{Trouble, Verdict};

/// How long one answer may take, to its last byte.
const ANSWER: Duration = Duration::from_secs(30);
/// How large one answer may be: all pods of a large cluster fit in.
const LARGEST: usize = 256 << 20;

/// What the requests of one run share.
#[derive(Debug, Clone)]
pub struct Link {
    gate: Gate,
    /// How long a wait of this run may take: no request is tried again for longer.
    patience: Duration,
    events: tokio::sync::mpsc::WeakUnboundedSender<Event>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The server has answered before: it is there, and comes back.
    answered: AtomicBool,
    /// What was told last, and until when it stands.
    told: Mutex<Option<(String, Instant)>>,
}

impl Link {
    /// A link whose retries are told to `events` and end after `patience`.
    pub fn new(gate: Gate, patience: Duration, events: &tokio::sync::mpsc::UnboundedSender<Event>) -> Self {
        Self { gate, patience, events: events.downgrade(), shared: Arc::default() }
    }

    /// Many requests meet the same trouble at once: it is told once.
    fn tell(&self, text: &str, pause: Duration) {
        let mut told = self.shared.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if told.as_ref().is_some_and(|(last, until)| last == text && now < *until) {
            return;
        }
        *told = Some((text.to_owned(), now + pause));
        if let Some(sender) = self.events.upgrade() {
            let _ = sender.send(Event { env: String::new(), what: What::Note(text.to_owned()) });
        }
    }
}

/// The service that waits and asks again.
#[derive(Debug, Clone)]
pub(super) struct Patient<S> {
    inner: S,
    link: Link,
}

impl<S> Patient<S> {
    pub(super) fn new(inner: S, link: Link) -> Self {
        Self { inner, link }
    }
}

type Answer = Response<Either<Full<Bytes>, Incoming>>;

impl<S> Service<Request<Body>> for Patient<S>
where
    S: Service<Request<Body>, Response = Response<Incoming>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each try waits for its own copy of the service.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(send(self.inner.clone(), self.link.clone(), request))
    }
}

async fn send<S>(inner: S, link: Link, request: Request<Body>) -> Result<Answer, BoxError>
where
    S: Service<Request<Body>, Response = Response<Incoming>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    let streams = streams(&request);
    let begun = Instant::now();
    let mut tries = 0;
    loop {
        let Some(copy) = copy(&request).filter(|_| !streams) else {
            return attempt(inner, &link, request, streams).await;
        };
        let answer = attempt(inner.clone(), &link, copy, streams).await;
        tries += 1;
        let answered = link.shared.answered.fetch_or(answer.is_ok(), Ordering::Relaxed);
        let Some(trouble) = trouble(&answer) else { return answer };
        match again::judge(&trouble, tries, begun.elapsed(), answered, link.patience) {
            Verdict::GiveUp => return answer,
            Verdict::Again(pause) => {
                if pause > Duration::from_secs(1) {
                    link.tell(&again::words(&trouble, pause), pause);
                }
                sleep_until(Instant::now() + pause).await;
            }
        }
    }
}

/// One try, to the last byte of its answer.
async fn attempt<S>(inner: S, link: &Link, request: Request<Body>, streams: bool) -> Result<Answer, BoxError>
where
    S: Service<Request<Body>, Response = Response<Incoming>> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    let passage = if writes(&request) { Some(link.gate.enter().await) } else { None };
    let answer = async {
        let response = inner.oneshot(request).await.map_err(Into::into)?;
        let (parts, body) = response.into_parts();
        if streams && (parts.status.is_success() || parts.status == StatusCode::SWITCHING_PROTOCOLS) {
            return Ok(Response::from_parts(parts, Either::Right(body)));
        }
        let body = Limited::new(body, LARGEST).collect().await.map_err(too_large)?;
        Ok(Response::from_parts(parts, Either::Left(Full::new(body.to_bytes()))))
    };
    let answer = timeout(ANSWER, answer).await;
    drop(passage);
    answer.unwrap_or_else(|_| Err(again::Silent { seconds: ANSWER.as_secs() }.into()))
}

fn too_large(error: BoxError) -> BoxError {
    if error.is::<LengthLimitError>() {
        return format!("its answer is larger than {} MiB", LARGEST >> 20).into();
    }
    error
}

/// Watches, logs and what runs in a pod go on for as long as they are read.
fn streams(request: &Request<Body>) -> bool {
    let path = request.uri().path();
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|part| part.starts_with("watch=") || part.starts_with("follow="))
        || path.contains("/api/v1/watch/")
        || ["/log", "/exec", "/attach", "/portforward"].iter().any(|end| path.ends_with(end))
}

/// Reviews only ask.
fn writes(request: &Request<Body>) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD) && !request.uri().path().ends_with("reviews")
}

/// The same request once more; a body that streams cannot be had twice.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    request.method().clone_into(copy.method_mut());
    request.uri().clone_into(copy.uri_mut());
    request.headers().clone_into(copy.headers_mut());
    request.extensions().clone_into(copy.extensions_mut());
    Some(copy)
}

/// What is wrong with an answer, where asking again may help.
fn trouble(answer: &Result<Answer, BoxError>) -> Option<Trouble> {
    match answer {
        Ok(response) => {
            let asked = response.headers().get(http::header::RETRY_AFTER);
            let seconds = asked.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            Trouble::of_status(response.status(), seconds)
        }
        Err(error) => Trouble::of_error(error),
    }
}
