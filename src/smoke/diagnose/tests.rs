//! Answers as emulators and routers gave them, and what is made of them.

use std::time::Duration;

use super::*;
use crate::smoke::cause::Answer;

const HOST: &str = "sqs-localstack-t.apps.lab.test";

fn place(emulator_reached: bool) -> Place {
    Place {
        operation: "create_queue".to_owned(),
        service: "sqs".to_owned(),
        hosts: vec![HOST.to_owned()],
        emulator_reached,
        ..Place::default()
    }
}

fn answered(status: u16, code: &str, message: &str) -> Answer {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Answer { host: HOST.to_owned(), status, code: text(code), message: text(message), ..Answer::default() }
}

fn page(status: u16, body: &str) -> Answer {
    Answer { host: HOST.to_owned(), status, body: body.to_owned(), ..Answer::default() }
}

#[track_caller]
fn check(cause: &Cause, phase: Phase, code: &str) -> Finding {
    let failure = diagnose(&place(false), cause);
    assert_eq!((failure.phase, failure.finding.code), (phase, code), "{:?}", failure.finding);
    failure.finding
}

fn tls_problem(problem: TlsProblem) -> Problem {
    Problem::Tls { problem, certificate: None }
}

#[track_caller]
fn check_transport(problem: Problem, phase: Phase, code: &str) -> Finding {
    check(&Cause::Transport(TransportError { host: HOST.to_owned(), peer: None, problem }), phase, code)
}

#[track_caller]
fn check_answer(answer: Answer, phase: Phase, code: &str) -> Finding {
    check(&Cause::Answer(Box::new(answer)), phase, code)
}

#[test]
fn every_stage_before_an_answer_has_its_code() {
    let address = "192.0.2.1:443".parse().unwrap();
    let after = Duration::from_secs(5);
    let detail = || "why".to_owned();
    let resolve = Problem::Resolve { name: HOST.to_owned(), detail: detail() };
    let unresolved = check_transport(resolve, Phase::Resolve, "name-unresolved");
    assert!(unresolved.hint.contains("--router ADDRESS"), "{unresolved:?}");
    check_transport(Problem::Refused { address }, Phase::Connect, "connect-refused");
    check_transport(Problem::ConnectTimeout { address, after }, Phase::Connect, "connect-timeout");
    check_transport(Problem::Connect { address, detail: detail() }, Phase::Connect, "connect-failed");
    check_transport(tls_problem(TlsProblem::Untrusted), Phase::Tls, "tls-untrusted");
    let certificate = Certificate { names: vec!["*.example.com".to_owned()], ..Certificate::default() };
    let wrong = Problem::Tls { problem: TlsProblem::WrongName, certificate: Some(Box::new(certificate)) };
    let wrong = check_transport(wrong, Phase::Tls, "tls-wrong-name");
    assert!(wrong.hint.contains(HOST) && wrong.hint.contains("*.example.com"), "{}", wrong.hint);
    check_transport(tls_problem(TlsProblem::Expired), Phase::Tls, "tls-expired");
    check_transport(tls_problem(TlsProblem::NotYetValid), Phase::Tls, "tls-expired");
    check_transport(tls_problem(TlsProblem::Timeout { after }), Phase::Tls, "timed-out");
    check_transport(tls_problem(TlsProblem::Other(detail())), Phase::Tls, "tls-failed");
    check_transport(Problem::AnswerTimeout { after }, Phase::Api, "timed-out");
    check_transport(Problem::Garbage { detail: detail() }, Phase::Api, "bad-answer");
    check_transport(Problem::Cut { detail: detail() }, Phase::Api, "connection-lost");
}

#[test]
fn the_routers_page_names_both_causes_until_another_endpoint_answered() {
    let body = "<h1>Application is not available</h1> <p>The application is currently not serving requests</p>";
    let both = check_answer(page(503, body), Phase::Route, "route-no-endpoints");
    assert!(both.message.contains("no pod is ready") && both.message.contains("no such Route"), "{}", both.message);
    let one = diagnose(&place(true), &Cause::Answer(Box::new(page(503, body))));
    assert_eq!(one.finding.code, "route-unknown");
}

#[test]
fn localstack_says_what_it_leaves_out() {
    let off = "Service 'sqs' is not enabled. Please check your 'SERVICES' configuration variable.";
    check_answer(answered(501, "InternalFailure", off), Phase::Api, "service-off");
    check_answer(page(503, ""), Phase::Api, "emulator-starting");
}

#[test]
fn a_part_that_could_not_be_installed_is_named() {
    let said = "exception while calling kinesis.ListStreams: Installation of kinesis-local 0.5.2 failed.";
    let finding = check_answer(answered(500, "InternalError", said), Phase::Api, "part-not-installed");
    assert!(finding.hint.contains("downloads kinesis-local 0.5.2 at first use"), "{}", finding.hint);
    let other = "exception while calling sqs.CreateQueue: boom";
    check_answer(answered(500, "InternalError", other), Phase::Api, "api-error");
}

#[test]
fn credentials_and_clocks_are_told_from_other_refusals() {
    check_answer(answered(403, "InvalidClientTokenId", "The security token is invalid"), Phase::Api, "auth-needed");
    check_answer(answered(400, "UnrecognizedClientException", "no"), Phase::Api, "auth-needed");
    check_answer(page(401, "<html>log in</html>"), Phase::Api, "auth-needed");
    check_answer(answered(403, "RequestTimeTooSkewed", "too far"), Phase::Api, "clock-skew");
    let answer = Answer { request_id: Some("r-1".to_owned()), ..answered(400, "QueueNameExists", "there is one") };
    let refused = check_answer(answer, Phase::Api, "api-error");
    assert_eq!(refused.message, "`create_queue`: QueueNameExists: there is one (HTTP 400, request r-1)");
}

#[test]
fn a_web_page_is_not_quoted_in_full() {
    let finding = check_answer(page(404, "<!DOCTYPE HTML>\n<title>404</title>"), Phase::Api, "bad-answer");
    assert_eq!(finding.message, "`create_queue`: a web page (HTTP 404, \"404\") came in place of an AWS answer");
}

#[test]
fn a_page_from_an_address_where_no_emulator_answered_is_a_wrong_address() {
    let peer = |via| Some(Peer { address: "192.0.2.1:80".parse().unwrap(), via });
    let nginx = Some("nginx/1.22.1".to_owned());
    let foreign = Answer { peer: peer(Via::Name), server: nginx, ..page(404, "<html><title>404 Not Found</title>") };
    let finding = check_answer(foreign.clone(), Phase::Route, "wrong-address");
    let seen = "(HTTP 404, \"404 Not Found\", Server: nginx/1.22.1) came from 192.0.2.1:80";
    assert!(finding.message.contains(seen), "{}", finding.message);
    let moto = Answer { server: Some("Werkzeug/3.1.8 Python/3.11".to_owned()), ..foreign.clone() };
    check_answer(moto, Phase::Api, "bad-answer");
    check_answer(Answer { peer: peer(Via::Router), ..foreign.clone() }, Phase::Api, "bad-answer");
    let known = Place { emulators: vec!["192.0.2.1".parse().unwrap()], ..place(true) };
    assert_eq!(diagnose(&known, &Cause::Answer(Box::new(foreign))).finding.code, "bad-answer");
}

#[test]
fn a_proxys_own_answer_is_not_taken_for_the_routers() {
    let proxy = Via::Proxy("http://10.0.0.9:3128 (HTTP_PROXY)".to_owned());
    let peer = Some(Peer { address: "10.0.0.9:3128".parse().unwrap(), via: proxy });
    let answer = Answer { peer, is_proxys: true, ..page(503, "<html><title>ERR_DNS_FAIL</title>") };
    let finding = check_answer(answer, Phase::Connect, "proxy-refused");
    let seen = "the proxy http://10.0.0.9:3128 (HTTP_PROXY) answered itself (HTTP 503, \"ERR_DNS_FAIL\")";
    assert!(finding.message.contains(seen), "{}", finding.message);
    assert!(finding.hint.contains("NO_PROXY=.apps.lab.test"), "{}", finding.hint);
}

#[test]
fn another_service_region_or_edition_is_told_from_a_refusal() {
    check_answer(answered(400, "InvalidAction", "no such action"), Phase::Api, "different-service");
    check_answer(answered(404, "NoSuchBucket", "no bucket"), Phase::Api, "different-service");
    // DynamoDB Local, asked for a queue by a client that expects XML.
    let json = r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalFailure","Message":"unknown error"}"#;
    check_answer(page(500, json), Phase::Api, "different-service");
    let s3 = Place { service: "s3".to_owned(), ..place(false) };
    let missing = Cause::Answer(Box::new(answered(404, "NoSuchBucket", "no bucket")));
    assert_eq!(diagnose(&s3, &missing).finding.code, "api-error");
    check_answer(answered(400, "AuthorizationHeaderMalformed", "expecting eu-west-1"), Phase::Api, "wrong-region");
    let words = "Sorry, the xray service is not included within your LocalStack license, but is available";
    check_answer(answered(501, "InternalFailure", words), Phase::Api, "not-licensed");
}

#[test]
fn a_redirect_to_another_host_is_no_routers() {
    let to = |location: &str| Answer { location: Some(location.to_owned()), ..page(302, "") };
    check_answer(to("https://sqs-localstack-t.apps.lab.test/"), Phase::Route, "route-redirects");
    let portal = check_answer(to("https://login.corp.test/?from=x"), Phase::Route, "bad-answer");
    assert!(portal.message.contains("https://login.corp.test/"), "{}", portal.message);
}

#[test]
fn what_the_cluster_says_of_the_route_counts_for_more_than_the_page() {
    let body = "<h1>Application is not available</h1>";
    let known = Place { admitted: true, ..place(false) };
    let failure = diagnose(&known, &Cause::Answer(Box::new(page(503, body))));
    assert_eq!(failure.finding.code, "route-unknown");
    assert!(failure.finding.message.contains("the cluster says that the Route is admitted"), "{failure:?}");
}

#[test]
fn a_returned_host_that_knows_nothing_of_it_is_another_environments() {
    let answer =
        Answer { host: "edge-localstack-b.apps.lab.test".to_owned(), ..answered(400, "QueueDoesNotExist", "") };
    check_answer(answer, Phase::Data, "different-environment");
}

#[test]
fn a_host_that_is_no_target_came_out_of_an_answer() {
    let host = "sqs.us-east-1.localhost.localstack.cloud".to_owned();
    let problem = Problem::Resolve { name: host.clone(), detail: "no such host".to_owned() };
    let finding =
        check(&Cause::Transport(TransportError { host, peer: None, problem }), Phase::Data, "returned-url-unreachable");
    assert!(finding.message.contains("sqs.us-east-1.localhost.localstack.cloud"), "{}", finding.message);
    let real = TransportError { host: "sqs.us-east-1.amazonaws.com".to_owned(), peer: None, problem: Problem::RealAws };
    check(&Cause::Transport(real), Phase::Data, "returned-url-unreachable");
}
