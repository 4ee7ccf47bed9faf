//! What a check file works with: one service's clients, steps, comparisons and undo steps. Does network IO.

mod compare;
mod ending;

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_types::SdkConfig;
use futures::future::BoxFuture;
use http::Request;
use hyper::body::Bytes;

pub(super) use self::compare::mismatch;
use super::{
    cause::{Answer, Cause},
    clients::settings,
    clocks::with_clocks,
    connector::{Asked, Connector},
    diagnose::{Failure, Place, diagnose},
    options::{Companions, Options, Target, host_of, is_real_aws},
    result::{Operation, ServiceResult, millis},
    shared::Shared,
};
use crate::finding::{Phase, code};

/// First and longest pause between two polls.
const POLL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// One service under test.
pub(super) struct Run {
    pub(super) shared: Arc<Shared>,
    pub(super) target: Target,
    pub(super) connector: Connector,
    started: Instant,
    operations: Vec<Operation>,
    undo: Vec<(&'static str, BoxFuture<'static, Result<(), Cause>>)>,
    current: Option<(&'static str, Instant)>,
}

impl Run {
    pub(super) fn new(shared: Arc<Shared>, target: Target) -> Self {
        let connector = Connector::new(Arc::clone(&shared.network), Arc::clone(&shared.reached));
        let started = Instant::now();
        Self { shared, target, connector, started, operations: Vec::new(), undo: Vec::new(), current: None }
    }

    /// `lsdeploy-<run id>-<service>`: the name of whatever the check creates.
    pub(super) fn name(&self) -> String {
        self.name_ending(&self.target.service)
    }

    /// A name of the same kind with another end, where the service allows fewer characters.
    pub(super) fn name_ending(&self, end: &str) -> String {
        format!("lsdeploy-{}-{end}", self.options().run_id)
    }

    /// Region of the run.
    pub(super) fn region(&self) -> &str {
        &self.options().region
    }

    /// Scheme, host and port of the service under test, without a slash at the end.
    pub(super) fn url(&self) -> &str {
        self.target.url.trim_end_matches('/')
    }

    /// Settings for a client of the service under test.
    pub(super) fn sdk(&self) -> SdkConfig {
        self.config(self.url())
    }

    /// Settings for a client of another service: at its own target, else at this service's URL.
    pub(super) fn sdk_for(&self, service: &str) -> SdkConfig {
        let target = self.shared.targets.iter().find(|target| target.service == service);
        match (self.options().companions, target) {
            (Companions::Targets, Some(target)) => self.config(&target.url),
            _ => self.sdk(),
        }
    }

    /// Settings for a client that goes where a URL out of an answer leads: to its scheme, host and port.
    pub(super) fn sdk_at(&self, returned: &str) -> Result<SdkConfig, Failure> {
        let origin = host_of(returned).filter(|host| !is_real_aws(host)).and_then(|_| {
            let uri: http::Uri = returned.parse().ok()?;
            Some(format!("{}://{}", uri.scheme()?, uri.authority()?))
        });
        origin.map(|origin| self.config(&origin)).ok_or_else(|| {
            Failure::new(
                Phase::Data,
                code::RETURNED_URL_UNREACHABLE,
                format!("the emulator returned `{returned}`, which leads to no emulator"),
                "set the emulator's own host (for LocalStack LOCALSTACK_HOST) to a Route's",
            )
        })
    }

    /// Whether `service` is among the targets.
    pub(super) fn has(&self, service: &str) -> bool {
        self.shared.targets.iter().any(|target| target.service == service)
    }

    /// Makes a call, records it, and turns its error into a finding.
    ///
    /// The SDK's futures are tens of kilobytes large, so this and the other verbs keep them on the heap.
    pub(super) fn step<T, C: Into<Cause>>(
        &mut self,
        name: &'static str,
        call: impl Future<Output = Result<T, C>>,
    ) -> impl Future<Output = Result<T, Failure>> {
        let call = Box::pin(call);
        async move {
            self.go_on(name)?;
            let started = self.begin(name);
            let outcome = call.await;
            self.record(name, started, outcome.is_ok());
            outcome.map_err(|error| self.diagnose(name, &error.into()))
        }
    }

    /// Makes a call that must be refused with `expected`.
    pub(super) fn refused<T, C: Into<Cause>>(
        &mut self,
        name: &'static str,
        expected: &str,
        call: impl Future<Output = Result<T, C>>,
    ) -> impl Future<Output = Result<(), Failure>> {
        let call = Box::pin(call);
        async move {
            self.go_on(name)?;
            let started = self.begin(name);
            let outcome = call.await.map_err(Into::into);
            let as_expected = outcome.as_ref().is_err_and(|cause| cause.code() == Some(expected));
            self.record(name, started, as_expected);
            match outcome {
                Err(_) if as_expected => Ok(()),
                Err(cause) => Err(self.diagnose(name, &cause)),
                Ok(_) => Err(mismatch(format!("`{name}` was accepted; it must be refused with {expected}"))),
            }
        }
    }

    /// Repeats a call until `pick` finds what it looks for in the answer, for as long as one operation may take.
    #[expect(clippy::disallowed_methods, reason = "this is the wait for a condition, with its deadline")]
    pub(super) async fn until<T, U, C, F>(
        &mut self,
        name: &'static str,
        what: &str,
        call: impl Fn() -> F,
        pick: impl Fn(T) -> Option<U>,
    ) -> Result<U, Failure>
    where
        C: Into<Cause>,
        F: Future<Output = Result<T, C>>,
    {
        let started = self.begin(name);
        let patience = self.options().deadlines.operation;
        let (mut pause, longest) = POLL;
        let outcome = loop {
            if let Err(stopped) = self.go_on(name) {
                break Err(stopped);
            }
            match Box::pin(call()).await.map(&pick) {
                Ok(Some(found)) => break Ok(found),
                Ok(None) => {}
                Err(error) => break Err(self.diagnose(name, &error.into())),
            }
            if started.elapsed() + pause > patience {
                break Err(mismatch(format!("`{name}` did not show {what} within {patience:?}")));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        };
        self.record(name, started, outcome.is_ok());
        outcome
    }

    /// Gets a page the way a browser would: no SDK, no signature.
    pub(super) async fn fetch(&mut self, name: &'static str, url: &str) -> Result<String, Failure> {
        let connector = self.connector.clone();
        let host = host_of(url).unwrap_or_default();
        let request = Request::get(url).body(Bytes::new());
        self.step(name, async move {
            let request = request.map_err(|error| Cause::unsendable(&host, &error))?;
            let answer = connector.send(request).await?;
            let (status, success) = (answer.status().as_u16(), answer.status().is_success());
            let peer = answer.extensions().get::<Asked>().map(|asked| asked.peer.clone());
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            if success {
                Ok(body)
            } else {
                Err(Cause::Answer(Box::new(Answer { host, status, body, peer, ..Answer::default() })))
            }
        })
        .await
    }

    /// True when the emulator is known not to do `operation`: recorded with the reason, and left out by the check.
    pub(super) fn skips(&mut self, operation: &'static str) -> bool {
        let Some(reason) = self.shared.limit(&self.target.service, operation) else { return false };
        self.skip(operation, reason);
        true
    }

    /// Records that `operation` is left out, and why.
    pub(super) fn skip(&mut self, operation: &'static str, reason: String) {
        self.operations.push(Operation { name: operation.to_owned(), ms: 0, ok: false, skipped: Some(reason) });
    }

    /// Adds a call that was made on the way.
    pub(super) fn add(&mut self, operation: Operation) {
        self.operations.push(operation);
    }

    /// The result, once steps and clean-up are through.
    pub(super) fn finish(self, outcome: Result<(), Failure>) -> ServiceResult {
        let mut failure = with_clocks(outcome, self.connector.clock_ahead()).err();
        if let Some(Failure { finding, .. }) = &mut failure {
            finding.hint = self.shared.options.way.pasteable(&finding.hint);
        }
        ServiceResult::checked(self.target, self.operations, millis(self.started), failure)
    }

    pub(super) fn options(&self) -> &Options {
        &self.shared.options
    }

    fn config(&self, url: &str) -> SdkConfig {
        settings(url, self.options(), self.connector.clone())
    }

    fn begin(&mut self, name: &'static str) -> Instant {
        let started = Instant::now();
        self.current = Some((name, started));
        started
    }

    fn record(&mut self, name: &'static str, started: Instant, ok: bool) {
        self.current = None;
        self.operations.push(Operation { name: name.to_owned(), ms: millis(started), ok, skipped: None });
    }

    fn diagnose(&self, operation: &str, cause: &Cause) -> Failure {
        let place = Place {
            operation: operation.to_owned(),
            service: self.target.service.clone(),
            hosts: self.shared.hosts().collect(),
            emulator_reached: self.shared.reached.any(),
            emulators: self.shared.reached.addresses(),
            admitted: self.options().admitted,
            env: self.options().env.clone(),
        };
        diagnose(&place, cause)
    }
}
