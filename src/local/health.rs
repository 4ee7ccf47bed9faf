//! Asks an emulator whether it answers: one GET. Does network IO.

use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether `GET path` at `address` (`host:port`) is answered with 200.
///
/// # Errors
/// What came instead.
pub async fn check(address: &str, path: &str) -> Result<(), String> {
    let asked = timeout(PATIENCE, status(address, path)).await;
    match asked.map_err(|_| format!("no answer from {address} within {PATIENCE:?}"))?? {
        StatusCode::OK => Ok(()),
        other => Err(format!("{address} answers {path} with {other}")),
    }
}

async fn status(address: &str, path: &str) -> Result<StatusCode, String> {
    let failed = |error: &dyn std::error::Error| format!("{address} does not answer: {error}");
    let stream = TcpStream::connect(address).await.map_err(|error| failed(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    let request = Request::get(path).header(header::HOST, address).header(header::CONNECTION, "close");
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| failed(&error))?;
    let exchange = async { sender.send_request(request).await.map(|answer| answer.status()) };
    tokio::pin!(exchange);
    let answered = tokio::select! {
        answered = &mut exchange => answered,
        _ = connection => exchange.await,
    };
    answered.map_err(|error| failed(&error))
}
