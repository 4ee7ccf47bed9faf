//! A caller who may request projects but not make namespaces. The lab has no project API: a scripted server answers as
//! OpenShift does and keeps what it was asked.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::lab::{Ran, lsdeploy};

#[derive(Default)]
struct Server {
    /// What changes something, in order: method and path.
    writes: Vec<String>,
    objects: BTreeMap<String, Value>,
}

type Shared = Arc<Mutex<Server>>;

async fn answer(State(server): State<Shared>, method: Method, uri: Uri, body: String) -> (StatusCode, Json<Value>) {
    let mut server = server.lock().unwrap();
    let path = uri.path();
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    if path.ends_with("selfsubjectaccessreviews") {
        let asked = &body["spec"]["resourceAttributes"];
        // A plain user: everything in namespaced kinds once the project is there, projects, and nothing else.
        let allowed = !["namespaces", "securitycontextconstraints", "*"].contains(&asked["resource"].as_str().unwrap());
        return (StatusCode::CREATED, Json(json!({"status": {"allowed": allowed}})));
    }
    if path.ends_with("selfsubjectreviews") || uri.query().is_some_and(|query| query.contains("dryRun=All")) {
        return (StatusCode::NOT_FOUND, Json(json!({"kind": "Status", "code": 404, "reason": "NotFound"})));
    }
    match (method.as_str(), path) {
        ("GET", "/version") => (StatusCode::OK, Json(json!({"gitVersion": "v1.27.0"}))),
        ("GET", "/apis") => {
            let groups = ["route.openshift.io", "security.openshift.io", "project.openshift.io"];
            (StatusCode::OK, Json(json!({"groups": groups.map(|name| json!({"name": name}))})))
        }
        ("GET", "/api/v1/configmaps") => {
            let found: Vec<&Value> = server.objects.values().filter(|object| object["kind"] == "ConfigMap").collect();
            (StatusCode::OK, Json(json!({"items": found})))
        }
        ("GET", _) if path.ends_with("/routes") => (StatusCode::OK, Json(json!({"items": []}))),
        ("GET", _) => match server.objects.get(path) {
            Some(object) => (StatusCode::OK, Json(object.clone())),
            None => (StatusCode::NOT_FOUND, Json(json!({"kind": "Status", "code": 404, "reason": "NotFound"}))),
        },
        _ => {
            server.writes.push(format!("{method} {path}"));
            if method == Method::DELETE {
                server.objects.remove(path);
            } else {
                let mut stored = body.clone();
                stored["metadata"]["namespace"] = "localstack-mine".into();
                server.objects.insert(path.to_owned(), stored);
            }
            (StatusCode::OK, Json(body))
        }
    }
}

fn lsdeploy_against(address: &str, directory: &std::path::Path, arguments: &[&str]) -> Ran {
    let kubeconfig = directory.join("kubeconfig");
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": address}}], "users": [{"name": "u", "user": {}}]});
    fs::write(&kubeconfig, config.to_string()).unwrap();
    crate::lab::run(&mut lsdeploy(&kubeconfig, arguments))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_may_not_make_namespaces_gets_a_project() {
    let server = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Arc::clone(&server));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: Vec<&'static str>| {
        let (address, directory) = (address.clone(), directory.path().to_owned());
        tokio::task::spawn_blocking(move || lsdeploy_against(&address, &directory, &arguments))
    };

    let flags =
        ["up", "--env", "mine", "--scc", "none", "--services", "sqs", "--apps-domain", "apps.test", "--no-wait"];
    let ran = run(flags.to_vec()).await.unwrap();
    assert_eq!(ran.code, 0, "{ran:?}");
    let writes = std::mem::take(&mut server.lock().unwrap().writes);
    assert_eq!(writes[0], "POST /apis/project.openshift.io/v1/projectrequests", "{writes:#?}");
    let touches_namespace = |write: &String| write.ends_with("/namespaces/localstack-mine");
    assert!(!writes.iter().any(touches_namespace), "{writes:#?}");
    let inventory =
        &server.lock().unwrap().objects["/api/v1/namespaces/localstack-mine/configmaps/lsdeploy-inventory"].clone();
    assert_eq!(inventory["data"]["namespace"], "project");

    let ran = run(vec!["up", "--env", "other", "--services", "sqs", "--apps-domain", "apps.test", "--no-wait"])
        .await
        .unwrap();
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("nothing was written") && ran.stderr.contains("--scc none"), "{ran:?}");
}
