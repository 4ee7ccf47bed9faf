//! From what was seen to a finding: which phase, which cause, what to do. Pure.

use super::{
    cause::{Answer, Cause},
    parts::missing_part,
    transport::{Problem, TlsProblem, TransportError},
};
use crate::finding::{Finding, Phase, code};

/// What a finding needs to know besides the error itself.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Name of the step that failed.
    pub(super) operation: String,
    /// Hosts of all targets: any other host came out of an answer.
    pub(super) hosts: Vec<String>,
    /// Whether any endpoint of this run was answered by the emulator: then the Service has endpoints.
    pub(super) emulator_reached: bool,
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
    let failure = match cause {
        Cause::Transport(error) => transport(operation, error),
        Cause::Answer(answer) => from_answer(place, answer),
        Cause::Unsent(detail) => Failure::new(
            Phase::Api,
            code::BAD_ANSWER,
            format!("`{operation}` could not be sent or read: {detail}"),
            "this is a mistake of the check: report it with this message",
        ),
    };
    let asked = match cause {
        Cause::Transport(error) => &error.host,
        Cause::Answer(answer) => &answer.host,
        Cause::Unsent(_) => return failure,
    };
    if failure.phase <= Phase::Route && !place.hosts.contains(asked) {
        return unreachable(asked, &failure);
    }
    failure
}

/// The page that the OpenShift router serves with 503 for an unknown host and for a Service without endpoints.
pub(super) fn is_router_page(status: u16, body: &[u8]) -> bool {
    status == 503 && body.windows(28).any(|part| part == b"Application is not available")
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

fn transport(operation: &str, error: &TransportError) -> Failure {
    let TransportError { host, problem } = error;
    let message = format!("`{operation}`: {problem}");
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
            format!(
                "DNS does not know `{name}` here (`getent hosts {name}`): give --router ADDRESS, or ask where it is known"
            ),
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
        Problem::Tls(problem) => {
            let (code, hint) = tls(host, problem);
            (Phase::Tls, code, hint)
        }
        Problem::AnswerTimeout { .. } => (
            Phase::Api,
            code::TIMED_OUT,
            "the connection stands but no answer came: `lsdeploy logs` shows what the emulator is busy with".to_owned(),
        ),
        Problem::Garbage { .. } | Problem::TooLong { .. } | Problem::Unsendable { .. } => (
            Phase::Api,
            code::BAD_ANSWER,
            format!("something else than the emulator answers on `{host}`, or http and https are mixed up"),
        ),
        Problem::Closed { .. } | Problem::Cut { .. } => (
            Phase::Api,
            code::CONNECTION_LOST,
            "the emulator or a proxy on the way gave up: look for restarts in `lsdeploy status` and `lsdeploy logs`"
                .to_owned(),
        ),
    };
    Failure::new(phase, code, message, hint)
}

fn tls(host: &str, problem: &TlsProblem) -> (&'static str, String) {
    match problem {
        TlsProblem::Untrusted => {
            (code::TLS_UNTRUSTED, "give the router's CA with `--ca-file FILE`, or use the http endpoint".to_owned())
        }
        TlsProblem::WrongName { presented } => (
            code::TLS_WRONG_NAME,
            format!(
                "the certificate must cover `{host}`; it covers {}: a wildcard covers one label only",
                presented.join(", ")
            ),
        ),
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

fn from_answer(place: &Place, answer: &Answer) -> Failure {
    let operation = &place.operation;
    let status = answer.status;
    let host = &answer.host;
    if is_router_page(status, answer.body.as_bytes()) {
        return router_page(place, host);
    }
    if let Some(location) = answer.location.as_deref().filter(|_| (300..400).contains(&status)) {
        return Failure::new(
            Phase::Route,
            code::ROUTE_REDIRECTS,
            format!("`{operation}`: {host} redirects to {location}, which SDKs do not follow"),
            "use the https endpoint, or set insecureEdgeTerminationPolicy: Allow on the Route (`--tls edge`)",
        );
    }
    let said = answer.said();
    let refused = |code, hint: String| Failure::new(Phase::Api, code, format!("`{operation}`: {said}"), hint);
    let error = answer.code.as_deref().unwrap_or_default();
    if let Some(part) = missing_part(&answer.text()).filter(|_| status >= 500) {
        return Failure::new(
            Phase::Api,
            code::PART_NOT_INSTALLED,
            format!("`{operation}`: the emulator could not install or start {part}: {said}"),
            format!("LocalStack downloads {part} at first use: give the pod a way out, or an image that has it"),
        );
    }
    match status {
        503 => {
            refused(code::EMULATOR_STARTING, "wait until `lsdeploy status` says ready, then run it again".to_owned())
        }
        504 => refused(
            code::TIMED_OUT,
            "the router gave up on the emulator: raise haproxy.router.openshift.io/timeout on the Route".to_owned(),
        ),
        501 => refused(
            code::SERVICE_OFF,
            "this emulator or its SERVICES setting leaves it out: `lsdeploy up --services ...` or another emulator"
                .to_owned(),
        ),
        _ if CLOCK.contains(&error) => {
            refused(code::CLOCK_SKEW, "set the clocks of this machine and of the cluster's nodes (NTP)".to_owned())
        }
        401 | 403 => refused(code::AUTH_NEEDED, auth_hint()),
        _ if AUTH.contains(&error) => refused(code::AUTH_NEEDED, auth_hint()),
        _ if error.is_empty() && answer.is_page() => Failure::new(
            Phase::Api,
            code::BAD_ANSWER,
            format!("`{operation}`: a web page (HTTP {status}) came back in place of an AWS answer"),
            format!("another application answers on `{host}`, or the emulator does not know this call"),
        ),
        _ if error.is_empty() && status < 400 => Failure::new(
            Phase::Api,
            code::BAD_ANSWER,
            format!(
                "`{operation}`: the AWS SDK cannot read the answer: {}: {said}",
                answer.unread.as_deref().unwrap_or("")
            ),
            format!("the emulator behaves unlike AWS here, or something else answers on `{host}`"),
        ),
        _ => refused(code::API_ERROR, "`lsdeploy logs` shows the emulator's side of this request".to_owned()),
    }
}

/// The two causes show the same page; that another service got through tells them apart, for all share the Service.
fn router_page(place: &Place, host: &str) -> Failure {
    let operation = &place.operation;
    let page = format!("`{operation}`: the router answered 503 \"Application is not available\" for {host}");
    if place.emulator_reached {
        return Failure::new(
            Phase::Route,
            code::ROUTE_UNKNOWN,
            format!("{page}, while other endpoints of this run reach the emulator: the router knows no such Route"),
            "`lsdeploy status` shows whether the Route is admitted or its host claimed by another namespace",
        );
    }
    Failure::new(
        Phase::Route,
        code::ROUTE_NO_ENDPOINTS,
        format!("{page}: no pod is ready behind the Route, or the router knows no such Route; the page is the same"),
        "`lsdeploy status` shows whether the pod is ready and the Route admitted",
    )
}

fn auth_hint() -> String {
    "the emulator or a proxy before it wants real credentials or an auth token (LocalStack Pro: LOCALSTACK_AUTH_TOKEN)"
        .to_owned()
}

const CLOCK: &[&str] = &[
    "RequestTimeTooSkewed",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "RequestInTheFuture",
];

const AUTH: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
];

#[cfg(test)]
mod tests;
