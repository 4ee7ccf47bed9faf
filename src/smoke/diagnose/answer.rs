//! From an answer that says no to a finding: who answered, and why. Pure.

use super::{Failure, Place, ask_dns, is_router_page, proxy_refused};
use crate::{
    finding::{Phase, code},
    smoke::{
        cause::Answer,
        parts::missing_part,
        transport::{Peer, Via},
    },
};

pub(super) fn diagnose(place: &Place, answer: &Answer) -> Failure {
    let operation = &place.operation;
    let host = &answer.host;
    if is_router_page(answer.status, answer.body.as_bytes()) {
        return router_page(place, answer);
    }
    if answer.is_proxys {
        let proxy = answer.peer.as_ref().map_or_else(|| "the proxy".to_owned(), ToString::to_string);
        return Failure::new(
            Phase::Connect,
            code::PROXY_REFUSED,
            format!(
                "`{operation}`: {proxy} answered itself ({}) and did not pass the request on to {host}",
                answer.page()
            ),
            proxy_refused(answer.status, host),
        );
    }
    if let Some(location) = answer.location.as_deref().filter(|_| (300..400).contains(&answer.status)) {
        return redirect(place, answer, location);
    }
    match answer.code.as_deref() {
        None if answer.is_page() && !(400..=401).contains(&answer.status) && answer.status != 403 => {
            web_page(place, answer)
        }
        _ => refusal(place, answer),
    }
}

fn redirect(place: &Place, answer: &Answer, location: &str) -> Failure {
    let (operation, host) = (&place.operation, &answer.host);
    let target: Option<http::Uri> = location.parse().ok();
    let leads_away = target.as_ref().and_then(http::Uri::host).is_some_and(|target| !target.eq_ignore_ascii_case(host));
    if leads_away {
        return Failure::new(
            Phase::Route,
            code::BAD_ANSWER,
            format!("`{operation}`: {host} redirects to {location}{}: that is no answer of a router", answer.from()),
            format!("a login page or another application answers; {}", ask_dns(host, place.env.as_deref())),
        );
    }
    Failure::new(
        Phase::Route,
        code::ROUTE_REDIRECTS,
        format!("`{operation}`: {host} redirects to {location}, which SDKs do not follow"),
        "use the https endpoint, or set insecureEdgeTerminationPolicy: Allow on the Route (`--tls edge`)",
    )
}

/// A page where an AWS answer is due. Emulators have pages too, so the server's name and other answers decide.
fn web_page(place: &Place, answer: &Answer) -> Failure {
    let (operation, host, page, from) = (&place.operation, &answer.host, answer.page(), answer.from());
    let is_emulators =
        EMULATORS.iter().any(|name| answer.server.as_ref().is_some_and(|server| server.starts_with(name)));
    match &answer.peer {
        Some(Peer { address, via: Via::Name }) if !is_emulators && !place.emulators.contains(&address.ip()) => {
            Failure::new(
                Phase::Route,
                code::WRONG_ADDRESS,
                format!(
                    "`{operation}`: a web page ({page}) came{from}, to which {host} leads: no router and no emulator"
                ),
                format!("another application answers at this address; {}", ask_dns(host, place.env.as_deref())),
            )
        }
        _ => Failure::new(
            Phase::Api,
            code::BAD_ANSWER,
            format!("`{operation}`: a web page ({page}) came{from} in place of an AWS answer"),
            format!("another application answers on `{host}`, or the emulator does not know this call"),
        ),
    }
}

fn refusal(place: &Place, answer: &Answer) -> Failure {
    let (operation, host, said) = (&place.operation, &answer.host, answer.said());
    let refused = |code, hint: &str| Failure::new(Phase::Api, code, format!("`{operation}`: {said}"), hint);
    let (error, text) = (answer.code.as_deref().unwrap_or_default(), answer.text());
    if let Some(part) = missing_part(&text).filter(|_| answer.status >= 500) {
        return Failure::new(
            Phase::Api,
            code::PART_NOT_INSTALLED,
            format!("`{operation}`: the emulator could not install or start {part}: {said}"),
            format!(
                "LocalStack downloads {part} at first use: let it reach the internet then, or have it in its image"
            ),
        );
    }
    match answer.status {
        _ if answer.status >= 400 && LICENCE.iter().any(|words| text.contains(words)) => refused(
            code::NOT_LICENSED,
            "this needs another edition of LocalStack and its LOCALSTACK_AUTH_TOKEN; leave the service out with `--service`",
        ),
        503 => refused(code::EMULATOR_STARTING, "wait until `lsdeploy status` says ready, then run it again"),
        504 => refused(
            code::TIMED_OUT,
            "the router gave up on the emulator: raise haproxy.router.openshift.io/timeout on the Route",
        ),
        501 => refused(
            code::SERVICE_OFF,
            "this emulator or its SERVICES setting leaves it out: `lsdeploy up --services ...` or another emulator",
        ),
        _ if CLOCK.contains(&error) => {
            refused(code::CLOCK_SKEW, "set the clocks of this machine and of the cluster's nodes (NTP)")
        }
        _ if REGION.contains(&error) => {
            refused(code::WRONG_REGION, "ask in the region that the environment was made with (`lsdeploy up --region`)")
        }
        _ if speaks_for_another(&place.service, answer) => Failure::new(
            Phase::Api,
            code::DIFFERENT_SERVICE,
            format!("`{operation}`: another service than {} answers{}: {said}", place.service, answer.from()),
            format!("`{host}` leads to another service's port: compare the Route's `spec.port` with `lsdeploy render`"),
        ),
        401 | 403 => refused(code::AUTH_NEEDED, AUTH_HINT),
        _ if AUTH.contains(&error) => refused(code::AUTH_NEEDED, AUTH_HINT),
        _ if error.is_empty() && answer.status < 400 => Failure::new(
            Phase::Api,
            code::BAD_ANSWER,
            format!(
                "`{operation}`: the AWS SDK cannot read the answer: {}: {said}",
                answer.unread.as_deref().unwrap_or("")
            ),
            format!("the emulator behaves unlike AWS here, or something else answers on `{host}`"),
        ),
        _ => refused(code::API_ERROR, "`lsdeploy logs` shows the emulator's side of this request"),
    }
}

/// The two causes show the same page; that another service got through tells them apart, for all share the Service.
fn router_page(place: &Place, answer: &Answer) -> Failure {
    let (operation, host, from) = (&place.operation, &answer.host, answer.from());
    let page = format!("`{operation}`: the router answered 503 \"Application is not available\" for {host}{from}");
    if place.admitted {
        return Failure::new(
            Phase::Route,
            code::ROUTE_UNKNOWN,
            format!("{page}, though the cluster says that the Route is admitted and its pod ready"),
            format!(
                "is this the router that admitted it? {}; a router may also take 5 s to reload",
                ask_dns(host, place.env.as_deref())
            ),
        );
    }
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
        "`lsdeploy status` shows whether the emulator is ready and the Route admitted",
    )
}

/// How services of each protocol refuse a call that is not theirs; S3 takes everything for a bucket.
fn speaks_for_another(service: &str, answer: &Answer) -> bool {
    let is_s3 = ["s3", "s3control"].contains(&service);
    let s3s = ["NoSuchBucket", "NoSuchKey", "MethodNotAllowed", "BucketAlreadyExists"];
    let text = answer.body.trim_start();
    match answer.code.as_deref() {
        Some(code) => {
            ["UnknownOperationException", "UnknownOperation", "InvalidAction"].contains(&code)
                || !is_s3 && s3s.contains(&code)
        }
        // The SDK found no error in it, for it is one of another protocol.
        None if text.starts_with("{\"__type\"") => true,
        None => !is_s3 && s3s.iter().any(|code| text.contains(&format!("<Code>{code}</Code>"))),
    }
}

const AUTH_HINT: &str =
    "the emulator or a proxy before it wants real credentials or an auth token (LocalStack Pro: LOCALSTACK_AUTH_TOKEN)";

/// Servers that emulators are built on.
const EMULATORS: &[&str] = &["Werkzeug", "hypercorn", "TwistedWeb"];

/// LocalStack's words for what a licence would add.
const LICENCE: &[&str] = &["pro feature", "LocalStack license", "upgraded license", "LOCALSTACK_AUTH_TOKEN"];

const CLOCK: &[&str] = &[
    "RequestTimeTooSkewed",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "RequestInTheFuture",
];

const REGION: &[&str] =
    &["AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "InvalidRegion"];

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
