//! All checks against a real emulator: moto, and LocalStack where one is given.

use std::{
    env,
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lsdeploy::smoke::{self, Companions, Limit, Operation, ServiceResult, Status, Summary, Target};

use super::{limit, options};

/// What moto 5 cannot do.
fn moto_limits() -> Vec<Limit> {
    vec![
        limit("apigateway", "invoke", "moto server does not serve deployed APIs"),
        limit("lambda", "invoke", "needs Docker"),
    ]
}

#[tokio::test]
async fn every_service_of_moto_passes_through_the_router_override() {
    let Some(moto) = Moto::start() else { return };
    let targets = targets_behind_routes();
    let mut options = options("moto1");
    options.router = Some(format!("127.0.0.1:{}", moto.port));
    options.limits = moto_limits();

    let mut seen = Vec::new();
    let results = smoke::run(&targets, &options, |result, _| seen.push(result.service.clone())).await.unwrap();

    assert_all_passed(&results, 2);
    let order: Vec<_> = results.iter().map(|result| result.service.as_str()).collect();
    assert_eq!(order, smoke::services().collect::<Vec<_>>(), "results stand in the order of the targets");
    seen.sort();
    assert_eq!(seen, order, "each result was reported once");
}

#[tokio::test]
async fn a_second_run_with_the_same_id_finds_nothing_of_the_first() {
    let Some(moto) = Moto::start() else { return };
    let mut options = options("twice");
    options.router = Some(format!("127.0.0.1:{}", moto.port));
    options.limits = moto_limits();
    // Every service by itself, as in the layout with one process per port.
    options.companions = Companions::Own;
    for _ in 0..2 {
        let results = smoke::run(&targets_behind_routes(), &options, |_, _| ()).await.unwrap();
        assert_all_passed(&results, 2);
    }
}

#[tokio::test]
async fn one_service_alone_needs_no_other_endpoint() {
    let Some(moto) = Moto::start() else { return };
    let mut options = options("alone");
    options.limits = moto_limits();
    for service in smoke::services() {
        let target = super::target(service, &format!("http://127.0.0.1:{}", moto.port));
        let results = smoke::run(&[target], &options, |_, _| ()).await.unwrap();
        assert_all_passed(&results, 1);
    }
}

fn targets_behind_routes() -> Vec<Target> {
    smoke::services()
        .map(|service| super::target(service, &format!("http://{service}-localstack-t.apps.lab.test")))
        .collect()
}

#[track_caller]
fn assert_all_passed(results: &[ServiceResult], most_skipped: usize) {
    for result in results {
        println!("{:<16} {:?} {:>6} ms  {}", result.service, result.status, result.ms, steps(&result.operations));
    }
    let failed: Vec<_> = results.iter().filter(|result| result.status != Status::Passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(Summary::of(results).passed, results.len());
    let operations: Vec<&Operation> = results.iter().flat_map(|result| &result.operations).collect();
    assert!(operations.iter().all(|operation| operation.ok || operation.skipped.is_some()), "{operations:#?}");
    assert!(operations.iter().filter(|operation| operation.skipped.is_some()).count() <= most_skipped);
}

fn steps(operations: &[Operation]) -> String {
    operations.iter().map(|operation| format!("{} {}", operation.name, operation.ms)).collect::<Vec<_>>().join(", ")
}

/// A variable that names a part of the lab; without it the test is skipped aloud, or fails where the lab is a must.
fn given(variable: &str, what: &str) -> Option<String> {
    let value = env::var(variable).ok();
    if value.is_none() {
        println!("SKIPPED: {variable} does not give {what}");
        let must =
            env::var("CI").is_ok_and(|ci| ci == "true") || env::var("LSDEPLOY_REQUIRE_LAB").is_ok_and(|lab| lab == "1");
        assert!(!must, "{variable} must give {what}");
    }
    value
}

/// A moto server of this test's own, ended with it.
pub(crate) struct Moto {
    process: Child,
    pub(crate) port: u16,
}

impl Moto {
    pub(crate) fn start() -> Option<Self> {
        let program = given("LSDEPLOY_TEST_MOTO", "the path of moto_server")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let process = Command::new(program)
            // Else moto takes `s3-localstack-t` in the host for the name of a bucket.
            .env("S3_IGNORE_SUBDOMAIN_BUCKETNAME", "true")
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self { process, port };
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(started.elapsed() < Duration::from_mins(1), "moto does not listen on {port}");
            thread::sleep(Duration::from_millis(50));
        }
        Some(moto)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
