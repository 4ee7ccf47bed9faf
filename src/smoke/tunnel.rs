//! A way through a proxy to a TLS port (RFC 9110, 9.3.6). Does network IO.

use std::time::Duration;

use http::{Request, header};
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::{body::Bytes, client::conn::http1, upgrade};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};

use super::{cause::shortened, proxy::Proxy, transport::Problem};

/// The longest page of a proxy that is read.
const LONGEST_PAGE: usize = 64 * 1024;

/// Has the proxy connect to `place`, a host with its port, and answer within `after`; what comes back carries TLS as a
/// direct connection would.
pub(super) async fn tunnel(
    stream: TcpStream,
    place: &str,
    proxy: &Proxy,
    after: Duration,
) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>, Problem> {
    let lost =
        |error: hyper::Error| Problem::Proxy { proxy: proxy.to_string(), problem: Box::new(Problem::exchange(&error)) };
    let mut request = Request::connect(place).header(header::HOST, place);
    if let Some(authorization) = &proxy.authorization {
        request = request.header(header::PROXY_AUTHORIZATION, authorization);
    }
    let request = request.body(Full::<Bytes>::default());
    let request = request.map_err(|error| Problem::Unsendable { detail: error.to_string() })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    tokio::spawn(connection.with_upgrades());
    let silent = || Problem::Proxy { proxy: proxy.to_string(), problem: Box::new(Problem::AnswerTimeout { after }) };
    let answer = timeout(after, sender.send_request(request)).await.map_err(|_| silent())?.map_err(lost)?;
    let status = answer.status();
    if !status.is_success() {
        let body = timeout(after, Limited::new(answer.into_body(), LONGEST_PAGE).collect()).await;
        let body = body.ok().and_then(Result::ok).map(Collected::to_bytes).unwrap_or_default();
        let page = title(&String::from_utf8_lossy(&body));
        let said = page.or_else(|| status.canonical_reason().map(str::to_owned)).unwrap_or_default();
        return Err(Problem::ProxyRefused { proxy: proxy.to_string(), status: status.as_u16(), said });
    }
    Ok(TokioIo::new(upgrade::on(answer).await.map_err(lost)?))
}

/// The title of a web page.
pub(super) fn title(page: &str) -> Option<String> {
    let start = page.find("<title>").or_else(|| page.find("<TITLE>"))? + "<title>".len();
    let end = page[start..].find("</").map_or(page.len(), |end| start + end);
    Some(shortened(&page[start..end])).filter(|title| !title.is_empty())
}
