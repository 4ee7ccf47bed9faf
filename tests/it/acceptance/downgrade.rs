//! A server that has server-side apply and refuses it: no reason to write in another way, which asks nobody whose fields are whose.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::lab::{Lab, SERVER_SIDE_APPLY, lsdeploy, run};

/// Stands before the cluster and refuses every apply, as something between may.
struct Refusing {
    _runtime: Runtime,
    kubectl: Child,
    kubeconfig: tempfile::NamedTempFile,
}

impl Refusing {
    fn start() -> Self {
        let cluster = std::env::var("LSDEPLOY_TEST_KUBECONFIG").unwrap();
        let mut kubectl = Command::new("kubectl");
        kubectl.args(["--kubeconfig", &cluster, "proxy", "--port=0"]).stdout(Stdio::piped());
        let mut kubectl = kubectl.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(kubectl.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let behind = said.trim().rsplit(' ').next().unwrap().to_owned();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
        let app = Router::new().fallback(pass).with_state((client, behind));
        runtime.spawn(async move { axum::serve(listener, app).await });
        let kubeconfig = tempfile::NamedTempFile::new().unwrap();
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: a, contexts: [{{name: a, context: {{cluster: a, user: a}}}}], \
             clusters: [{{name: a, cluster: {{server: 'http://{address}'}}}}], users: [{{name: a, user: {{}}}}]}}"
        );
        std::fs::write(kubeconfig.path(), text).unwrap();
        Self { _runtime: runtime, kubectl, kubeconfig }
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        let _ = self.kubectl.kill();
        let _ = self.kubectl.wait();
    }
}

async fn pass(State((client, behind)): State<(Client<HttpConnector, Body>, String)>, mut request: Request) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if request.method() == Method::PATCH && kind.starts_with("application/apply-patch") {
        let words = r#"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 415,
            "reason": "UnsupportedMediaType", "message": "the body of the request was in an unknown format"}"#;
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, [(header::CONTENT_TYPE, "application/json")], words)
            .into_response();
    }
    let path = request.uri().path_and_query().unwrap().to_string();
    *request.uri_mut() = format!("http://{behind}{path}").parse::<Uri>().unwrap();
    request.headers_mut().remove(header::HOST);
    client.request(request).await.unwrap().into_response()
}

#[test]
fn an_apply_that_is_refused_where_the_version_has_it_is_an_error() {
    let Some(lab) = Lab::shared() else { return };
    if !lab.has(&SERVER_SIDE_APPLY) {
        return;
    }
    let _clean = lab.clean(&["downgrade"], &[]);
    let refusing = Refusing::start();
    let up = ["up", "--env", "downgrade", "--emulator", "moto", "--services", "sqs"];
    let ran = run(&mut lsdeploy(refusing.kubeconfig.path(), &up));
    assert_eq!(ran.code, 2, "{ran:?}");
    for words in ["(HTTP 415)", "hint: this server's version applies objects itself", "none of its objects was written"]
    {
        assert!(ran.stderr.contains(words), "no `{words}` in {ran:?}");
    }
    let left = lab.try_kubectl(&["get", "namespace", "localstack-downgrade"], "");
    assert!(left.stderr.contains("NotFound"), "{left:?}");
}
