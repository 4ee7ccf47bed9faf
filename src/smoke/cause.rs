//! What came of a failed call, as plain values, from any SDK's error. Pure.

use std::error::Error;

use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::Headers,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    connector::Asked,
    diagnose::is_page,
    transport::{Peer, Problem, TransportError, Via},
    tunnel::title,
};

/// The longest text taken over from an answer, in characters.
const LONGEST: usize = 400;

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// No complete answer.
    Transport(TransportError),
    /// An answer that says no, or that the SDK cannot read.
    Answer(Box<Answer>),
    /// The SDK could not make a request of it.
    Unsent(String),
}

/// An answer, with what the SDK read from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Host of the URL that was asked.
    pub(super) host: String,
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) body: String,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) request_id: Option<String>,
    /// Why the SDK could not read it.
    pub(super) unread: Option<String>,
    /// Who answered.
    pub(super) peer: Option<Peer>,
    /// The program that says to have answered (`Server`).
    pub(super) server: Option<String>,
    /// A proxy says that the answer is its own, not one that it passed on.
    pub(super) is_proxys: bool,
}

impl Answer {
    /// The emulator's words: code, message, status, request id.
    pub(super) fn said(&self) -> String {
        let code = self.code.as_deref().unwrap_or("no error code");
        let text = shortened(self.message.as_deref().unwrap_or(&self.body));
        let request = self.request_id.as_ref().map_or(String::new(), |id| format!(", request {id}"));
        format!("{code}: {text} (HTTP {}{request})", self.status)
    }

    /// Message and body, for patterns.
    pub(super) fn text(&self) -> String {
        format!("{}\n{}", self.message.as_deref().unwrap_or_default(), self.body)
    }

    /// True for HTML.
    pub(super) fn is_page(&self) -> bool {
        is_page(self.body.as_bytes())
    }

    /// Where it came from, for people: ` from 10.0.0.1:443`.
    pub(super) fn from(&self) -> String {
        self.peer.as_ref().map_or_else(String::new, |peer| format!(" from {peer}"))
    }

    /// Status, title and server of a web page.
    pub(super) fn page(&self) -> String {
        let title = title(&self.body).map_or_else(String::new, |title| format!(", \"{title}\""));
        let server = self.server.as_ref().map_or_else(String::new, |server| format!(", Server: {}", shortened(server)));
        format!("HTTP {}{title}{server}", self.status)
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Cause
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        match &error {
            SdkError::DispatchFailure(failure) => {
                let source = failure.as_connector_error().and_then(Error::source);
                match source.and_then(|source| source.downcast_ref::<TransportError>()) {
                    Some(TransportError { problem: Problem::Page(answer), .. }) => Self::Answer(answer.clone()),
                    Some(error) => Self::Transport(error.clone()),
                    None => Self::Unsent(chain(&error)),
                }
            }
            SdkError::ServiceError(context) => {
                let meta = context.err().meta();
                Self::Answer(Box::new(Answer {
                    code: meta.code().map(str::to_owned),
                    message: meta.message().map(str::to_owned),
                    ..seen(context.raw())
                }))
            }
            SdkError::ResponseError(context) => {
                Self::Answer(Box::new(Answer { unread: Some(chain(&error)), ..seen(context.raw()) }))
            }
            _ => Self::Unsent(chain(&error)),
        }
    }
}

impl From<TransportError> for Cause {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl Cause {
    /// A failure before there is a URL to ask.
    pub(super) fn unsendable(host: &str, detail: &dyn Error) -> Self {
        let problem = Problem::Unsendable { detail: detail.to_string() };
        Self::Transport(TransportError { host: host.to_owned(), peer: None, problem })
    }

    /// The emulator does not know the thing that was asked for.
    pub(super) fn is_gone(&self) -> bool {
        let Self::Answer(answer) = self else { return false };
        let words = ["NotFound", "NonExist", "NoSuch", "DoesNotExist"];
        let is_known = |code: &str| words.iter().any(|word| code.contains(word));
        !answer.is_page() && answer.code.as_deref().is_some_and(is_known)
    }

    /// The emulator's error code, if that is what it is.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Answer(answer) => answer.code.as_deref(),
            Self::Transport(_) | Self::Unsent(_) => None,
        }
    }
}

/// At most [`LONGEST`] characters on one line.
pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn seen(raw: &HttpResponse) -> Answer {
    let header = |headers: &Headers, names: &[&str]| names.iter().find_map(|name| headers.get(name)).map(str::to_owned);
    let asked = raw.extension::<Asked>();
    let peer = asked.map(|asked| asked.peer.clone());
    let own = ["proxy-authenticate", "proxy-status", "x-squid-error"];
    let is_proxys = matches!(peer, Some(Peer { via: Via::Proxy(_), .. }))
        && (raw.status().as_u16() == 407
            || own.iter().any(|name| raw.headers().get(*name).is_some())
            // Whoever passes an answer on says so (RFC 9110, 7.6.3).
            || raw.headers().get("via").is_none() && raw.headers().get("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    Answer {
        host: asked.map_or(String::new(), |asked| asked.host.clone()),
        peer,
        is_proxys,
        server: header(raw.headers(), &["server"]),
        status: raw.status().as_u16(),
        location: header(raw.headers(), &["location"]),
        body: raw.body().bytes().map_or(String::new(), |body| String::from_utf8_lossy(body).into_owned()),
        code: None,
        message: None,
        request_id: header(raw.headers(), &["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"]),
        unread: None,
    }
}

/// An error and its sources in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    shortened(&text)
}
