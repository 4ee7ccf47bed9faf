//! Pods that cannot be looked from, or only in another way: who may not, what is not there, what has no shell.

use std::path::Path;

use serde_json::json;

use super::harness::{IMAGE, SERVICE, debug, namespace, on_the_workstation, pod, running_pod, with_probe};
use crate::lab::{Lab, Ran, lab_variable, lsdeploy, run};

/// Runs it as another user, on the workstation.
fn as_user(kubeconfig: &str, arguments: &[&str]) -> Option<Ran> {
    let command = lsdeploy(Path::new(&lab_variable(kubeconfig)?), &[&["dns-debug", SERVICE], arguments].concat());
    Some(run(&mut on_the_workstation(&with_probe(command))?))
}

#[track_caller]
fn refused(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("error:") && ran.stderr.contains("hint:"), "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "no `{word}` in: {}", ran.stderr);
    }
}

fn in_a_pod(lab: &Lab, place: &str) -> Ran {
    let command = with_probe(lab.command(&["dns-debug", SERVICE, "--vantage", place]));
    on_the_workstation(&command).map_or_else(|| run(&mut lab.command(&["list"])), |mut command| run(&mut command))
}

#[test]
fn who_may_not_exec_is_told_which_right_is_missing() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&[], &["dns-rights"]);
    namespace(&lab, "dns-rights");
    running_pod(&lab, "dns-rights", "client", &json!({}));
    let place = ["--vantage", "pod=dns-rights/client"];
    let Some(ran) = as_user("LAB_KUBECONFIG_NOBODY", &place) else { return };
    refused(&ran, &["cannot look from pod dns-rights/client", "forbidden", "HTTP 403"]);
    // A viewer sees the pod, and may not run anything in it.
    let viewer =
        ["create", "rolebinding", "viewer", "--namespace", "dns-rights", "--clusterrole=view", "--user=nobody"];
    lab.kubectl(&viewer);
    let Some(ran) = as_user("LAB_KUBECONFIG_NOBODY", &place) else { return };
    refused(
        &ran,
        &["pods/exec", "HTTP 403", "`kubectl auth can-i create pods/exec --namespace dns-rights --kubeconfig "],
    );
    // From here alone the run goes on, and says what it could not read.
    let Some(ran) = as_user("LAB_KUBECONFIG_NOBODY", &["--output", "json"]) else { return };
    assert!(ran.code < 2, "{ran:?}");
    let Some(told) = as_user("LAB_KUBECONFIG_NOBODY", &[]) else { return };
    assert!(told.stdout.contains("a cluster that shows nothing of its path"), "{told:?}");
    assert!(told.stdout.contains("What could not be seen"), "{told:?}");
    let saved: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let seen = saved["observations"].as_array().unwrap();
    let service = seen.iter().find(|seen| seen["name"] == "services/openshift-dns/dns-default").unwrap();
    assert_eq!(service["error"]["kind"], "unreadable");
    assert!(service["error"]["detail"].as_str().unwrap().contains("HTTP 403"), "{service}");
}

#[test]
fn a_developer_looks_from_a_pod_of_the_own_project() {
    let Some(lab) = Lab::shared() else { return };
    let tight = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true,
        "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}});
    let containers = json!([{"name": "main", "image": IMAGE, "command": ["sleep", "600"], "securityContext": tight}]);
    running_pod(&lab, "dev-team", "dns-client", &json!({"containers": containers}));
    let ran = as_user("LAB_KUBECONFIG_DEV", &["--vantage", "pod=dev-team/dns-client", "--output", "json"]);
    lab.kubectl(&["delete", "pod", "dns-client", "--namespace", "dev-team", "--now"]);
    let Some(ran) = ran else { return };
    assert_eq!(ran.code, 0, "{ran:?}");
    let saved: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let hops = saved["hops"].to_string();
    assert!(hops.contains("172.30.0.10:53"), "{hops}");
}

#[test]
fn a_pod_that_is_not_there_or_does_not_run_is_said_to_be_so() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&[], &["dns-absent"]);
    namespace(&lab, "dns-absent");
    refused(
        &in_a_pod(&lab, "pod=dns-absent/nobody"),
        &["there is no such pod", "kubectl get pods --namespace dns-absent"],
    );
    refused(&in_a_pod(&lab, "pod=dns-nowhere/nobody"), &["there is no such pod"]);
    refused(&in_a_pod(&lab, "node=mars"), &["there is no such node", "kubectl get nodes"]);
    pod(&lab, "dns-absent", "pending", &json!({"nodeSelector": {"no": "such-node"}}));
    refused(&in_a_pod(&lab, "pod=dns-absent/pending"), &["it is not running, its phase is Pending"]);
    running_pod(&lab, "dns-absent", "client", &json!({}));
    refused(&in_a_pod(&lab, "pod=dns-absent/client/side"), &["it has no container side, only main"]);
}

#[test]
fn a_container_without_a_shell_is_looked_from_by_an_ephemeral_container() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&[], &["dns-bare"]);
    namespace(&lab, "dns-bare");
    let bare = json!({"containers": [{"name": "main", "image": "lab.test/sleeper:1"}]});
    running_pod(&lab, "dns-bare", "client", &bare);
    refused(
        &in_a_pod(&lab, "pod=dns-bare/client"),
        &[
            "the probe cannot run there",
            "by a shell: \"sh\": executable file not found",
            "by tar: \"tar\"",
            "--probe-image",
        ],
    );
    let place = [SERVICE, "--vantage", "pod=dns-bare/client", "--probe-image", IMAGE];
    let Some(debugged) = debug(&lab, &place) else { return };
    debugged.expect_ok();
    assert!(
        debugged.run["places"][0]["how"].as_str().unwrap().contains("added to the pod"),
        "{}",
        debugged.run["places"]
    );
    let images = lab.kubectl(&[
        "get",
        "pod",
        "client",
        "--namespace",
        "dns-bare",
        "--output",
        "jsonpath={.spec.ephemeralContainers[*].image}",
    ]);
    assert_eq!(images, IMAGE);
}

#[test]
fn a_container_with_tar_and_no_shell_gets_the_probe_by_tar() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&[], &["dns-tar"]);
    namespace(&lab, "dns-tar");
    running_pod(&lab, "dns-tar", "client", &json!({}));
    let without_shells = "import os; [os.remove(f'/usr/bin/{shell}') for shell in ('dash', 'bash')]";
    lab.kubectl(&["exec", "--namespace", "dns-tar", "client", "--", "python3", "-c", without_shells]);
    let Some(debugged) = debug(&lab, &[SERVICE, "--vantage", "pod=dns-tar/client"]) else { return };
    debugged.expect_ok();
    let left = lab.kubectl(&["exec", "--namespace", "dns-tar", "client", "--", "ls", "-A", "/tmp"]);
    assert!(!left.contains("lsdeploy"), "{left}");
}
