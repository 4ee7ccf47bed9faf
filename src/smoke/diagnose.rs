//! From what was seen to a finding: which phase, which cause, what to do. Pure.

mod answer;

use std::net::IpAddr;

use super::{
    cause::Cause,
    certificate::Certificate,
    transport::{Peer, Problem, TlsProblem, TransportError, Via},
};
use crate::finding::{Finding, Phase, code};

/// What a finding needs to know besides the error itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// Name of the step that failed.
    pub(super) operation: String,
    /// The service under test.
    pub(super) service: String,
    /// Hosts of all targets: any other host came out of an answer.
    pub(super) hosts: Vec<String>,
    /// Whether any endpoint of this run was answered by the emulator: then the Service has endpoints.
    pub(super) emulator_reached: bool,
    /// Addresses at which an emulator answered.
    pub(super) emulators: Vec<IpAddr>,
    /// The cluster says that the Route is admitted and has its pod.
    pub(super) admitted: bool,
    /// The environment on a cluster.
    pub(super) env: Option<String>,
}

/// Why a check stops: a phase and its finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) phase: Phase,
    pub(super) finding: Finding,
}

impl Failure {
    pub(super) fn new(phase: Phase, code: &'static str, message: String, hint: impl Into<String>) -> Self {
        Self { phase, finding: Finding { code, message, hint: hint.into() } }
    }
}

/// Names the cause of a failed call.
pub(super) fn diagnose(place: &Place, cause: &Cause) -> Failure {
    let operation = &place.operation;
    let (asked, failure) = match cause {
        Cause::Transport(error) => (&error.host, transport(place, error)),
        Cause::Answer(answer) => (&answer.host, answer::diagnose(place, answer)),
        Cause::Unsent(detail) => {
            return Failure::new(
                Phase::Api,
                code::BAD_ANSWER,
                format!("`{operation}` could not be sent or read: {detail}"),
                "this is a mistake of the check: report it with this message",
            );
        }
    };
    match cause {
        _ if place.hosts.contains(asked) => failure,
        Cause::Answer(_) if failure.finding.code == code::API_ERROR => elsewhere(asked, &failure),
        _ if failure.phase <= Phase::Route => unreachable(asked, &failure),
        _ => failure,
    }
}

/// The page that the OpenShift router serves with 503 for an unknown host and for a Service without endpoints.
pub(super) fn is_router_page(status: u16, body: &[u8]) -> bool {
    status == 503 && body.windows(28).any(|part| part == b"Application is not available")
}

/// True for HTML.
pub(super) fn is_page(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let starts = |with: &[u8]| start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    starts(b"<!doctype html") || starts(b"<html")
}

/// What to do about a name: the only place that says how to look into DNS.
pub(super) fn ask_dns(host: &str, env: Option<&str>) -> String {
    let env = env.map(|env| format!(" --env {env}")).unwrap_or_default();
    format!("`lsdeploy dns-debug {host}{env}` says who gives this name its address, and which resolver is wrong")
}

fn unreachable(host: &str, failure: &Failure) -> Failure {
    Failure::new(
        Phase::Data,
        code::RETURNED_URL_UNREACHABLE,
        format!("the emulator returned a URL on `{host}`, where clients get nowhere: {}", failure.finding.message),
        "let the emulator return URLs of a Route: for LocalStack LOCALSTACK_HOST=<host of the edge Route>:<port> and \
         SQS_ENDPOINT_STRATEGY=dynamic or path",
    )
}

fn elsewhere(host: &str, failure: &Failure) -> Failure {
    Failure::new(
        Phase::Data,
        code::DIFFERENT_ENVIRONMENT,
        format!(
            "the emulator returned a URL on `{host}`, which is no host of this environment, and what answers there does \
             not know what was made: {}",
            failure.finding.message
        ),
        "let the emulator return URLs of its own Routes: for LocalStack LOCALSTACK_HOST=<host of the edge Route>:<port>",
    )
}

fn transport(place: &Place, error: &TransportError) -> Failure {
    let TransportError { host, peer, problem } = error;
    let (operation, env) = (&place.operation, place.env.as_deref());
    let at = match (problem, peer) {
        (Problem::Proxy { .. } | Problem::ProxyRefused { .. }, _) | (_, None) => String::new(),
        (_, Some(peer)) => format!(" (connected to {peer})"),
    };
    let message = format!("`{operation}`: {problem}{at}");
    let by_name = matches!(peer.as_deref(), None | Some(Peer { via: Via::Name, .. }));
    let (phase, code, hint) = match problem {
        // Targets were looked at before, so this host came out of an answer.
        Problem::RealAws => (
            Phase::Data,
            code::RETURNED_URL_UNREACHABLE,
            format!("`{host}` belongs to real AWS: set the emulator's own host (for LocalStack LOCALSTACK_HOST)"),
        ),
        Problem::Resolve { name, .. } => (
            Phase::Resolve,
            code::NAME_UNRESOLVED,
            format!("{}; --router ADDRESS does without the name", ask_dns(name, env)),
        ),
        Problem::Refused { address } => (
            Phase::Connect,
            code::CONNECT_REFUSED,
            format!("nothing listens on {address}: is the router (or the emulator) running, and is it this address?"),
        ),
        Problem::ConnectTimeout { address, .. } => (
            Phase::Connect,
            code::CONNECT_TIMEOUT,
            format!("a firewall or a missing route drops packets to {address}; check VPN and security groups"),
        ),
        Problem::Connect { address, .. } => {
            (Phase::Connect, code::CONNECT_FAILED, format!("check this machine's routes to {address}"))
        }
        Problem::Proxy { .. } => (Phase::Connect, code::PROXY_UNREACHABLE, no_proxy(host)),
        Problem::ProxyRefused { status, .. } => (Phase::Connect, code::PROXY_REFUSED, proxy_refused(*status, host)),
        Problem::Tls { problem, certificate } => {
            let (code, hint) = tls(host, problem, certificate.as_deref(), by_name.then(|| ask_dns(host, env)));
            (Phase::Tls, code, hint)
        }
        Problem::AnswerTimeout { .. } => (
            Phase::Api,
            code::TIMED_OUT,
            "the connection stands but no answer came: `lsdeploy logs` shows what the emulator is busy with".to_owned(),
        ),
        Problem::Garbage { .. } | Problem::Page(_) | Problem::TooLong { .. } | Problem::Unsendable { .. } => (
            Phase::Api,
            code::BAD_ANSWER,
            format!("something else than the emulator answers on `{host}`, or http and https are mixed up"),
        ),
        Problem::Closed { .. } | Problem::Cut { .. }
            if matches!(peer.as_deref(), Some(Peer { via: Via::Proxy(_), .. })) =>
        {
            (
                Phase::Api,
                code::CONNECTION_LOST,
                format!("the proxy, the router or the emulator gave up; {}", no_proxy(host)),
            )
        }
        Problem::Closed { .. } | Problem::Cut { .. } => (
            Phase::Api,
            code::CONNECTION_LOST,
            "the emulator or a proxy on the way gave up: look for restarts in `lsdeploy status` and `lsdeploy logs`"
                .to_owned(),
        ),
    };
    Failure::new(phase, code, message, hint)
}

fn proxy_refused(status: u16, host: &str) -> String {
    match status {
        407 => format!("it wants a user: put user:password@ into its variable, or {}", no_proxy(host)),
        _ => no_proxy(host),
    }
}

/// How to leave the proxy out.
fn no_proxy(host: &str) -> String {
    let domain = host.find('.').map_or(host, |dot| &host[dot..]);
    format!("reach the Routes without it: NO_PROXY={domain}")
}

fn tls(
    host: &str,
    problem: &TlsProblem,
    certificate: Option<&Certificate>,
    doubt: Option<String>,
) -> (&'static str, String) {
    let doubt = doubt.map(|doubt| format!("; if it is another machine's, {doubt}")).unwrap_or_default();
    match problem {
        TlsProblem::Untrusted => {
            let remedy = "give the router's CA with `--ca-file FILE`, or use the http endpoint";
            (code::TLS_UNTRUSTED, format!("{remedy}{doubt}"))
        }
        TlsProblem::WrongName => {
            let covered = certificate.map_or_else(|| "other names".to_owned(), Certificate::covers);
            let rule = format!("the certificate must cover `{host}`; it covers {covered}: a wildcard covers one label");
            (code::TLS_WRONG_NAME, format!("{rule}{doubt}"))
        }
        TlsProblem::Expired => {
            (code::TLS_EXPIRED, "renew the router's certificate, and check this machine's clock".to_owned())
        }
        TlsProblem::NotYetValid => {
            (code::TLS_EXPIRED, "the certificate starts in the future: check the clocks of both sides".to_owned())
        }
        TlsProblem::Timeout { .. } => {
            (code::TIMED_OUT, "the port accepts connections but speaks no TLS: is it an http port?".to_owned())
        }
        TlsProblem::Other(_) => {
            (code::TLS_FAILED, format!("check with `openssl s_client -connect {host}:443 -servername {host}`"))
        }
    }
}

#[cfg(test)]
mod tests;
