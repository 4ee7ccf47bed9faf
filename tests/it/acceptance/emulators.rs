//! Every emulator, proved by its smoke tests and by a client that is not ours.

use std::process::Command;

use serde_json::{Value, json};

use crate::lab::{Lab, lab_variable};

#[track_caller]
fn assert_all_passed(report: &Value, services: usize) {
    let smoke = &report["smoke"];
    assert_eq!((smoke["passed"].as_u64(), smoke["failed"].as_u64()), (Some(services as u64), Some(0)), "{smoke:#}");
}

/// Operations that were skipped, as `service operation`.
fn skipped(report: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for result in report["smoke"]["results"].as_array().unwrap() {
        for operation in result["operations"].as_array().unwrap().iter().filter(|op| op.get("skipped").is_some()) {
            found.push(format!("{} {}", result["service"].as_str().unwrap(), operation["name"].as_str().unwrap()));
        }
    }
    found.sort();
    found
}

/// One SQS call by curl: a client with no code in common with ours.
fn curl_sqs(router: &str, url: &str, action: &str, body: &str) -> Value {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail-with-body", "--connect-to", &format!("::{router}:80"), "--data", body])
        .args(["--header", "Content-Type: application/x-amz-json-1.0"])
        .args(["--header", &format!("X-Amz-Target: AmazonSQS.{action}")])
        .args(["--header", "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"])
        .arg(url)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

/// Makes a queue through its Route, and uses it through the URL that came back.
#[track_caller]
fn assert_queue_works(lab: &Lab, report: &Value) {
    let router = lab.router.as_deref().expect("the router's address");
    let sqs = url_of(report, "sqs");
    let made = curl_sqs(router, &sqs, "CreateQueue", r#"{"QueueName": "foreign"}"#);
    let url = made["QueueUrl"].as_str().unwrap();
    assert!(url.contains(".apps."), "the returned URL does not lead through a Route: {url}");
    curl_sqs(router, url, "SendMessage", &format!(r#"{{"QueueUrl": "{url}", "MessageBody": "hello"}}"#));
    let got = curl_sqs(router, url, "ReceiveMessage", &format!(r#"{{"QueueUrl": "{url}"}}"#));
    assert_eq!(got["Messages"][0]["Body"], "hello", "{got}");
}

#[test]
fn moto_passes_every_check() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["moto"], &[]);
    let (ran, report) = lab.json(&["up", "--env", "moto", "--emulator", "moto"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_all_passed(&report, 35);
    assert_eq!(report["scc"], "lsdeploy-moto");
    assert!(report["digest"].as_str().unwrap().starts_with("sha256:"), "{report}");
    assert_eq!(report["objects"].as_array().unwrap().iter().filter(|object| object["kind"] == "Route").count(), 36);
    assert_eq!(skipped(&report), ["apigateway invoke", "lambda invoke", "s3 get_object_virtual_host"]);
    assert_queue_works(&lab, &report);
}

#[test]
fn localstack_passes_every_check_but_what_needs_docker_or_a_download() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["stack"], &[]);
    let (ran, report) = lab.json(&["up", "--env", "stack"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_all_passed(&report, 35);
    assert_eq!(report["scc"], "lsdeploy-stack");
    // LocalStack cannot delete a function that never ran, and without Docker none runs.
    let lambda = ["lambda delete_function", "lambda invoke"];
    let rest = ["opensearch create_domain", "resource-groups region", "s3 get_object_virtual_host"];
    assert_eq!(skipped(&report), [&["es create_domain"], &lambda[..], &rest].concat());
    assert_queue_works(&lab, &report);

    // What the profile knows of LocalStack is not known of a URL: there the wrong region is a finding.
    let groups = url_of(&report, "resource-groups");
    let (ran, report) = lab.json(&["smoke", "--endpoint", &groups, "--service", "resource-groups"]);
    let Value::Object(result) = &report["results"][0] else { panic!("{report:#}") };
    let finding = &result["finding"];
    assert_eq!(
        (ran.code, &result["phase"], &finding["code"]),
        (1, &json!("data"), &json!("wrong-region")),
        "{report:#}"
    );
    assert!(finding["message"].as_str().unwrap().contains("asked in region us-east-1"), "{finding}");
}

/// The URL of a service's Route, over HTTP.
fn url_of(report: &Value, service: &str) -> String {
    let endpoints = report["endpoints"].as_array().unwrap();
    let of_service = endpoints.iter().find(|endpoint| endpoint["service"] == service).unwrap();
    of_service["url"].as_str().unwrap().replace("https://", "http://")
}

#[test]
fn localstack_runs_with_an_arbitrary_uid_and_a_volume() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["plain"], &[]);
    let arguments = ["up", "--env", "plain", "--scc", "none", "--persistence", "1Gi", "--services", "sqs,s3"];
    let (ran, report) = lab.json(&arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(report["scc"], lab.restricted());
    assert_all_passed(&report, 2);
    let uid = lab.kubectl(&["-n", "localstack-plain", "exec", "deploy/emulator", "--", "id", "-u"]);
    assert!(uid.trim().parse::<u64>().unwrap() >= 1_000_000_000, "{uid}");
}

#[test]
fn a_part_that_could_not_be_installed_is_named() {
    let Some(lab) = Lab::shared() else { return };
    if lab_variable("LAB_STATE").is_none() {
        return;
    }
    let _clean = lab.clean(&["partless"], &[]);
    let arguments = [
        "up",
        "--env",
        "partless",
        "--image",
        "docker.io/localstack/localstack:4.14.0-noddb",
        "--services",
        "sqs,dynamodb",
    ];
    let (ran, report) = lab.json(&arguments);
    assert_eq!(ran.code, 1, "{ran:?}");
    let results = report["smoke"]["results"].as_array().unwrap();
    let dynamodb = results.iter().find(|result| result["service"] == "dynamodb").unwrap();
    assert_eq!(dynamodb["finding"]["code"], "part-not-installed", "{dynamodb:#}");
    assert_eq!(report["smoke"]["passed"], 1);
}

#[test]
fn the_legacy_layout_has_a_port_and_a_route_per_service() {
    let Some(lab) = Lab::shared() else { return };
    if lab_variable("LAB_STATE").is_none() {
        return;
    }
    let _clean = lab.clean(&["legacy"], &[]);
    let arguments = ["up", "--env", "legacy", "--emulator", "localstack-legacy", "--image", "lab.test/legacy:1"];
    let (ran, report) = lab.json(&arguments);
    assert_eq!(report["endpoints"].as_array().unwrap().len(), 16, "{ran:?}");
    // The images of that age cannot be had: moto stands behind the ports, and it does not serve deployed APIs.
    let results = report["smoke"]["results"].as_array().unwrap();
    let failed = results.iter().filter(|result| result["status"] == "failed");
    let failed: Vec<String> =
        failed.map(|result| format!("{} {}", result["service"], failed_operation(result))).collect();
    assert_eq!(failed, [r#""apigateway" "invoke""#], "{}", ran.stderr);
    assert_eq!(report["smoke"]["passed"], 15);
}

fn failed_operation(result: &Value) -> String {
    let operations = result["operations"].as_array().unwrap().iter();
    operations.filter(|op| op["ok"] == false && op.get("skipped").is_none()).map(|op| op["name"].to_string()).collect()
}
