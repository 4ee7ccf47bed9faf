//! What a run says about Routes, with HAProxy as the router and moto behind it.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    process::Command,
};

use lsdeploy::{
    finding::{Phase, code},
    smoke::{self, Options, ServiceResult, Status},
};

use super::{options, parts, target};

/// Routers listen where the schemes say; an address of this test's own keeps it apart from others.
const ROUTER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 77, 1));

#[tokio::test]
async fn a_route_of_one_scheme_is_told_from_an_unknown_one() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_moto, moto)) = parts::moto([127, 0, 0, 1].into(), &[]) else { return };
    if !may_listen() {
        return;
    }
    parts::certificate(folder.path(), "");
    let pem = folder.path().join("both.pem");
    // As the router's template has it: a Route without insecureEdgeTerminationPolicy is no Route for http.
    let sections = format!(
        "frontend plain\n  bind {ROUTER}:80\n  use_backend moto if {{ hdr(host) -i plain.lab.test }}\n  \
         frontend tls\n  bind {ROUTER}:443 ssl crt {}\n  use_backend moto if {{ hdr(host) -i edge-only.lab.test }}\n\
         backend moto\n  server moto {moto}",
        pem.display()
    );
    let Some(_router) = parts::haproxy(folder.path(), &sections, SocketAddr::new(ROUTER, 443)) else { return };
    let ca_pem = Some(fs::read(folder.path().join("ca.pem")).unwrap());
    let mut options = Options { ca_pem, router: Some(ROUTER.to_string()), ..options("scheme") };
    options.deadlines.settle = std::time::Duration::ZERO;

    assert_eq!(s3("https://edge-only.lab.test", &options).await.status, Status::Passed);
    let plain = s3("http://edge-only.lab.test", &options).await;
    check(&plain, Phase::Route, code::ROUTE_SCHEME, "knows edge-only.lab.test by https only");
    let tls = s3("https://plain.lab.test", &options).await;
    check(&tls, Phase::Route, code::ROUTE_SCHEME, "knows plain.lab.test by http only");
    let unknown = s3("http://unknown.lab.test", &options).await;
    check(&unknown, Phase::Route, code::ROUTE_NO_ENDPOINTS, "127.0.77.1:80, given by `--router`");
    options.admitted = true;
    let unknown = s3("https://unknown.lab.test", &options).await;
    check(&unknown, Phase::Route, code::ROUTE_UNKNOWN, "though the cluster says that the Route is admitted");
}

#[tokio::test]
async fn a_route_that_leads_to_another_environment_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let here = [127, 0, 0, 1].into();
    let (Some((_own, own)), Some((_other, other))) = (parts::moto(here, &[]), parts::moto(here, &[])) else { return };
    let router = SocketAddr::new(here, parts::free_port(here));
    // The second environment has taken one host of the first.
    let sections = format!(
        "frontend router\n  bind {router}\n  use_backend other if {{ hdr(host) -i kinesis.lab.test }}\n  \
         default_backend own\nbackend own\n  server own {own}\nbackend other\n  server other {other}"
    );
    let Some(_router) = parts::haproxy(folder.path(), &sections, router) else { return };
    let edge = Some("http://edge.lab.test".to_owned());
    let options = Options { router: Some(router.to_string()), edge, ..options("taken") };
    let targets = ["kinesis", "sns", "sqs"].map(|service| target(service, &format!("http://{service}.lab.test")));
    let results = smoke::run(&targets, &options, |_, _| ()).await.unwrap();
    let message =
        "http://kinesis.lab.test leads to another environment: a queue made at http://edge.lab.test is unknown";
    check(&results[0], Phase::Data, code::DIFFERENT_ENVIRONMENT, message);
    for passed in &results[1..] {
        assert_eq!(passed.status, Status::Passed, "{passed:?}");
        let last = passed.operations.iter().find(|operation| operation.name == "same_environment").unwrap();
        assert!(last.ok);
    }
}

#[tokio::test]
async fn clocks_apart_are_found_on_a_real_emulator() {
    let Some(faketime) = parts::program("faketime") else { return };
    let Some((_moto, moto)) = parts::moto([127, 0, 0, 1].into(), &[&faketime, "-f", "+2h"]) else { return };
    let result = s3(&format!("http://{moto}"), &options("clocks")).await;
    check(&result, Phase::Api, code::CLOCK_SKEW, "s ahead of this machine's");
}

#[tokio::test]
async fn a_certificate_is_described_where_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here: IpAddr = [127, 0, 0, 1].into();
    parts::certificate(folder.path(), "");
    let router = SocketAddr::new(here, parts::free_port(here));
    let pem = folder.path().join("both.pem");
    let sections = format!("frontend tls\n  bind {router} ssl crt {}\n  http-request return status 404", pem.display());
    let Some(_router) = parts::haproxy(folder.path(), &sections, router) else { return };
    let wrong_ca = Options { router: Some(router.to_string()), ..options("wrongca") };
    let result = s3("https://sqs.lab.test", &wrong_ca).await;
    let seen =
        "the certificate's issuer is not trusted: certificate `router.lab.test` for *.lab.test, by `lab`, valid 20";
    check(&result, Phase::Tls, code::TLS_UNTRUSTED, seen);
    let right_ca = Options { ca_pem: Some(fs::read(folder.path().join("ca.pem")).unwrap()), ..wrong_ca };
    let result = s3("https://sqs.other.test", &right_ca).await;
    check(
        &result,
        Phase::Tls,
        code::TLS_WRONG_NAME,
        "is for another name: certificate `router.lab.test` for *.lab.test",
    );
}

#[tokio::test]
async fn an_expired_certificate_says_when_it_was_valid() {
    let Some(faketime) = parts::program("faketime") else { return };
    let folder = tempfile::tempdir().unwrap();
    let here: IpAddr = [127, 0, 0, 1].into();
    parts::certificate(folder.path(), "");
    let sign = "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names \
                -days 2 -out server.pem";
    let signed = Command::new(faketime)
        .args(["-f", "@2020-01-01 00:00:00"])
        .args(sign.split_whitespace())
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(signed.success());
    let both = [fs::read(folder.path().join("server.pem")), fs::read(folder.path().join("server.key"))];
    fs::write(folder.path().join("both.pem"), both.map(Result::unwrap).concat()).unwrap();
    let router = SocketAddr::new(here, parts::free_port(here));
    let pem = folder.path().join("both.pem");
    let sections = format!("frontend tls\n  bind {router} ssl crt {}\n  http-request return status 404", pem.display());
    let Some(_router) = parts::haproxy(folder.path(), &sections, router) else { return };
    let ca_pem = Some(fs::read(folder.path().join("ca.pem")).unwrap());
    let options = Options { ca_pem, router: Some(router.to_string()), ..options("expired") };
    let result = s3("https://sqs.lab.test", &options).await;
    let seen = "the certificate has expired: certificate `router.lab.test` for *.lab.test, by `lab`, valid 20";
    check(&result, Phase::Tls, code::TLS_EXPIRED, seen);
    assert!(result.finding.unwrap().message.contains(" to 2020-01-0"));
}

#[tokio::test]
async fn a_web_server_in_the_routers_place_is_a_wrong_address() {
    let folder = tempfile::tempdir().unwrap();
    let Some((name, address)) = parts::own_name() else { return };
    let server = SocketAddr::new(address, parts::free_port(address));
    let page = "<html><head><title>Welcome</title></head></html>";
    let answer =
        format!("http-request return status 200 content-type text/html string '{page}' hdr Server nginx/1.22.1");
    let sections = format!("frontend web\n  bind {server}\n  {answer}");
    let Some(_server) = parts::haproxy(folder.path(), &sections, server) else { return };
    let result = s3(&format!("http://{name}:{}", server.port()), &options("wrong")).await;
    let seen =
        format!("a web page (HTTP 200, \"Welcome\", Server: nginx/1.22.1) came from {server}, to which {name} leads");
    check(&result, Phase::Route, code::WRONG_ADDRESS, &seen);
}

/// Ports below 1024 are root's.
fn may_listen() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root {
        println!("SKIPPED: only root may listen on ports 80 and 443");
    }
    root
}

/// S3 returns no URLs, so every request goes where the test sends it.
async fn s3(url: &str, options: &Options) -> ServiceResult {
    smoke::run(&[target("s3", url)], options, |_, _| ()).await.unwrap().remove(0)
}

#[track_caller]
fn check(result: &ServiceResult, phase: Phase, code: &str, message: &str) {
    let finding = result.finding.as_ref().unwrap();
    println!("{finding:?}");
    assert_eq!((result.phase, finding.code), (Some(phase), code), "{finding:?}");
    assert!(finding.message.contains(message), "{}", finding.message);
}
