//! A request as the SDK gives it, as HTTP/1.1 wants it, and an answer as the SDK takes it. Reads bodies.

use aws_smithy_runtime_api::client::{orchestrator::HttpRequest, result::ConnectorError};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};

use crate::smoke::{
    dial::{Forward, Origin},
    transport::Problem,
};

/// No answer of a smoke test is near this size; a wrong server's may be endless.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// A request with its whole body.
pub(super) async fn from_sdk(request: HttpRequest) -> Result<Request<Bytes>, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    Ok(Request::from_parts(parts, body))
}

/// A Host header, and the form that HTTP/1.1 wants: a path on a direct connection and in a tunnel, the whole URL where a
/// proxy passes the request on.
pub(super) fn to_wire(
    request: Request<Bytes>,
    origin: &Origin,
    forward: Option<&Forward>,
) -> Result<Request<Full<Bytes>>, Problem> {
    let unsendable = |error: http::Error| Problem::Unsendable { detail: error.to_string() };
    let (mut parts, body) = request.into_parts();
    if !parts.headers.contains_key(header::HOST) {
        let host = HeaderValue::from_str(&origin.authority()).map_err(|error| unsendable(error.into()))?;
        parts.headers.insert(header::HOST, host);
    }
    if let Some(forward) = forward {
        // Proxies hang up after an answer without saying so, and some read no chunks; the body has a length here.
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        parts.headers.remove(header::TRANSFER_ENCODING);
        if let Some(authorization) = &forward.authorization {
            let value = HeaderValue::from_str(authorization).map_err(|error| unsendable(error.into()))?;
            parts.headers.insert(header::PROXY_AUTHORIZATION, value);
        }
        return Ok(Request::from_parts(parts, Full::new(body)));
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse::<Uri>().map_err(|error| unsendable(error.into()))?;
    Ok(Request::from_parts(parts, Full::new(body)))
}

/// An answer with its whole body.
pub(super) async fn collect<B>(answer: Response<B>, may_be_cut: bool) -> Result<Response<Bytes>, Problem>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let (parts, body) = answer.into_parts();
    match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(collected) => Ok(Response::from_parts(parts, collected.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::TooLong { limit: LONGEST_BODY }),
        Err(_) if may_be_cut => Ok(Response::from_parts(parts, Bytes::new())),
        Err(error) => Err(Problem::Cut { detail: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_header_carries_a_port_only_where_the_scheme_does_not_imply_it() {
        for (url, host) in [("https://sqs.x/", "sqs.x"), ("http://sqs.x:80/", "sqs.x"), ("http://x:4566/", "x:4566")] {
            let request = Request::get(url).body(Bytes::new()).unwrap();
            let origin = Origin::of(request.uri()).unwrap();
            let wire = to_wire(request, &origin, None).unwrap();
            assert_eq!(wire.headers()[header::HOST], host);
            assert_eq!(wire.uri(), "/");
        }
    }

    #[test]
    fn a_proxy_that_passes_requests_on_sees_the_whole_url() {
        let request = Request::get("http://sqs.x/path?a=b").body(Bytes::new()).unwrap();
        let origin = Origin::of(request.uri()).unwrap();
        let forward = Forward { authorization: Some("Basic bWU=".to_owned()) };
        let wire = to_wire(request, &origin, Some(&forward)).unwrap();
        assert_eq!(wire.uri(), "http://sqs.x/path?a=b");
        assert_eq!(
            (&wire.headers()[header::HOST], &wire.headers()["proxy-authorization"]),
            (&HeaderValue::from_static("sqs.x"), &HeaderValue::from_static("Basic bWU="))
        );
    }
}
