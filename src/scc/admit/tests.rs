//! What the recorded decisions do not reach: later releases, odd clusters, rare fields.

use serde_json::{Value, json};

use super::*;

/// An SCC that allows nothing special to nobody, with some fields changed.
fn scc(name: &str, changes: &Value) -> Scc {
    let mut object = json!({
        "metadata": {"name": name},
        "runAsUser": {"type": "RunAsAny"},
        "seLinuxContext": {"type": "RunAsAny"},
        "fsGroup": {"type": "RunAsAny"},
        "supplementalGroups": {"type": "RunAsAny"},
        "volumes": ["emptyDir", "secret"],
    });
    for (field, value) in changes.as_object().into_iter().flatten() {
        object[field] = value.clone();
    }
    Scc::from_value(&object).expect("the table holds readable SCCs")
}

fn pod(spec: &Value) -> Value {
    let mut pod =
        json!({"metadata": {"name": "p"}, "spec": {"serviceAccountName": "app", "containers": [{"name": "a"}]}});
    for (field, value) in spec.as_object().into_iter().flatten() {
        pod["spec"][field] = value.clone();
    }
    pod
}

/// Decides with the standard SCCs, all strict and nobody's, and `own`, which the requester may use.
fn decide(pod: &Value, own: Scc, release: Release) -> Result<Admitted, Refusal> {
    let annotations = [("openshift.io/sa.scc.uid-range", "1000/10"), ("openshift.io/sa.scc.mcs", "s0:c1,c2")];
    let namespace = NamespaceFacts {
        name: "team1".to_owned(),
        annotations: annotations.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..NamespaceFacts::default()
    };
    let requester = Subject { user: "alice".to_owned(), groups: Vec::new() };
    let name = own.name().to_owned();
    let standard = STANDARD.map(|name| scc(name, &json!({"runAsUser": {"type": "MustRunAsRange"}})));
    let sccs: Vec<Scc> = standard.into_iter().chain([own]).collect();
    let may_use = |subject: &Subject, scc: &str| subject.user == "alice" && scc == name;
    admit(&Request { pod, namespace: &namespace, requester: &requester, sccs: &sccs, may_use: &may_use, release })
}

#[track_caller]
fn check(pod: &Value, changes: &Value, expected: Result<(), &str>) {
    let decision = decide(pod, scc("own", changes), Release::RECORDED);
    match (&decision, expected) {
        (Ok(admitted), Ok(())) => assert_eq!(admitted.scc.as_deref(), Some("own"), "{pod}"),
        (Err(refusal), Err(part)) => assert!(refusal.message.contains(part), "{pod}: {}", refusal.message),
        _ => panic!("{pod}: {decision:?}"),
    }
}

#[test]
fn rare_fields() {
    let flex = pod(&json!({"volumes": [{"name": "v", "flexVolume": {"driver": "a/b"}}]}));
    check(&flex, &json!({"volumes": ["*"]}), Ok(()));
    check(&flex, &json!({"volumes": ["*"], "allowedFlexVolumes": [{"driver": "a/b"}]}), Ok(()));
    check(
        &flex,
        &json!({"volumes": ["flexVolume"], "allowedFlexVolumes": [{"driver": "c/d"}]}),
        Err(".spec.securityContext.volumes[0].driver: Invalid value: \"a/b\": Flexvolume driver"),
    );
    check(&pod(&json!({"volumes": [{"name": "v"}]})), &json!({"volumes": ["emptyDir"]}), Ok(()));

    let require = json!({"userNamespaceLevel": "RequirePodLevel"});
    check(&pod(&json!({"hostUsers": false})), &require, Ok(()));
    check(&pod(&json!({})), &require, Err("hostUsers: Invalid value: \"null\": Host Users must be set to false"));
    check(&pod(&json!({"hostUsers": true})), &require, Err("hostUsers: Invalid value: true"));

    let no_groups = pod(&json!({"securityContext": {"supplementalGroups": []}}));
    check(
        &no_groups,
        &json!({"supplementalGroups": {"type": "MustRunAs"}}),
        Err("[]int64{}: unable to validate empty"),
    );
    let init = pod(&json!({"initContainers": [{"name": "i", "ports": [{"containerPort": 1, "hostPort": 2}]}]}));
    check(&init, &json!({}), Err("provider own: .initContainers[0].initContainers[0].hostPort: Invalid value: 2"));
    check(&init, &json!({}), Err("provider own: .containers[0].initContainers[0].hostPort: Invalid value: 2"));
}

#[test]
fn one_broken_scc_refuses_every_pod() {
    for (changes, expected) in [
        (json!({"runAsUser": {"type": "MustRunAs"}}), "MustRunAs requires a UID"),
        (json!({"runAsUser": {"type": "MustRunAsRange", "uidRangeMax": 1}}), "MustRunAsRange requires a UIDRangeMin"),
        (json!({"runAsUser": {}}), "Unrecognized RunAsUser strategy type "),
        (json!({"fsGroup": {"type": "X"}}), "Unrecognized FSGroup strategy type X"),
    ] {
        let expected = format!("error creating provider for SCC own in namespace team1: {expected}");
        check(&pod(&json!({})), &changes, Err(&expected));
    }
}

#[test]
fn required_scc_counts_from_4_14() {
    let mut pinned = pod(&json!({}));
    pinned["metadata"]["annotations"] = json!({REQUIRED_SCC: "anyuid"});
    let message =
        |pod: &Value, release| decide(pod, scc("own", &json!({})), release).map_err(|refusal| refusal.message);

    assert!(message(&pinned, Release::v4(13)).is_ok());
    let expected = "unable to validate against any security context constraint: provider \"anyuid\": Forbidden: not \
                    usable by user or serviceaccount";
    assert_eq!(message(&pinned, Release::v4(14)), Err(expected.to_owned()));

    pinned["metadata"]["annotations"][REQUIRED_SCC] = "ghost".into();
    let expected = "failed to retrieve the required SCC \"ghost\": securitycontextconstraints.security.openshift.io \
                    \"ghost\" not found";
    assert_eq!(message(&pinned, Release::v4(14)), Err(expected.to_owned()));
}

#[test]
fn the_subject_is_named_from_4_20() {
    for (minor, expected) in [(19, Value::Null), (20, json!("user"))] {
        let admitted = decide(&pod(&json!({})), scc("own", &json!({})), Release::v4(minor)).expect("the pod fits");
        assert_eq!(admitted.pod["metadata"]["annotations"][SUBJECT_TYPE], expected, "4.{minor}");
    }
}

#[test]
fn the_list_of_safe_sysctls_grows() {
    for (name, from) in [
        ("net.ipv4.tcp_syncookies", 0),
        ("net.ipv4.tcp_fin_timeout", 16),
        ("net.ipv4.tcp_rmem", 21),
        ("kernel.sem", 99),
    ] {
        let pod = pod(&json!({"securityContext": {"sysctls": [{"name": name, "value": "1"}]}}));
        for minor in [13, 16, 21] {
            let fits = decide(&pod, scc("own", &json!({})), Release::v4(minor)).is_ok();
            assert_eq!(fits, minor >= from, "{name} on 4.{minor}");
        }
    }
}

#[test]
fn unknown_fields_of_a_pod_stay() {
    let pod = pod(&json!({"futureField": {"a": [1]}}));
    let admitted = decide(&pod, scc("own", &json!({})), Release::RECORDED).expect("the pod fits");
    assert_eq!(admitted.pod["spec"]["futureField"], pod["spec"]["futureField"]);
}

#[test]
fn malformed_pods_do_not_panic() {
    let odd = [json!(null), json!([]), json!("pod"), json!({}), json!({"spec": 1, "metadata": []})];
    let odd_specs = [json!({"containers": 1}), json!({"containers": [1, null]}), json!({"securityContext": []})];
    for pod in odd.into_iter().chain(odd_specs.iter().map(pod)) {
        let changes = json!({"runAsUser": {"type": "MustRunAsRange"}, "requiredDropCapabilities": ["ALL"]});
        drop(decide(&pod, scc("own", &changes), Release::RECORDED));
    }
}

#[test]
fn a_cluster_without_its_standard_sccs_admits_nothing() {
    let namespace = NamespaceFacts::default();
    let request = Request {
        pod: &pod(&json!({})),
        namespace: &namespace,
        requester: &Subject::default(),
        sccs: &[],
        may_use: &|_, _| true,
        release: Release::RECORDED,
    };
    let message = admit(&request).expect_err("there is no SCC").message;
    assert!(
        message.starts_with("securitycontextconstraints.security.openshift.io cache is missing anyuid, "),
        "{message}"
    );
    assert!(message.ends_with(", restricted-v2"), "{message}");
    let old = Request { release: Release::v4(0), ..request };
    let message = admit(&old).expect_err("there is no SCC").message;
    assert!(message.ends_with(", privileged, restricted"), "{message}");
}
