//! All checks against a real emulator: moto, and LocalStack where one is given.

use std::{
    env,
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lsdeploy::{
    emulator,
    finding::{Phase, code},
    smoke::{self, Companions, Limit, Operation, ServiceResult, Status, Summary, Target},
};

use super::{
    limit, options,
    scripted::{Script, http, serve},
};

/// All that is left out: what moto is known not to do, and what no Route leads to.
const SKIPPED: [&str; 3] = ["apigateway invoke", "lambda invoke", "s3 get_object_virtual_host"];

/// Else moto takes `s3-localstack-t` in the host for the name of a bucket.
const IGNORE_HOSTS: (&str, &str) = ("S3_IGNORE_SUBDOMAIN_BUCKETNAME", "true");

/// What moto is known not to do, from its profile, as every environment has it.
pub(super) fn moto_limits() -> Vec<Limit> {
    let lacks = emulator::profile("moto").unwrap().lacks;
    lacks.iter().map(|lack| limit(&lack.service, &lack.operation, &lack.reason)).collect()
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

    assert_all_passed(&results);
    assert_eq!(skipped(&results), SKIPPED);
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
        assert_all_passed(&results);
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
        assert_all_passed(&results);
    }
}

#[tokio::test]
async fn a_bucket_is_read_from_its_own_host_where_it_has_one() {
    let Some(moto) = Moto::with(&[("MOTO_S3_CUSTOM_ENDPOINTS", "http://s3.lab.test")]) else { return };
    let mut options = options("virtual");
    options.router = Some(format!("127.0.0.1:{}", moto.port));
    let results = smoke::run(&[super::target("s3", "http://s3.lab.test")], &options, |_, _| ()).await.unwrap();
    assert_all_passed(&results);
    assert!(results[0].operations.iter().any(|operation| operation.name == "get_object_virtual_host" && operation.ok));
}

#[tokio::test]
async fn everything_is_made_under_the_account_asked_for() {
    let Some(moto) = Moto::with(&[IGNORE_HOSTS, ("MOTO_ACCOUNT_ID", "000011112222")]) else { return };
    let mut options = options("account");
    options.router = Some(format!("127.0.0.1:{}", moto.port));
    options.limits = moto_limits();
    options.account = Some("000011112222".to_owned());
    assert_all_passed(&smoke::run(&targets_behind_routes(), &options, |_, _| ()).await.unwrap());

    options.account = Some("000011113333".to_owned());
    let sts = super::target("sts", "http://sts-localstack-t.apps.lab.test");
    let results = smoke::run(&[sts], &options, |_, _| ()).await.unwrap();
    assert_eq!(results[0].finding.as_ref().unwrap().code, code::WRONG_ACCOUNT);
}

#[tokio::test]
async fn the_web_page_of_the_legacy_layout_is_a_check_but_no_service() {
    assert!(smoke::has_check("web") && smoke::services().all(|service| service != "web"));
    for (body, problem) in [("<!DOCTYPE html><HTML><body>LocalStack</body></HTML>", None), ("{}", Some(Phase::Data))] {
        let port = serve(Script::Say(http("200 OK", "", body)));
        let web = super::target("web", &format!("http://127.0.0.1:{port}"));
        let results = smoke::run(&[web], &options("web"), |_, _| ()).await.unwrap();
        assert_eq!(results[0].phase, problem, "{results:#?}");
    }
}

fn targets_behind_routes() -> Vec<Target> {
    smoke::services()
        .map(|service| super::target(service, &format!("http://{service}-localstack-t.apps.lab.test")))
        .collect()
}

#[track_caller]
fn assert_all_passed(results: &[ServiceResult]) {
    for result in results {
        println!("{:<16} {:?} {:>6} ms  {}", result.service, result.status, result.ms, steps(&result.operations));
    }
    let failed: Vec<_> = results.iter().filter(|result| result.status != Status::Passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(Summary::of(results).passed, results.len());
    let operations: Vec<&Operation> = results.iter().flat_map(|result| &result.operations).collect();
    assert!(operations.iter().all(|operation| operation.ok || operation.skipped.is_some()), "{operations:#?}");
    assert!(skipped(results).iter().all(|skipped| SKIPPED.contains(&skipped.as_str())), "{:?}", skipped(results));
}

/// Operations that were left out, as `service operation`.
fn skipped(results: &[ServiceResult]) -> Vec<String> {
    let of = |result: &ServiceResult| {
        let left_out = result.operations.iter().filter(|operation| operation.skipped.is_some());
        left_out.map(|operation| format!("{} {}", result.service, operation.name)).collect::<Vec<_>>()
    };
    results.iter().flat_map(of).collect()
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
    /// As the profile starts it.
    pub(crate) fn start() -> Option<Self> {
        Self::with(&[IGNORE_HOSTS])
    }

    fn with(environment: &[(&str, &str)]) -> Option<Self> {
        let program = given("LSDEPLOY_TEST_MOTO", "the path of moto_server")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let process = Command::new(program)
            .envs(environment.iter().copied())
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
        let after_start = emulator::profile("moto").unwrap().after_start;
        let status = Command::new(&after_start[0]).args(&after_start[1..]).env("MOTO_PORT", port.to_string()).status();
        assert!(status.unwrap().success(), "what the profile does after moto's start");
        Some(moto)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
