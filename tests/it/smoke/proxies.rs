//! What a run does about a real proxy (tinyproxy) on the way to a real emulator (moto), plain and behind HAProxy's TLS.

use std::{fs, net::SocketAddr};

use lsdeploy::{
    finding::{Phase, code},
    smoke::{self, Options, Proxies, ServiceResult, Status},
};

use super::{
    options,
    parts::{self, Part, free_port},
    target,
};

#[tokio::test]
async fn a_proxy_is_passed_and_said_and_its_refusals_are_told_from_the_routers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(way) = Way::start(folder.path()) else { return };
    let Way { http, https, gone, tls_port, .. } = &way;
    let free = format!("ConnectPort {tls_port}\nViaProxyName \"lab\"");
    let Some((_open, open)) = parts::tinyproxy(folder.path(), &free) else { return };
    let Some((_closed, closed)) = parts::tinyproxy(folder.path(), "ConnectPort 1") else { return };

    let through = |https, http| with(&[("HTTPS_PROXY", https), ("http_proxy", http)], folder.path());
    let (open, closed) = (format!("http://{open}"), closed.to_string());
    let options = through(&open, &open);
    for url in [http, https] {
        let result = s3(url, &options).await;
        assert_eq!(result.status, Status::Passed, "{result:#?}");
        let note = smoke::proxy_note(&[target("sqs", url)], &options).unwrap();
        assert!(note.starts_with(&format!("smoke goes through the proxy {open} (")), "{note}");
    }
    check(
        &s3(https, &through(&closed, "")).await,
        code::PROXY_REFUSED,
        "refused to connect: HTTP 403 Access violation",
    );
    check(&s3(gone, &options).await, code::PROXY_REFUSED, "answered itself (HTTP 500");
    let nobody = free_port([127, 0, 0, 1].into()).to_string();
    let nobody = format!("127.0.0.1:{nobody}");
    let unreachable = s3(http, &through("", &nobody)).await;
    check(&unreachable, code::PROXY_UNREACHABLE, &format!("the proxy http://{nobody} (http_proxy) cannot be used"));
}

#[tokio::test]
async fn no_proxy_and_a_given_router_lead_past_the_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let Some(way) = Way::start(folder.path()) else { return };
    let nobody = "127.0.0.1:1";
    let past = with(&[("http_proxy", nobody), ("no_proxy", &way.name)], folder.path());
    assert_eq!(s3(&way.http, &past).await.status, Status::Passed);
    assert_eq!(smoke::proxy_note(&[target("sqs", &way.http)], &past), None);
    let mut given = with(&[("http_proxy", nobody)], folder.path());
    given.router = Some(way.moto.to_string());
    assert_eq!(s3("http://sqs.lab.test", &given).await.status, Status::Passed);
}

#[tokio::test]
async fn a_proxy_that_wants_a_user_gets_the_one_of_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    let Some(way) = Way::start(folder.path()) else { return };
    let wants = format!("BasicAuth me s3cret\nConnectPort {}", way.tls_port);
    let Some((_proxy, proxy)) = parts::tinyproxy(folder.path(), &wants) else { return };
    let (bare, named) = (format!("http://{proxy}"), format!("http://me:s3cret@{proxy}"));
    let nobody = with(&[("https_proxy", &bare), ("http_proxy", &bare)], folder.path());
    let me = with(&[("https_proxy", &named), ("http_proxy", &named)], folder.path());
    for url in [&way.http, &way.https] {
        check(&s3(url, &nobody).await, code::PROXY_REFUSED, "HTTP 407");
        assert_eq!(s3(url, &me).await.status, Status::Passed, "{url}");
    }
    assert!(!smoke::proxy_note(&[target("sqs", &way.http)], &me).unwrap().contains("s3cret"));
}

#[tokio::test]
async fn a_proxy_of_another_kind_is_refused_before_anything_is_sent() {
    let socks = Options { proxies: proxies(&[("http_proxy", "socks5://127.0.0.1:1080")]), ..options("socks") };
    let refused = smoke::run(&[target("sqs", "http://sqs.lab.test")], &socks, |_, _| ()).await.unwrap_err().to_string();
    assert!(refused.contains("`socks5`"), "{refused}");
}

/// moto under this machine's name, which goes through proxies as any other: plain, and behind TLS.
struct Way {
    _parts: [Part; 2],
    name: String,
    moto: SocketAddr,
    http: String,
    https: String,
    /// Nothing listens here.
    gone: String,
    tls_port: u16,
}

impl Way {
    fn start(folder: &std::path::Path) -> Option<Self> {
        let (name, address) = parts::own_name()?;
        let (server, moto) = parts::moto(address, &[])?;
        parts::certificate(folder, &format!(",DNS:{name}"));
        let tls = SocketAddr::new(address, free_port(address));
        let pem = folder.join("both.pem");
        let sections = format!(
            "frontend tls\n  bind {tls} ssl crt {}\n  default_backend moto\nbackend moto\n  server moto {moto}",
            pem.display()
        );
        let front = parts::haproxy(folder, &sections, tls)?;
        Some(Self {
            _parts: [server, front],
            http: format!("http://{name}:{}", moto.port()),
            https: format!("https://{name}:{}", tls.port()),
            gone: format!("http://{name}:{}", free_port(address)),
            tls_port: tls.port(),
            moto,
            name,
        })
    }
}

fn with(variables: &[(&str, &str)], folder: &std::path::Path) -> Options {
    let ca_pem = fs::read(folder.join("ca.pem")).ok();
    Options { ca_pem, proxies: proxies(variables), ..options("proxies") }
}

fn proxies(variables: &[(&str, &str)]) -> Proxies {
    let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Proxies::from_variables(find)
}

/// S3 returns no URLs, so every request goes where the test sends it.
async fn s3(url: &str, options: &Options) -> ServiceResult {
    smoke::run(&[target("s3", url)], options, |_, _| ()).await.unwrap().remove(0)
}

#[track_caller]
fn check(result: &ServiceResult, code: &str, message: &str) {
    let finding = result.finding.as_ref().unwrap();
    println!("{finding:?}");
    assert_eq!((result.phase, finding.code), (Some(Phase::Connect), code), "{finding:?}");
    assert!(finding.message.contains(message), "{}", finding.message);
    assert!(finding.hint.contains("NO_PROXY="), "{}", finding.hint);
}
