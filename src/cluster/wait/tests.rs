//! The judgement on objects as the API gives them.

mod admission;
mod pods;
mod routes;

use std::time::Duration;

use kube::Resource;
use kube::runtime::watcher::Event as Item;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::assess::{Assessment, assess};
use super::seen::{LogRequest, Seen, Store};
use super::{Expectation, ExpectedScc};

/// A cluster in which everything is as expected, to be spoilt by one patch at a time.
struct Cluster {
    expect: Expectation,
    deployment: Value,
    replica_sets: Vec<Value>,
    pods: Vec<Value>,
    claims: Vec<Value>,
    routes: Vec<Value>,
    slices: Vec<Value>,
    namespaces: Vec<Value>,
    events: Vec<Value>,
    last_words: Vec<String>,
}

impl Cluster {
    fn healthy() -> Self {
        Self {
            expect: Expectation {
                namespace: "ns1".into(),
                deployment: "emu".into(),
                generation: Some(2),
                service: "svc".into(),
                claim: None,
                routes: vec!["s3".into(), "sqs".into()],
                scc: ExpectedScc::Named("lsdeploy-team1".into()),
                wake: true,
                env: "team1".into(),
            },
            deployment: json!({
                "metadata": {"name": "emu", "uid": "d", "generation": 2, "annotations": {"deployment.kubernetes.io/revision": "2"}},
                "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "emu"}},
                         "template": template(&json!({"app": "emu"}))},
                "status": {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
            }),
            replica_sets: vec![replica_set("old", "1"), replica_set("new", "2")],
            pods: vec![pod("new-1", "new", &json!({"running": {}}), true)],
            claims: vec![],
            routes: vec![route("s3", "True", "", ""), route("sqs", "True", "", "")],
            slices: vec![json!({"metadata": {"name": "svc-x"}, "addressType": "IPv4",
                "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true}, "targetRef": {"name": "new-1"}}]})],
            namespaces: vec![json!({"metadata": {"name": "ns1"}, "status": {"phase": "Active"}})],
            events: vec![],
            last_words: vec![],
        }
    }

    /// The same without a pod, and with the ReplicaSet refused in these words.
    fn refused(words: &str) -> Self {
        let mut cluster = Self::healthy();
        cluster.pods.clear();
        cluster.replica_sets[1]["status"] = json!({"replicas": 0, "conditions":
            [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": words}]});
        cluster
    }

    /// The same with the emulator's container in this state.
    fn container(state: &Value) -> Self {
        let mut cluster = Self::healthy();
        cluster.pods = vec![pod("new-1", "new", state, false)];
        cluster
    }

    fn with_event(mut self, uid: &str, reason: &str, message: &str) -> Self {
        let second = self.events.len();
        self.events
            .push(json!({"metadata": {"name": format!("e{second}")}, "reason": reason, "message": message, "uid": uid,
            "involvedObject": {"uid": uid}, "lastTimestamp": format!("2026-11-22T08:00:{second:02}Z")}));
        self
    }

    fn with_claim(mut self, phase: &str) -> Self {
        self.expect.claim = Some("data".into());
        self.claims = vec![
            json!({"metadata": {"name": "data", "uid": "c"}, "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}, "status": {"phase": phase}}),
        ];
        self.pods = vec![unscheduled("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")];
        self
    }

    fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        list(&mut seen.deployment, std::slice::from_ref(&self.deployment));
        list(&mut seen.replica_sets, &self.replica_sets);
        list(&mut seen.pods, &self.pods);
        list(&mut seen.claim, &self.claims);
        list(&mut seen.routes, &self.routes);
        list(&mut seen.slices, &self.slices);
        list(&mut seen.namespace, &self.namespaces);
        for uid in ["old", "new", "new-1", "c"] {
            let about: Vec<Value> = self.events.iter().filter(|event| event["uid"] == uid).cloned().collect();
            list(seen.events.entry(uid.into()).or_default(), &about);
        }
        if !self.last_words.is_empty() {
            let request = LogRequest { pod: "new-1".into(), container: "main".into(), restarts: 1 };
            seen.last_words.insert(request, self.last_words.clone());
        }
        seen
    }

    /// What is made of it once it has stood for so many seconds.
    fn after(&self, seconds: u64) -> Assessment {
        let start = Instant::now();
        let mut seen = self.seen();
        let first = assess(&seen, &self.expect, start);
        seen.remember(&first, start);
        assess(&seen, &self.expect, start + Duration::from_secs(seconds))
    }
}

fn list<K: Resource + DeserializeOwned>(store: &mut Store<K>, objects: &[Value]) {
    store.take(Ok(Item::Init));
    for object in objects {
        store.take(Ok(Item::InitApply(serde_json::from_value(object.clone()).unwrap())));
    }
    store.take(Ok(Item::InitDone));
}

fn template(labels: &Value) -> Value {
    json!({"metadata": {"labels": labels}, "spec": {"serviceAccountName": "runner", "containers": []}})
}

fn replica_set(name: &str, revision: &str) -> Value {
    let template = template(&json!({"app": "emu", "pod-template-hash": name}));
    json!({"metadata": {"name": name, "uid": name, "annotations": {"deployment.kubernetes.io/revision": revision},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "emu", "uid": "d"}]},
        "spec": {"selector": {}, "template": template}, "status": {"replicas": 1}})
}

fn pod(name: &str, owner: &str, state: &Value, ready: bool) -> Value {
    json!({
        "metadata": {"name": name, "uid": name, "annotations": {"openshift.io/scc": "lsdeploy-team1"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner}]},
        "spec": {"nodeName": "node1", "containers": [{"name": "main", "image": "reg.test/emu:1",
            "resources": {"limits": {"memory": "512Mi"}}}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "main", "image": "reg.test/emu:1",
            "imageID": "reg.test/emu@sha256:0123", "ready": ready, "restartCount": 0, "state": state}]},
    })
}

fn unscheduled(words: &str) -> Value {
    let mut pod = pod("new-1", "new", &json!({}), false);
    pod["spec"].as_object_mut().unwrap().remove("nodeName");
    pod["status"] = json!({"phase": "Pending", "conditions":
        [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}]});
    pod
}

fn route(name: &str, admitted: &str, reason: &str, words: &str) -> Value {
    let host = format!("{name}-ns1.apps.test");
    json!({"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": {"name": name}, "spec": {"host": host},
        "status": {"ingress": [{"host": host, "routerName": "default",
            "conditions": [{"type": "Admitted", "status": admitted, "reason": reason, "message": words}]}]}})
}

fn unrouted(name: &str) -> Value {
    json!({"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": {"name": name}, "spec": {}, "status": {}})
}

/// The first symptom has this code, becomes final after so many seconds and not before, and says all these words.
#[track_caller]
fn check(cluster: &Cluster, code: &str, final_after: Option<u64>, words: &[&str]) {
    let late = cluster.after(final_after.unwrap_or(3600));
    let judged = late.symptoms.first().expect("a symptom");
    let finding = &judged.symptom.finding;
    assert_eq!(finding.code, code, "{finding:?}");
    for word in words {
        assert!(finding.message.contains(word), "`{word}` is missing in: {}", finding.message);
    }
    assert!(!finding.hint.is_empty() && !finding.message.ends_with([' ', ':']), "{finding:?}");
    assert_eq!(late.verdict().is_some(), final_after.is_some(), "{finding:?}");
    if let Some(seconds) = final_after.filter(|seconds| *seconds > 0) {
        let early = cluster.after(seconds - 1);
        assert!(early.verdict().is_none(), "final too early: {finding:?}");
        assert!(early.next.is_some(), "the end of the grace is not waited for");
    }
    assert!(late.ready.is_none(), "stuck and ready");
}

#[test]
fn what_serves_is_ready_and_says_what_runs() {
    let healthy = Cluster::healthy().after(0);
    let ready = healthy.ready.expect("nothing is missing");
    assert_eq!((ready.pod.as_str(), ready.image.as_str()), ("new-1", "reg.test/emu:1"));
    assert_eq!(ready.digest.as_deref(), Some("sha256:0123"));
    assert_eq!(ready.scc.as_deref(), Some("lsdeploy-team1"));
    assert_eq!(ready.hosts["sqs"], "sqs-ns1.apps.test");
    assert_eq!(healthy.milestones.len(), 5);
    assert!(healthy.symptoms.is_empty(), "{:?}", healthy.symptoms);
}

#[test]
fn a_rollout_that_is_not_observed_yet_blames_nobody() {
    let mut cluster = Cluster::container(&json!({"waiting": {"reason": "CrashLoopBackOff"}}));
    cluster.expect.generation = Some(3);
    let assessment = cluster.after(60);
    assert!(assessment.symptoms.is_empty() && assessment.ready.is_none());
    assert_eq!(assessment.waiting, "Deployment emu: waiting for its controller to take notice");
}

#[test]
fn the_pod_before_is_not_blamed_while_the_controller_only_says_that_it_has_seen_the_change() {
    let mut cluster = Cluster::container(&json!({"waiting": {"reason": "ErrImageNeverPull"}}));
    assert!(!cluster.after(60).symptoms.is_empty());
    cluster.deployment["spec"]["template"]["spec"]["serviceAccountName"] = "another".into();
    let assessment = cluster.after(60);
    assert!(assessment.symptoms.is_empty(), "{:?}", assessment.symptoms);
    assert!(!assessment.missing.is_empty());
}

#[test]
fn pods_of_an_older_replica_set_are_not_blamed() {
    let mut cluster = Cluster::healthy();
    cluster.pods.push(pod("old-1", "old", &json!({"waiting": {"reason": "CrashLoopBackOff"}}), false));
    cluster.deployment["status"]["replicas"] = json!(2);
    let assessment = cluster.after(60);
    assert!(assessment.symptoms.is_empty(), "{:?}", assessment.symptoms);
    assert_eq!(assessment.missing, ["the rollout of Deployment emu"]);
}

#[test]
fn an_endpoint_of_the_previous_pod_does_not_count() {
    let mut cluster = Cluster::healthy();
    cluster.slices[0]["endpoints"][0]["targetRef"]["name"] = json!("old-1");
    check(&cluster, "no-endpoints", None, &["pod new-1 is ready", "Service svc"]);
}

#[test]
fn what_is_deleted_meanwhile_ends_the_wait() {
    let mut cluster = Cluster::healthy();
    cluster.namespaces[0]["status"]["phase"] = json!("Terminating");
    let assessment = cluster.after(0);
    assert_eq!(assessment.verdict().map(|symptom| symptom.finding.code), Some("namespace-terminating"));
    let mut cluster = Cluster::healthy();
    cluster.deployment["metadata"]["deletionTimestamp"] = json!("2026-11-22T08:00:00Z");
    assert_eq!(cluster.after(0).verdict().map(|symptom| symptom.finding.code), Some("deployment-deleted"));
}

#[test]
fn a_stalled_rollout_found_at_the_start_speaks_of_an_earlier_attempt() {
    let mut cluster = Cluster::container(&json!({"waiting": {"reason": "ContainerCreating"}}));
    cluster.deployment["status"]["conditions"] = json!([{"type": "Progressing", "status": "False",
        "reason": "ProgressDeadlineExceeded", "message": "ReplicaSet \"new\" has timed out progressing."}]);
    check(&cluster, "rollout-stalled", Some(0), &["has timed out progressing"]);
    let mut seen = cluster.seen();
    seen.inherited.insert("rollout-stalled");
    assert!(assess(&seen, &cluster.expect, Instant::now()).verdict().is_none());
}
