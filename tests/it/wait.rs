//! `until_ready` against an API server of a few lines: what it asks, what it can do without, and when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use futures::StreamExt as _;
use futures::stream;
use lsdeploy::cluster::wait::{Expectation, ExpectedScc, Milestone, Notice, Ready, Stuck, WaitError, until_ready};
use serde_json::{Value, json};

/// What the server answers, by the plural of the kind.
#[derive(Default)]
struct Fake {
    objects: BTreeMap<&'static str, Vec<Value>>,
    /// Sent by the first watch of the kind, as soon as it is opened.
    changes: BTreeMap<&'static str, Vec<Value>>,
    denied: BTreeSet<&'static str>,
    without_slices: bool,
    /// Kinds whose first watch has expired before it begins.
    expired: BTreeSet<&'static str>,
    log: &'static str,
    requests: Vec<String>,
}

type Shared = Arc<Mutex<Fake>>;

const KINDS: [&str; 9] = [
    "namespaces",
    "deployments",
    "replicasets",
    "pods",
    "persistentvolumeclaims",
    "events",
    "endpointslices",
    "endpoints",
    "routes",
];

impl Fake {
    /// A rollout that is complete, with two Routes admitted.
    fn ready() -> Self {
        let owner = |kind, uid| json!([{"apiVersion": "apps/v1", "kind": kind, "name": uid, "uid": uid}]);
        let mut fake = Self::default();
        fake.put("namespaces", json!({"metadata": {"name": "ns1"}}));
        fake.put(
            "deployments",
            json!({"metadata": {"name": "emu", "uid": "d", "generation": 1, "annotations": {"deployment.kubernetes.io/revision": "1"}},
                "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "emu"}}, "template": {}},
                "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}}),
        );
        fake.put(
            "replicasets",
            json!({"metadata": {"name": "emu-a", "uid": "a", "ownerReferences": owner("Deployment", "d"),
                    "annotations": {"deployment.kubernetes.io/revision": "1"}}, "spec": {"selector": {}, "template": {}}}),
        );
        fake.put("pods", pod(&json!({"running": {}}), true, &owner("ReplicaSet", "a")));
        let target = json!([{"addresses": ["10.0.0.1"], "targetRef": {"name": "emu-a-1"}}]);
        fake.put("endpointslices", json!({"metadata": {"name": "svc-1"}, "addressType": "IPv4", "endpoints": target}));
        let address = json!([{"addresses": [{"ip": "10.0.0.1", "targetRef": {"name": "emu-a-1"}}]}]);
        fake.put("endpoints", json!({"metadata": {"name": "svc"}, "subsets": address}));
        fake.put("routes", route("s3"));
        fake.put("routes", route("sqs"));
        fake
    }

    /// The same with the container in another state.
    fn with_container(state: &Value) -> Self {
        let mut fake = Self::ready();
        let owner = fake.objects["pods"][0]["metadata"]["ownerReferences"].clone();
        fake.objects.insert("pods", vec![pod(state, false, &owner)]);
        fake
    }

    fn put(&mut self, kind: &'static str, mut object: Value) {
        object["metadata"]["resourceVersion"] = json!("1");
        self.objects.entry(kind).or_default().push(object);
    }
}

fn pod(state: &Value, ready: bool, owner: &Value) -> Value {
    json!({"metadata": {"name": "emu-a-1", "uid": "p", "resourceVersion": "1", "ownerReferences": owner,
            "annotations": {"openshift.io/scc": "lsdeploy-team1"}},
        "spec": {"nodeName": "n", "containers": [{"name": "main", "image": "emu:1"}]},
        "status": {"containerStatuses": [{"name": "main", "image": "emu:1", "imageID": "emu@sha256:77", "ready": ready,
            "restartCount": 1, "state": state}]}})
}

fn route(name: &str) -> Value {
    json!({"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": {"name": name}, "status": {"ingress":
        [{"host": format!("{name}.apps.test"), "conditions": [{"type": "Admitted", "status": "True"}]}]}})
}

async fn answer(State(fake): State<Shared>, method: Method, uri: Uri, _body: Bytes) -> Response {
    let mut fake = fake.lock().unwrap();
    fake.requests.push(format!("{method} {uri}"));
    let path = uri.path();
    let query = uri.query().unwrap_or_default();
    if path == "/apis/discovery.k8s.io/v1" {
        let slices = json!({"kind": "APIResourceList", "groupVersion": "discovery.k8s.io/v1", "resources":
            [{"name": "endpointslices", "singularName": "", "namespaced": true, "kind": "EndpointSlice", "verbs": []}]});
        return if fake.without_slices { failure(404, "NotFound") } else { reply(200, &slices) };
    }
    if path.ends_with("/log") {
        return Response::new(Body::from(fake.log));
    }
    let Some(kind) = KINDS.into_iter().rev().find(|kind| path.split('/').any(|part| part == *kind)) else {
        return failure(404, "NotFound");
    };
    if fake.denied.contains(kind) {
        return failure(403, "Forbidden");
    }
    if !path.ends_with(kind) {
        let object = fake.objects.get(kind).and_then(|objects| objects.first());
        return object.map_or_else(|| failure(404, "NotFound"), |object| reply(200, object));
    }
    if query.contains("watch=true") {
        if fake.expired.remove(kind) {
            return failure(410, "Expired");
        }
        let changes = fake.changes.remove(kind).unwrap_or_default();
        let lines = changes
            .into_iter()
            .map(|change| Ok::<_, Infallible>(format!("{}\n", json!({"type": "MODIFIED", "object": change}))));
        return Response::new(Body::from_stream(stream::iter(lines).chain(stream::pending())));
    }
    let all = fake.objects.get(kind).cloned().unwrap_or_default();
    let about = |object: &Value| {
        object["involvedObject"]["uid"]
            .as_str()
            .is_none_or(|uid| query.ends_with(&format!("%3D{uid}")) || query.contains(&format!("%3D{uid}&")))
    };
    let items: Vec<Value> = all.into_iter().filter(about).collect();
    reply(200, &json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}))
}

fn reply(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn failure(code: u16, reason: &str) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": format!("no: {reason}")});
    reply(code, &body)
}

fn expectation() -> Expectation {
    Expectation {
        namespace: "ns1".into(),
        deployment: "emu".into(),
        generation: Some(1),
        service: "svc".into(),
        claim: None,
        routes: vec!["s3".into(), "sqs".into()],
        scc: ExpectedScc::Named("lsdeploy-team1".into()),
        wake: true,
        env: "team1".into(),
    }
}

/// What a wait came to, what it told on the way, and what it asked.
struct Outcome {
    verdict: Result<Result<Ready, Stuck>, WaitError>,
    notices: Vec<Notice>,
    requests: Vec<String>,
    took: Duration,
}

impl Outcome {
    #[track_caller]
    fn ready(&self) -> &Ready {
        match &self.verdict {
            Ok(Ok(ready)) => ready,
            other => panic!("not ready: {other:?}, after {:?}", self.notices),
        }
    }

    #[track_caller]
    fn stuck(&self) -> &Stuck {
        match &self.verdict {
            Ok(Err(stuck)) => stuck,
            other => panic!("not stuck: {other:?}, after {:?}", self.notices),
        }
    }

    fn asked(&self, what: &str) -> bool {
        self.requests.iter().any(|request| request.contains(what))
    }
}

async fn wait(fake: Fake, seconds: u64) -> Outcome {
    let shared = Shared::new(Mutex::new(fake));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().fallback(answer).with_state(shared.clone());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    let client = kube::Client::try_from(config).unwrap();
    let mut notices = Vec::new();
    let start = Instant::now();
    let verdict =
        until_ready(&client, &expectation(), Duration::from_secs(seconds), &mut |notice| notices.push(notice)).await;
    let took = start.elapsed();
    server.abort();
    let requests = std::mem::take(&mut shared.lock().unwrap().requests);
    Outcome { verdict, notices, requests, took }
}

#[tokio::test]
async fn what_serves_already_is_told_at_once_by_narrow_requests() {
    let outcome = wait(Fake::ready(), 20).await;
    let ready = outcome.ready();
    assert_eq!((ready.pod.as_str(), ready.digest.as_deref()), ("emu-a-1", Some("sha256:77")));
    assert_eq!(ready.hosts.keys().collect::<Vec<_>>(), ["s3", "sqs"]);
    assert!(outcome.took < Duration::from_secs(5), "{:?}", outcome.took);
    assert!(outcome.notices.contains(&Notice::Reached(Milestone::RoutesAdmitted { admitted: 2, total: 2 })));
    // A shared namespace may hold thousands of objects of other people.
    for list in outcome.requests.iter().filter(|request| request.contains('?')) {
        assert!(list.contains("labelSelector=") || list.contains("fieldSelector="), "{list}");
    }
    assert!(outcome.requests.iter().all(|request| request.starts_with("GET ")), "{:?}", outcome.requests);
}

#[tokio::test]
async fn kinds_that_may_not_be_seen_are_done_without() {
    let mut fake = Fake::ready();
    fake.denied.extend(["namespaces", "replicasets", "events", "endpointslices"]);
    assert_eq!(wait(fake, 20).await.ready().pod, "emu-a-1");
}

#[tokio::test]
async fn pods_that_may_not_be_seen_are_named_at_the_deadline() {
    let mut fake = Fake::ready();
    fake.denied.insert("pods");
    let outcome = wait(fake, 1).await;
    let finding = &outcome.stuck().finding;
    assert_eq!(finding.code, "cannot-see");
    assert!(finding.message.contains("no: Forbidden") && finding.hint.contains("can-i watch pods"), "{finding:?}");
}

#[tokio::test]
async fn a_server_without_endpoint_slices_is_asked_for_endpoints() {
    let mut fake = Fake::ready();
    fake.without_slices = true;
    let outcome = wait(fake, 20).await;
    outcome.ready();
    assert!(outcome.asked("/endpoints?") && !outcome.asked("/endpointslices"), "{:?}", outcome.requests);
}

#[tokio::test]
async fn a_change_ends_the_wait_without_polling() {
    let mut fake = Fake::with_container(&json!({"waiting": {"reason": "ContainerCreating"}}));
    fake.changes.insert("pods", Fake::ready().objects["pods"].clone());
    let outcome = wait(fake, 20).await;
    outcome.ready();
    assert!(
        outcome.notices.contains(&Notice::Waiting("pod emu-a-1: ContainerCreating".to_owned())),
        "{:?}",
        outcome.notices
    );
    let lists = outcome.requests.iter().filter(|request| request.contains("/pods?") && !request.contains("watch=true"));
    assert_eq!(lists.count(), 1);
}

#[tokio::test]
async fn an_expired_watch_is_replaced() {
    let mut fake = Fake::with_container(&json!({"waiting": {"reason": "ContainerCreating"}}));
    fake.changes.insert("pods", Fake::ready().objects["pods"].clone());
    fake.expired.insert("pods");
    let outcome = wait(fake, 20).await;
    outcome.ready();
    let lists = outcome.requests.iter().filter(|request| request.contains("/pods?") && !request.contains("watch=true"));
    assert_eq!(lists.count(), 2);
}

#[tokio::test]
async fn a_crash_loop_shows_the_last_lines_of_its_log() {
    let mut fake = Fake::with_container(&json!({"terminated": {"exitCode": 1, "reason": "Error"}}));
    fake.log = "starting\n\u{1b}[31mno space left\u{1b}[0m\n";
    let outcome = wait(fake, 20).await;
    let stuck = outcome.stuck();
    assert_eq!(stuck.finding.code, "crash-loop");
    assert!(stuck.finding.message.ends_with("with exit code 1: no space left"), "{}", stuck.finding.message);
    assert!(stuck.evidence.contains(&"log: starting".to_owned()), "{:?}", stuck.evidence);
    assert!(outcome.took < Duration::from_secs(5), "{:?}", outcome.took);
}

#[tokio::test]
async fn a_refusal_from_before_is_tried_anew_and_then_believed() {
    let mut fake = Fake::ready();
    fake.objects.remove("pods");
    let words = "pods \"emu-a-\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1";
    fake.objects.get_mut("replicasets").unwrap()[0]["status"] = json!({"replicas": 0, "conditions":
        [{"type": "ReplicaFailure", "status": "True", "message": words}]});
    let outcome = wait(fake, 20).await;
    assert_eq!(outcome.stuck().finding.code, "quota-exceeded");
    assert!(outcome.took >= Duration::from_secs(2), "{:?}", outcome.took);
    assert!(outcome.asked("PATCH /apis/apps/v1/namespaces/ns1/replicasets/emu-a"), "{:?}", outcome.requests);
}

#[tokio::test]
async fn what_is_missing_is_listed_at_the_deadline() {
    let mut fake = Fake::with_container(&json!({"waiting": {"reason": "ContainerCreating"}}));
    fake.objects.get_mut("routes").unwrap()[1]["status"] = json!({"ingress": [{"host": "x"}]});
    let outcome = wait(fake, 1).await;
    let finding = &outcome.stuck().finding;
    assert_eq!(finding.code, "timed-out");
    assert!(finding.message.contains("the emulator's readiness, 1 of 2 Routes"), "{finding:?}");
    assert!(finding.message.ends_with("last seen: pod emu-a-1: ContainerCreating"), "{finding:?}");
}

#[tokio::test]
async fn a_deployment_that_is_not_there_is_an_error() {
    let mut fake = Fake::ready();
    fake.objects.remove("deployments");
    let outcome = wait(fake, 5).await;
    assert!(matches!(outcome.verdict, Err(WaitError::Deployment { .. })), "{:?}", outcome.verdict);
}
