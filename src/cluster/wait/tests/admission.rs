//! Pods that are not let in, or not as expected.

use serde_json::json;

use super::super::{ExpectedScc, Milestone};
use super::{Cluster, check};

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
    check(&Cluster::refused(psa), "psa-refused", Some(2), &["it violates level \"restricted:latest\": runAsUser=0"]);
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
