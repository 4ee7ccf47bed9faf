//! A master of OpenShift 3.11 in front of Kubernetes 1.20: what came after Kubernetes 1.11 is refused, ignored or dropped
//! in silence, as a server of that time would.
//!
//! ```text
//! client ─ TLS ─► judge (pure: refuse, answer, pass) ─► without newer fields ─► API server ─► without newer fields ─► client
//! ```
//! Callers are told apart by their tokens, which pass through; so the API server's audit log names them.

mod answers;
mod fields;
mod rules;
mod tunnel;

use crate::cluster;
use crate::failure::{Attempt as _, Failure};
use crate::{log, tls};
use answers::{refused, status, unreachable};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use futures::{StreamExt as _, stream};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt as _;
use rules::Verdict;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// More than any object may have.
const LARGEST_BODY: usize = 64 << 20;

/// `lsdeploy-lab old`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The cluster, as its administrator
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Where to serve HTTPS
    #[arg(long)]
    listen: SocketAddr,
    /// Certificate chain for the address, PEM
    #[arg(long)]
    cert: PathBuf,
    /// Private key of the certificate, PEM
    #[arg(long)]
    key: PathBuf,
}

/// The server behind.
struct Behind {
    /// Sends a request on.
    send: Box<dyn Fn(Request) -> Answered + Send + Sync>,
    server: Uri,
    /// Asks on the proxy's own behalf.
    client: kube::Client,
}

type Answered = futures::future::BoxFuture<'static, Result<hyper::Response<Incoming>, String>>;

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = cluster::connect(&args.kubeconfig).await?;
    let config = cluster::config(&args.kubeconfig).await?;
    let server = config.cluster_url.clone();
    let connector =
        config.rustls_https_connector().attempting("prepare TLS to the API server", "start the lab again")?;
    let http: Client<_, Body> = Client::builder(TokioExecutor::new()).build(connector);
    let send = Box::new(move |request| -> Answered {
        let answer = http.request(request);
        Box::pin(async move { answer.await.map_err(|error| format!("{error:?}")) })
    });
    let acceptor = tls::acceptor(&args.cert, &args.key, None)?;
    let listener = tls::listen(args.listen, acceptor).await?;
    let app = Router::new().fallback(handle).with_state(Arc::new(Behind { send, server, client }));
    log::line("old-serving", &[("address", &args.listen.to_string())]);
    tls::serve(listener, app).await
}

async fn handle(State(behind): State<Arc<Behind>>, request: Request) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match rules::judge(request.method(), request.uri().path(), kind) {
        Verdict::Unknown => status(404, "NotFound", "the server could not find the requested resource"),
        Verdict::NoSuchPatch => status(415, "UnsupportedMediaType", rules::PATCHES),
        Verdict::WhoAmI => who_am_i(&behind, request.headers()).await,
        Verdict::Pass => pass(&behind, request).await.unwrap_or_else(|why| unreachable(&why)),
    }
}

/// Sends a request on and its answer back.
async fn pass(behind: &Behind, request: Request) -> Result<Response, String> {
    let watches = rules::is_watch(request.uri());
    let path = request.uri().path().to_owned();
    if request.headers().contains_key(header::UPGRADE) {
        return tunnel::open(behind, request).await;
    }
    let (mut parts, body) = request.into_parts();
    parts.uri = rules::behind(&behind.server, &parts.uri)?;
    let body = to_bytes(body, LARGEST_BODY).await.map_err(|error| error.to_string())?;
    let body = if rules::is_json(&parts.headers) { older(&body, fields::strip) } else { body };
    trim(&mut parts.headers);
    let answer = (behind.send)(Request::from_parts(parts, Body::from(body))).await?;
    let (mut parts, body) = answer.into_parts();
    trim(&mut parts.headers);
    let body = match (rules::is_json(&parts.headers), watches) {
        (false, _) => Body::new(body),
        (true, true) => line_by_line(body),
        (true, false) => {
            let whole = to_bytes(Body::new(body), LARGEST_BODY).await.map_err(|error| error.to_string())?;
            Body::from(older(&whole, |value| {
                fields::strip(value);
                answers::rewrite(&path, value);
            }))
        }
    };
    Ok(Response::from_parts(parts, body))
}

/// Headers of one connection, and a length that may change.
fn trim(headers: &mut HeaderMap) {
    for name in [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers.remove(header::ACCEPT_ENCODING);
}

/// JSON as changed by `change`; what is no JSON stays.
fn older(body: &Bytes, change: impl FnOnce(&mut Value)) -> Bytes {
    let Ok(mut value) = serde_json::from_slice(body) else { return body.clone() };
    change(&mut value);
    Bytes::from(value.to_string())
}

/// A watch: one object per line, each as soon as it is there.
fn line_by_line(body: Incoming) -> Body {
    let chunks = Body::new(body).into_data_stream();
    Body::from_stream(stream::try_unfold((chunks, Vec::new()), async |(mut chunks, mut rest)| {
        loop {
            if let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') {
                let tail = rest.split_off(end + 1);
                let mut lines = Vec::new();
                for line in rest.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    lines.extend_from_slice(&older(&Bytes::copy_from_slice(line), fields::strip));
                    lines.push(b'\n');
                }
                return Ok::<_, axum::Error>(Some((Bytes::from(lines), (chunks, tail))));
            }
            match chunks.next().await {
                Some(chunk) => rest.extend_from_slice(&chunk?),
                None => return Ok(None),
            }
        }
    }))
}

/// `users/~` of OpenShift's user API: who the token belongs to.
async fn who_am_i(behind: &Behind, headers: &HeaderMap) -> Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match answers::user(&behind.client, token.unwrap_or_default()).await {
        Ok(user) => answers::json(&user),
        Err(why) => refused(&why),
    }
}
