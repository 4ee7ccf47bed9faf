//! What the router says itself, where the emulator does not. Pure.

use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;

use super::Body;
use super::hosts::Hosts;

/// No such host. The words are those of OpenShift's router, so that clients (our smoke tests among them) know the page.
pub(super) fn unknown(hosts: &Hosts, asked: &str) -> Response<Body> {
    let known: Vec<String> = hosts.all().map(|host| format!("<li>http://{host}</li>")).collect();
    let text = format!(
        "<!DOCTYPE html>\n<html><head><title>Application is not available</title></head><body>\n\
         <h1>Application is not available</h1>\n\
         <p>The router of the local environment <b>{}</b> knows no host <b>{}</b>. It knows these, and buckets before the \
         host of s3:</p>\n<ul>\n{}\n</ul>\n</body></html>\n",
        hosts.env(),
        escaped(asked),
        known.join("\n")
    );
    page(StatusCode::SERVICE_UNAVAILABLE, "text/html; charset=utf-8", text)
}

/// The emulator does not answer, and may soon.
pub(super) fn away(env: &str, why: &str) -> Response<Body> {
    let text = format!("The emulator of {env} does not answer: {why}.\n");
    let mut answer = page(StatusCode::SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", text);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

/// The emulator broke off.
pub(super) fn broken(env: &str, error: &dyn std::error::Error) -> Response<Body> {
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    page(StatusCode::BAD_GATEWAY, "text/plain; charset=utf-8", format!("The emulator of {env} broke off: {why}.\n"))
}

/// A request that cannot be passed on.
pub(super) fn unreadable() -> Response<Body> {
    page(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", "The host or the path cannot be read.\n".to_owned())
}

fn page(status: StatusCode, content: &'static str, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
    answer.headers_mut().insert(header::SERVER, HeaderValue::from_static("lsdeploy"));
    answer
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::EnvName;

    #[tokio::test]
    async fn the_page_of_an_unknown_host_names_those_there_are() {
        let hosts = Hosts::new(EnvName::parse("team1").unwrap(), vec!["sqs".into()], 4566);
        let answer = unknown(&hosts, "<x>.team1.localhost");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body);
        for word in ["Application is not available", "sqs.team1.localhost:4566", "edge.team1", "&lt;x&gt;.team1"] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}
