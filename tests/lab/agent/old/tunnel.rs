//! Requests that become streams (`exec`, `port-forward`): bytes are carried both ways, as they are.

use super::{Behind, rules};
use crate::log;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

pub(super) async fn open(behind: &Behind, mut request: Request) -> Result<Response, String> {
    let of_client = hyper::upgrade::on(&mut request);
    let (mut parts, _) = request.into_parts();
    parts.uri = rules::behind(&behind.server, &parts.uri)?;
    parts.headers.remove(header::HOST);
    let mut answer = (behind.send)(Request::from_parts(parts, Body::empty())).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(answer.map(Body::new));
    }
    let of_server = hyper::upgrade::on(&mut answer);
    tokio::spawn(async move {
        let carried = async {
            let (client, server) = tokio::try_join!(of_client, of_server).map_err(|error| error.to_string())?;
            let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
            copy_bidirectional(&mut client, &mut server).await.map_err(|error| error.to_string())
        };
        if let Err(why) = carried.await {
            log::line("old-tunnel", &[("why", &why)]);
        }
    });
    Ok(answer.map(|_| Body::empty()))
}
