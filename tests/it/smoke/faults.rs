//! What a run says about servers that misbehave.

use std::time::{Duration, Instant};

use lsdeploy::{
    finding::{Phase, code},
    hint::Way,
    smoke::{self, Deadlines, Options, ServiceResult, Status},
};

use super::{
    options,
    scripted::{Script, http, serve},
    target,
};

/// The page of the OpenShift router, shortened.
const ROUTER_PAGE: &str = "<html><body><h1>Application is not available</h1><p>The application is currently not \
    serving requests at this endpoint. It may not have been started or is still starting.</p></body></html>";

/// The answer of an emulator to `CreateQueue`, with a URL that leads elsewhere.
const ELSEWHERE: &str = r#"{"QueueUrl": "http://sqs.us-east-1.localhost.invalid:4566/000000000000/q"}"#;

#[tokio::test]
async fn the_routers_page_is_no_endpoints_until_another_endpoint_answers() {
    let router = serve(Script::Say(http("503 Service Unavailable", "", ROUTER_PAGE)));
    check(&sqs(router).await, Phase::Route, code::ROUTE_NO_ENDPOINTS, "503 \"Application is not available\"");

    let emulator = serve(Script::Say(http("400 Bad Request", "", "{}")));
    let targets = [target("kinesis", &local(emulator)), target("sqs", &local(router))];
    let results = smoke::run(&targets, &quick(), |_, _| ()).await.unwrap();
    check(&results[1], Phase::Route, code::ROUTE_UNKNOWN, "knows no such Route");
}

#[tokio::test]
async fn a_route_that_the_router_loads_late_is_waited_for() {
    let page = http("503 Service Unavailable", "", ROUTER_PAGE);
    let port =
        serve(Script::SayThen(1, page, http("400 Bad Request", "", r#"{"__type": "Busy", "message": "later"}"#)));
    let mut options = quick();
    options.deadlines.settle = Duration::from_secs(5);
    let results = smoke::run(&[target("sqs", &local(port))], &options, |_, _| ()).await.unwrap();
    check(&results[0], Phase::Api, code::API_ERROR, "Busy: later (HTTP 400)");
}

#[tokio::test]
async fn a_part_of_the_emulator_that_another_call_is_starting_is_waited_for() {
    let refused = r#"{"__type": "InternalError", "message": "exception while calling kinesis.CreateStream:
        MyHTTPConnectionPool(host='localhost', port=38777): Max retries exceeded with url: / (Connection refused)"}"#;
    let refused = http("500 Internal Server Error", "", refused);
    let busy = http("400 Bad Request", "", r#"{"__type": "Busy", "message": "later"}"#);
    let port = serve(Script::SayThen(1, refused, busy));
    let mut options = quick();
    options.deadlines.settle = Duration::from_secs(5);
    let results = smoke::run(&[target("kinesis", &local(port))], &options, |_, _| ()).await.unwrap();
    check(&results[0], Phase::Api, code::API_ERROR, "Busy: later (HTTP 400)");
}

#[tokio::test]
async fn a_call_on_a_kept_connection_that_a_reload_of_the_router_ends_is_sent_again() {
    let made = r#"{"QueueUrl": "http://127.0.0.1/000000000000/q"}"#;
    let made = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{made}", made.len()).into_bytes();
    let busy = http("400 Bad Request", "", r#"{"__type": "Busy", "message": "later"}"#);
    let result = sqs(serve(Script::HangUp(made, busy))).await;
    check(&result, Phase::Api, code::API_ERROR, "`get_queue_url`: Busy: later (HTTP 400)");
}

#[tokio::test]
async fn commands_in_hints_can_be_pasted() {
    let port = serve(Script::Say(http("400 Bad Request", "", r#"{"__type": "Busy", "message": "later"}"#)));
    let way = Way { to_env: vec!["--env team1".to_owned(), "--target local".to_owned()], to_cluster: vec![] };
    let options = Options { way, ..quick() };
    let results = smoke::run(&[target("sqs", &local(port))], &options, |_, _| ()).await.unwrap();
    let hint = &results[0].finding.as_ref().unwrap().hint;
    assert!(hint.contains("`lsdeploy logs --env team1 --target local`"), "{hint}");
}

#[tokio::test]
async fn an_error_of_the_emulator_is_told_in_its_own_words() {
    let headers = "x-amzn-RequestId: 42-23\r\nContent-Type: application/x-amz-json-1.0\r\n";
    let body = r#"{"__type": "com.amazonaws.sqs#QueueNameExists", "message": "there is one"}"#;
    let result = sqs(serve(Script::Say(http("400 Bad Request", headers, body)))).await;
    check(
        &result,
        Phase::Api,
        code::API_ERROR,
        "`create_queue`: QueueNameExists: there is one (HTTP 400, request 42-23)",
    );
}

#[tokio::test]
async fn garbage_and_web_pages_are_not_taken_for_an_emulator() {
    let result = sqs(serve(Script::Say(b"220 mail.example.com ESMTP\r\n".to_vec()))).await;
    check(&result, Phase::Api, code::BAD_ANSWER, "not HTTP");
    let page = http("404 Not Found", "Content-Type: text/html\r\n", "<!doctype html><title>404</title>");
    check(&sqs(serve(Script::Say(page))).await, Phase::Route, code::WRONG_ADDRESS, "a web page (HTTP 404, \"404\")");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_lost_connection() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"QueueUrl\":".to_vec();
    check(&sqs(serve(Script::Say(cut))).await, Phase::Api, code::CONNECTION_LOST, "broke off");
    check(&sqs(serve(Script::Say(Vec::new()))).await, Phase::Api, code::CONNECTION_LOST, "closed before an answer");
}

#[tokio::test]
async fn silence_ends_with_the_operations_deadline() {
    let started = Instant::now();
    check(&sqs(serve(Script::Silence)).await, Phase::Api, code::TIMED_OUT, "within 1s");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn the_whole_runs_deadline_names_the_step_in_progress() {
    let mut options = quick();
    options.deadlines.whole = Duration::from_millis(300);
    let port = serve(Script::Silence);
    let results = smoke::run(&[target("s3", &local(port))], &options, |_, _| ()).await.unwrap();
    check(&results[0], Phase::Connect, code::TIMED_OUT, "`create_bucket` was not done");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let port = serve(Script::Say(http("302 Found", "Location: https://127.0.0.1/\r\n", "")));
    check(&sqs(port).await, Phase::Route, code::ROUTE_REDIRECTS, "redirects to https://127.0.0.1/");
}

#[tokio::test]
async fn a_returned_url_that_leads_nowhere_is_a_finding_about_the_data() {
    let port = serve(Script::Say(http("200 OK", "", ELSEWHERE)));
    let result = sqs(port).await;
    check(&result, Phase::Data, code::RETURNED_URL_UNREACHABLE, "sqs.us-east-1.localhost.invalid");
    let names: Vec<_> = result.operations.iter().map(|operation| operation.name.as_str()).collect();
    assert_eq!(names, ["create_queue", "get_queue_url", "get_queue_attributes", "delete_queue"]);
}

#[tokio::test]
async fn a_returned_url_of_real_aws_is_not_followed() {
    let body = r#"{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/000000000000/q"}"#;
    let result = sqs(serve(Script::Say(http("200 OK", "", body)))).await;
    check(&result, Phase::Data, code::RETURNED_URL_UNREACHABLE, "amazonaws.com");
}

#[tokio::test]
async fn clocks_apart_fail_a_service_that_otherwise_answers() {
    let headers = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let result = sqs(serve(Script::Say(http("400 Bad Request", headers, "{}")))).await;
    check(&result, Phase::Api, code::CLOCK_SKEW, "behind this machine's");
}

#[tokio::test]
async fn each_stage_before_the_answer_has_its_own_finding() {
    let unresolved = smoke::run(&[target("sqs", "http://sqs-t.invalid")], &quick(), |_, _| ()).await.unwrap();
    check(&unresolved[0], Phase::Resolve, code::NAME_UNRESOLVED, "`sqs-t.invalid` does not resolve");
    assert!(unresolved[0].finding.as_ref().unwrap().hint.contains("`lsdeploy dns-debug sqs-t.invalid`"));

    // Bound and closed again: nothing listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    check(&sqs(free).await, Phase::Connect, code::CONNECT_REFUSED, "refused the connection");

    let plain = serve(Script::Say(http("400 Bad Request", "", "")));
    let https = smoke::run(&[target("sqs", &format!("https://127.0.0.1:{plain}"))], &quick(), |_, _| ()).await.unwrap();
    check(&https[0], Phase::Tls, code::TLS_FAILED, "TLS failed");
}

#[tokio::test]
async fn a_service_without_a_check_is_skipped_and_real_keys_are_refused() {
    let results = smoke::run(&[target("ecr", "http://127.0.0.1:1")], &quick(), |_, _| ()).await.unwrap();
    assert_eq!(results[0].status, Status::Skipped);
    assert_eq!(results[0].skipped.as_deref(), Some("lsdeploy has no check for `ecr`"));

    let mut real = quick();
    real.account = Some("AKIAIOSFODNN7EXAMPLE".to_owned());
    let refused = smoke::run(&[], &real, |_, _| ()).await.unwrap_err().to_string();
    assert!(refused.contains("real AWS access key"), "{refused}");
    let aws = [target("sqs", "https://sqs.eu-west-1.amazonaws.com")];
    assert!(smoke::run(&aws, &quick(), |_, _| ()).await.unwrap_err().to_string().contains("is real AWS"));
}

#[test]
fn every_code_is_documented() {
    let docs = include_str!("../../../docs/findings.md");
    for code in code::ALL {
        assert!(docs.contains(&format!("| `{code}` |")), "docs/findings.md has no row for `{code}`");
    }
}

#[track_caller]
fn check(result: &ServiceResult, phase: Phase, code: &str, message: &str) {
    let finding = result.finding.as_ref().unwrap();
    assert_eq!((result.status, result.phase, finding.code), (Status::Failed, Some(phase), code), "{finding:?}");
    assert!(finding.message.contains(message), "{}", finding.message);
    assert!(!finding.hint.is_empty());
}

async fn sqs(port: u16) -> ServiceResult {
    let mut results = smoke::run(&[target("sqs", &local(port))], &quick(), |_, _| ()).await.unwrap();
    results.remove(0)
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn quick() -> Options {
    let deadlines = Deadlines {
        operation: Duration::from_secs(1),
        settle: Duration::from_millis(600),
        cleanup: Duration::from_secs(2),
        ..Deadlines::default()
    };
    Options { deadlines, ..options("faults") }
}
