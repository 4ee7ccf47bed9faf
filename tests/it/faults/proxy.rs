//! A proxy between the tool and the real API server. Plain HTTP on loopback on the one side, the lab's API on the other.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::{Client, connect::Connect};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::ConfigExt as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::{Lab, lsdeploy};

/// What becomes of the request that a rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The tool is sent the signal when the request has come, which then is forwarded unless the signal is KILL.
    SignalBefore(Signal),
    /// The request is forwarded; when it is answered the tool is killed.
    KillAfter,
    /// The connection is cut; the API server has not seen the request.
    CutBefore,
    /// The connection is cut; the API server has carried the request out.
    CutAfter,
    /// It takes that long.
    Delay(Duration),
    /// The answer, without the API server: a status, and what `Retry-After` says.
    Answer(u16, Option<u64>),
    /// A watch ends with `410 Gone`; nothing else is changed.
    Gone,
    /// The answer never ends.
    Endless,
}

/// Which request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum When {
    /// The one of that number, from 1.
    Number(usize),
    /// The first so many of that kind (see [`kind`]).
    Kind(String, usize),
    /// All of that kind, and so of every kind where it is empty.
    All(String),
}

#[derive(Default)]
struct State {
    rule: Mutex<Option<(When, Fault)>>,
    seen: Mutex<Vec<String>>,
    hit: Mutex<Vec<String>>,
    tool: AtomicI32,
}

/// The proxy, and a kubeconfig that leads to it.
pub(crate) struct Proxy {
    state: Arc<State>,
    directory: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

type Body = BoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;
type Refused = Box<dyn std::error::Error + Send + Sync>;

impl Proxy {
    /// A proxy before the lab's API server that changes nothing yet.
    pub(crate) fn start(lab: &Lab) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let text = std::fs::read_to_string(lab.kubeconfig()).unwrap();
        let kubeconfig: serde_json::Value =
            serde_json::from_str(&lab.kubectl(&["config", "view", "--raw", "--minify", "--output", "json"])).unwrap();
        let token = kubeconfig.pointer("/users/0/user/token").and_then(|token| token.as_str()).unwrap().to_owned();
        let state = Arc::new(State::default());
        let address = runtime.block_on(serve(text, Arc::clone(&state)));
        let directory = tempfile::tempdir().unwrap();
        let file = serde_json::json!({"apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "admin", "user": {"token": token}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "admin"}}]});
        std::fs::write(directory.path().join("kubeconfig"), file.to_string()).unwrap();
        Self { state, directory, _runtime: runtime }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    /// What is to fail from now on; what was seen before is forgotten.
    pub(crate) fn arm(&self, rule: Option<(When, Fault)>) {
        *self.state.rule.lock().unwrap() = rule;
        self.state.seen.lock().unwrap().clear();
        self.state.hit.lock().unwrap().clear();
        self.state.tool.store(0, Ordering::SeqCst);
    }

    /// Starts the tool behind the proxy; signals of a rule go to it.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> std::process::Child {
        let mut command = lsdeploy(&self.kubeconfig(), arguments);
        if let Some(router) = std::env::var_os("ROUTER_ADDRESS").filter(|_| arguments[0] == "up") {
            command.arg("--router").arg(router);
        }
        let piped = std::process::Stdio::piped;
        let child = command.stdin(std::process::Stdio::null()).stdout(piped()).stderr(piped()).spawn().unwrap();
        self.state.tool.store(i32::try_from(child.id()).unwrap(), Ordering::SeqCst);
        child
    }

    /// Runs the tool behind the proxy to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> crate::lab::Ran {
        crate::lab::ran(&self.spawn(arguments).wait_with_output().unwrap())
    }

    /// The kinds of all requests since [`Self::arm`], in the order in which they came.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.seen.lock().unwrap().clone()
    }

    /// The requests that failed.
    pub(crate) fn hit(&self) -> Vec<String> {
        self.state.hit.lock().unwrap().clone()
    }
}

/// Method and resource: what a request is, whatever its names are.
pub(crate) fn kind(method: &Method, uri: &Uri) -> String {
    let path = uri.path().trim_start_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let (["api", "v1", rest @ ..] | ["apis", _, _, rest @ ..]) = parts.as_slice() else {
        return format!("{method} /{path}");
    };
    let rest = match rest {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        rest => rest,
    };
    let watches = uri.query().unwrap_or_default().contains("watch=");
    match (method, rest) {
        (_, []) => format!("{method} /{path}"),
        (&Method::GET, [resource]) if watches => format!("WATCH {resource}"),
        (&Method::GET, [resource]) => format!("LIST {resource}"),
        (_, [resource, ..]) => format!("{method} {resource}"),
    }
}

async fn serve(kubeconfig: String, state: Arc<State>) -> SocketAddr {
    let kubeconfig = kube::config::Kubeconfig::from_yaml(&kubeconfig).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    let client = Client::builder(TokioExecutor::new()).build(config.rustls_https_connector().unwrap());
    let server = config.cluster_url.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (client, server, state) = (client.clone(), server.clone(), Arc::clone(&state));
            let service =
                service_fn(move |request| handle(client.clone(), server.clone(), Arc::clone(&state), request));
            tokio::spawn(async move {
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

/// An error of the service is a connection that is cut.
async fn handle<C>(
    client: Client<C, Full<Bytes>>,
    server: Uri,
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refused>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let fault = state.judge(&kind(request.method(), request.uri()));
    match fault {
        None => forward(&client, &server, request).await,
        Some(Fault::SignalBefore(signal)) => {
            state.signal(signal).await;
            if signal == Signal::SIGKILL { Err("killed".into()) } else { forward(&client, &server, request).await }
        }
        Some(Fault::CutBefore) => Err("cut".into()),
        Some(fault @ (Fault::KillAfter | Fault::CutAfter)) => {
            let watches = request.uri().query().unwrap_or_default().contains("watch=");
            let answer = forward(&client, &server, request).await?;
            if !watches {
                answer.into_body().collect().await?;
            }
            if fault == Fault::KillAfter {
                state.signal(Signal::SIGKILL).await;
            }
            Err("cut".into())
        }
        Some(Fault::Delay(time)) => {
            tokio::time::sleep_until(tokio::time::Instant::now() + time).await;
            forward(&client, &server, request).await
        }
        Some(Fault::Answer(code, retry_after)) => Ok(refusal(code, retry_after)),
        Some(Fault::Gone) => {
            let gone = serde_json::json!({"type": "ERROR", "object": status(410)});
            Ok(Response::new(whole(format!("{gone}\n"))))
        }
        Some(Fault::Endless) => {
            let blanks = Bytes::from(vec![b' '; 65536]);
            let chunks = futures::stream::repeat_with(move || Ok(Frame::data(blanks.clone())));
            Ok(Response::new(StreamBody::new(chunks).boxed()))
        }
    }
}

impl State {
    /// Counts a request, and says what is to become of it.
    fn judge(&self, kind: &str) -> Option<Fault> {
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(kind.to_owned());
            seen.len()
        };
        let (when, fault) = self.rule.lock().unwrap().clone()?;
        let mut hit = self.hit.lock().unwrap();
        let hits = match when {
            When::Number(wanted) => wanted == number,
            When::Kind(wanted, times) => wanted == kind && hit.len() < times,
            When::All(wanted) => wanted.is_empty() || wanted == kind,
        };
        hits.then(|| hit.push(kind.to_owned()))?;
        Some(fault)
    }

    async fn signal(&self, signal: Signal) {
        // The first request may come before its sender's number is known here.
        let mut turns = tokio::time::interval(Duration::from_millis(1));
        loop {
            turns.tick().await;
            match self.tool.load(Ordering::SeqCst) {
                0 => {}
                pid => return kill(Pid::from_raw(pid), signal).unwrap_or_default(),
            }
        }
    }
}

async fn forward<C>(
    client: &Client<C, Full<Bytes>>,
    server: &Uri,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refused>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut uri = server.clone().into_parts();
    uri.path_and_query = parts.uri.path_and_query().cloned();
    parts.uri = Uri::from_parts(uri)?;
    parts.headers.remove(http::header::HOST);
    let answer = client.request(Request::from_parts(parts, Full::new(body))).await?;
    Ok(answer.map(|body| body.map_err(Into::into).boxed()))
}

fn refusal(code: u16, retry_after: Option<u64>) -> Response<Body> {
    let mut response = Response::new(whole(status(code).to_string()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    }
    response
}

/// What an API server says.
fn status(code: u16) -> serde_json::Value {
    let reason = match code {
        401 => "Unauthorized",
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    serde_json::json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("made up by a test: {reason}"), "reason": reason, "code": code})
}

fn whole(text: String) -> Body {
    Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {}).boxed()
}

/// Each kind once, in order.
pub(crate) fn distinct(seen: &[String]) -> Vec<String> {
    let mut known = BTreeSet::new();
    seen.iter().filter(|kind| known.insert((*kind).clone())).cloned().collect()
}

#[test]
fn kinds_are_told_apart() {
    for (method, uri, expected) in [
        (Method::GET, "/version", "GET /version"),
        (Method::GET, "/api/v1/namespaces/a", "GET namespaces"),
        (Method::GET, "/api/v1/namespaces/a/configmaps/b", "GET configmaps"),
        (Method::GET, "/api/v1/namespaces/a/pods?limit=500&labelSelector=x", "LIST pods"),
        (Method::GET, "/api/v1/namespaces/a/pods?watch=true", "WATCH pods"),
        (Method::PATCH, "/apis/apps/v1/namespaces/a/deployments/b?force=true", "PATCH deployments"),
        (Method::POST, "/apis/coordination.k8s.io/v1/namespaces/a/leases", "POST leases"),
    ] {
        assert_eq!(kind(&method, &uri.parse().unwrap()), expected);
    }
}
