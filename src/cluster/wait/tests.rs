//! The judgement on objects as the API gives them.

use std::time::Duration;

use kube::Resource;
use kube::runtime::watcher::Event as Item;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::assess::{Assessment, assess};
use super::seen::{LogRequest, Seen, Store};
use super::{Expectation, ExpectedScc, Milestone};

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
                env: "team1".into(),
            },
            deployment: json!({
                "metadata": {"name": "emu", "uid": "d", "generation": 2, "annotations": {"deployment.kubernetes.io/revision": "2"}},
                "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "emu"}},
                         "template": {"spec": {"serviceAccountName": "runner", "containers": []}}},
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
            json!({"metadata": {"name": "data", "uid": "c"}, "spec": {"storageClassName": "fast"}, "status": {"phase": phase}}),
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

fn replica_set(name: &str, revision: &str) -> Value {
    json!({"metadata": {"name": name, "uid": name, "annotations": {"deployment.kubernetes.io/revision": revision},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "emu", "uid": "d"}]},
        "spec": {"selector": {}}, "status": {"replicas": 1}})
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
fn each_refusal_of_admission_has_its_code() {
    let scc = "pods \"emu-x-\" is forbidden: unable to validate against any security context constraint: \
        [provider \"anyuid\": Forbidden: not usable by user or serviceaccount, \
        provider \"lsdeploy-team1\": Forbidden: not usable by user or serviceaccount]";
    check(&Cluster::refused(scc), "scc-none-fits", Some(2), &["lsdeploy-team1", "and 1 SCC more"]);
    let broken = "pods \"p\" is forbidden: error creating provider for SCC range-min in namespace ns1: MustRunAsRange requires a UIDRangeMax";
    check(
        &Cluster::refused(broken),
        "scc-none-fits",
        Some(2),
        &["SCC range-min is malformed", "every pod of the cluster"],
    );
    let psa = "pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": runAsUser=0 (container \"main\" must not set runAsUser=0)";
    check(&Cluster::refused(psa), "psa-refused", Some(2), &["\"restricted:latest\"", "runAsUser=0"]);
    let quota = "pods \"p\" is forbidden: exceeded quota: small, requested: limits.cpu=1, used: limits.cpu=0, limited: limits.cpu=100m";
    check(&Cluster::refused(quota), "quota-exceeded", Some(2), &["exceeded quota: small"]);
    let bare = "pods \"p\" is forbidden: failed quota: small: must specify limits.cpu for: main";
    check(&Cluster::refused(bare), "quota-exceeded", Some(2), &["must specify limits.cpu"]);
    let limits = "pods \"p\" is forbidden: maximum memory usage per Container is 64Mi, but limit is 512Mi";
    check(&Cluster::refused(limits), "limit-range", Some(2), &["per Container is 64Mi"]);
    let webhook = "admission webhook \"gate.test\" denied the request: no";
    check(&Cluster::refused(webhook), "pod-refused", Some(2), &["gate.test"]);
    let ending =
        "pods \"p\" is forbidden: unable to create new content in namespace ns1 because it is being terminated";
    check(&Cluster::refused(ending), "namespace-terminating", Some(0), &["namespace ns1"]);
}

#[test]
fn the_newest_refusal_is_told_not_the_first() {
    let cluster = Cluster::refused("pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": x")
        .with_event(
            "new",
            "FailedCreate",
            "Error creating: pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": x",
        )
        .with_event(
            "new",
            "FailedCreate",
            "Error creating: pods \"p\" is forbidden: exceeded quota: small, requested: pods=1",
        );
    check(&cluster, "quota-exceeded", Some(2), &["exceeded quota: small"]);
}

#[test]
fn another_scc_than_the_expected_one_is_final() {
    let mut cluster = Cluster::healthy();
    cluster.pods[0]["metadata"]["annotations"]["openshift.io/scc"] = json!("anyuid");
    check(&cluster, "scc-not-chosen", Some(0), &["SCC lsdeploy-team1", "SCC anyuid took it"]);
    cluster.pods[0]["metadata"].as_object_mut().unwrap().remove("annotations");
    check(&cluster, "scc-not-chosen", Some(0), &["carries no annotation openshift.io/scc"]);
    cluster.expect.scc = ExpectedScc::Absent;
    let assessment = cluster.after(0);
    assert!(assessment.ready.is_some_and(|ready| ready.scc.is_none()));
    assert!(!assessment.milestones.contains(&Milestone::SccChosen));
}

#[track_caller]
fn check_image(reason: &str, words: &str, code: &str, final_after: Option<u64>) {
    let cluster = Cluster::container(&json!({"waiting": {"reason": reason, "message": words}}));
    check(&cluster, code, final_after, &["image reg.test/emu:1"]);
}

#[test]
fn images_are_missing_unreachable_or_invalid() {
    let missing = "rpc error: code = NotFound desc = failed to pull and unpack image \"reg.test/emu:1\": failed to resolve reference \"reg.test/emu:1\": reg.test/emu:1: not found";
    check_image("ErrImagePull", missing, "image-missing", Some(0));
    check_image("ErrImagePull", "reading manifest 1 in reg.test/emu: manifest unknown", "image-missing", Some(0));
    check_image(
        "ErrImageNeverPull",
        "Container image \"x\" is not present with pull policy of Never",
        "image-missing",
        Some(0),
    );
    let lookup =
        "failed to do request: Head \"https://reg.test/v2/emu/manifests/1\": dial tcp: lookup reg.test: no such host";
    check_image("ErrImagePull", lookup, "image-unreachable", None);
    check_image("ImagePullBackOff", lookup, "image-unreachable", Some(0));
    check_image("ImagePullBackOff", "unauthorized: authentication required", "image-unreachable", Some(0));
    check_image("InvalidImageName", "Failed to apply default image tag \"A:1\"", "image-invalid", Some(0));
}

#[test]
fn an_old_kubelets_back_off_gets_its_cause_from_the_event() {
    let waiting =
        json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"reg.test/emu:1\""}});
    let cluster = Cluster::container(&waiting)
        .with_event("new-1", "Failed", "Failed to pull image \"reg.test/emu:1\": reg.test/emu:1: not found")
        .with_event("new-1", "BackOff", "Back-off pulling image \"reg.test/emu:1\"");
    check(&cluster, "image-missing", Some(0), &["the registry does not have it"]);
}

#[track_caller]
fn check_crash(status: &Value, code: &str, final_after: Option<u64>, words: &[&str]) {
    let mut cluster = Cluster::container(&json!({}));
    for (key, value) in status.as_object().unwrap() {
        cluster.pods[0]["status"]["containerStatuses"][0][key] = value.clone();
    }
    cluster.last_words = vec!["first".into(), "boom".into()];
    check(&cluster, code, final_after, words);
}

#[test]
fn one_crash_is_named_and_the_second_is_final() {
    let end = json!({"terminated": {"exitCode": 3, "reason": "Error"}});
    check_crash(&json!({"state": end}), "crash-loop", None, &["container main of pod new-1 crashed with exit code 3"]);
    check_crash(
        &json!({"state": end, "restartCount": 1}),
        "crash-loop",
        Some(0),
        &["crashed 2 times", "exit code 3", "boom"],
    );
    let backing_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let looping = json!({"state": backing_off, "lastState": end, "restartCount": 1});
    check_crash(&looping, "crash-loop", Some(0), &["crashed 2 times", "exit code 3", "boom"]);
    let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    check_crash(
        &json!({"state": killed, "restartCount": 1}),
        "out-of-memory",
        Some(0),
        &["more memory than its limit"],
    );
    let unlicensed = json!({"terminated": {"exitCode": 55, "reason": "Error"}});
    check_crash(&json!({"state": unlicensed}), "token-missing", Some(0), &["wants a licence token"]);
    let ended = json!({"terminated": {"exitCode": 0, "reason": "Completed"}});
    check_crash(&json!({"state": ended, "restartCount": 2}), "crash-loop", Some(0), &["without an error"]);
}

#[test]
fn a_crash_asks_for_its_log_once() {
    let mut cluster = Cluster::container(&json!({"terminated": {"exitCode": 1}}));
    cluster.pods[0]["status"]["containerStatuses"][0]["restartCount"] = json!(1);
    assert!(cluster.after(0).log_wanted().is_some());
    cluster.last_words = vec!["boom".into()];
    let assessment = cluster.after(0);
    assert!(assessment.log_wanted().is_none());
    assert!(assessment.verdict().unwrap().evidence.contains(&"log: boom".to_owned()));
}

#[test]
fn a_container_that_runs_again_after_crashes_gets_its_chance() {
    let mut cluster = Cluster::container(&json!({"running": {}}));
    cluster.pods[0]["status"]["containerStatuses"][0]["restartCount"] = json!(7);
    assert!(cluster.after(19).symptoms.iter().all(|judged| !judged.named && !judged.is_final));
}

#[test]
fn a_probe_that_fails_is_named_after_20_seconds_in_its_own_words() {
    let cluster = Cluster::container(&json!({"running": {}})).with_event(
        "new-1",
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
    );
    assert!(!cluster.after(19).symptoms[0].named && cluster.after(20).symptoms[0].named);
    check(&cluster, "readiness-failing", None, &["statuscode: 503"]);
}

#[test]
fn no_node_is_final_after_a_grace() {
    let mut cluster = Cluster::healthy();
    cluster.pods = vec![unscheduled("0/1 nodes are available: 1 Insufficient cpu.")];
    check(&cluster, "unschedulable", Some(10), &["pod new-1", "Insufficient cpu"]);
}

#[test]
fn a_claim_without_volume_is_named_with_its_own_words() {
    let failed = Cluster::healthy().with_claim("Pending").with_event(
        "c",
        "ProvisioningFailed",
        "storageclass.storage.k8s.io \"fast\" not found",
    );
    check(&failed, "claim-pending", Some(10), &["storage class fast", "not found"]);
    let no_class = Cluster::healthy().with_claim("Pending").with_event(
        "c",
        "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set",
    );
    check(&no_class, "claim-pending", Some(10), &["no storage class is set"]);
    check(&Cluster::healthy().with_claim("Pending"), "claim-pending", None, &["is still pending"]);
    check(&Cluster::healthy().with_claim("Lost"), "claim-pending", Some(0), &["has lost the volume"]);
    let waits = Cluster::healthy().with_claim("Pending").with_event(
        "c",
        "WaitForFirstConsumer",
        "waiting for first consumer to be created before binding",
    );
    assert!(waits.after(60).symptoms.is_empty());
}

#[test]
fn a_claimed_host_is_told_before_other_refusals() {
    let mut cluster = Cluster::healthy();
    cluster.routes = vec![
        route("s3", "False", "RouteNotAdmitted", "wildcard routes are not allowed"),
        route("sqs", "False", "HostAlreadyClaimed", "route other already exposes sqs-ns1.apps.test and is older"),
    ];
    check(
        &cluster,
        "host-claimed",
        Some(0),
        &["host sqs-ns1.apps.test", "route other already exposes", "2 Routes refused"],
    );
    cluster.routes[1] = route("sqs", "True", "", "");
    check(&cluster, "route-refused", Some(0), &["Route s3", "wildcard routes are not allowed"]);
}

#[test]
fn one_router_that_admits_is_enough() {
    let mut cluster = Cluster::healthy();
    let refusal = route("s3", "False", "HostAlreadyClaimed", "x")["status"]["ingress"][0].clone();
    cluster.routes[0]["status"]["ingress"].as_array_mut().unwrap().insert(0, refusal);
    assert!(cluster.after(60).ready.is_some());
}

#[test]
fn routes_that_no_router_looks_at_are_named_after_15_seconds() {
    let mut cluster = Cluster::healthy();
    cluster.routes = vec![unrouted("s3"), unrouted("sqs")];
    check(&cluster, "no-router", Some(15), &["2 Routes", "none has picked up any"]);
    cluster.routes[0] = route("s3", "True", "", "");
    check(&cluster, "route-not-picked-up", Some(15), &["1 of 2 Routes", "not: sqs"]);
}

#[test]
fn a_router_that_works_its_way_through_the_routes_is_not_stuck() {
    let start = Instant::now();
    let mut cluster = Cluster::healthy();
    cluster.expect.routes = vec!["s3".into(), "sqs".into(), "sns".into()];
    cluster.routes = vec![route("s3", "True", "", ""), unrouted("sqs"), unrouted("sns")];
    let mut seen = cluster.seen();
    let first = assess(&seen, &cluster.expect, start);
    seen.remember(&first, start);
    cluster.routes[1] = route("sqs", "True", "", "");
    list(&mut seen.routes, &cluster.routes);
    assert!(assess(&seen, &cluster.expect, start + Duration::from_secs(16)).verdict().is_none());
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

#[test]
fn a_failing_mount_or_sandbox_is_named_and_forgotten_when_it_passes() {
    let creating = || Cluster::container(&json!({"waiting": {"reason": "ContainerCreating"}}));
    let failing = creating().with_event(
        "new-1",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"init\" : configmap \"init\" not found",
    );
    check(&failing, "pod-not-starting", None, &["configmap \"init\" not found"]);
    assert!(failing.with_event("new-1", "Pulling", "Pulling image").after(60).symptoms.is_empty());
    let config = Cluster::container(
        &json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"token\" not found"}}),
    );
    check(&config, "container-refused", Some(0), &["secret \"token\" not found"]);
}
