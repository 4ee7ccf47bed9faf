//! A job inside the cluster: lsdeploy asks with the pod's ServiceAccount, and the client goes straight to the Service.

use std::path::Path;

use crate::lab::Lab;

const NAMESPACE: &str = "inpod-jobs";

/// One call of SQS, as unsigned as moto takes it.
const LIST_QUEUES: &str = "
import sys, urllib.request
key = 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0'
request = urllib.request.Request(sys.argv[1], b'Action=ListQueues&Version=2012-11-05', {'Authorization': key})
print(urllib.request.urlopen(request).read().decode())
";

/// A pod with the program under test. The lab has neither `ClusterIP`s nor cluster DNS: the API server is named by its
/// address, and the Service's name stands for its one pod in the hosts file.
fn job(lab: &Lab, emulator: &str) -> String {
    let tool = Path::new(assert_cmd::cargo::cargo_bin!("lsdeploy")).parent().unwrap().display().to_string();
    let server = lab.kubectl(&["config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}"]);
    let (host, port) = server.trim_start_matches("https://").split_once(':').unwrap();
    serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job", "namespace": NAMESPACE},
        "spec": {
            "serviceAccountName": "ci",
            "terminationGracePeriodSeconds": 0,
            "hostAliases": [{"ip": emulator, "hostnames": ["emulator.localstack-inpod.svc"]}],
            "volumes": [{"name": "tool", "hostPath": {"path": tool}}],
            "containers": [{
                "name": "job", "image": "docker.io/motoserver/moto:5.2.5", "command": ["sleep", "600"],
                "volumeMounts": [{"name": "tool", "mountPath": "/tool", "readOnly": true}],
                "env": [
                    {"name": "HOME", "value": "/tmp"},
                    {"name": "KUBERNETES_SERVICE_HOST", "value": host},
                    {"name": "KUBERNETES_SERVICE_PORT", "value": port},
                ],
            }],
        },
    })
    .to_string()
}

#[test]
fn a_job_in_the_cluster_asks_with_its_service_account_and_uses_the_service() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["inpod"], &[NAMESPACE]);
    let ran = lab.lsdeploy(&["up", "--env", "inpod", "--emulator", "moto", "--services", "sqs"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let home = "localstack-inpod";
    let of_pod = "jsonpath={.items[0].status.podIP}";
    let emulator = lab.kubectl(&["get", "pods", "--namespace", home, "--output", of_pod]);
    lab.apply(&format!(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {NAMESPACE}\n  labels:\n    \
         pod-security.kubernetes.io/enforce: privileged\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  \
         name: ci\n  namespace: {NAMESPACE}\n"
    ));
    // All that the job may do is look into the environment's namespace.
    let account = format!("--serviceaccount={NAMESPACE}:ci");
    lab.kubectl(&["create", "rolebinding", "ci", "--namespace", home, "--clusterrole=view", &account]);
    lab.apply(&job(&lab, &emulator));
    lab.kubectl(&["wait", "--namespace", NAMESPACE, "pod/job", "--for=condition=Ready", "--timeout=60s"]);
    let within = |command: &[&str]| lab.kubectl(&[&["exec", "--namespace", NAMESPACE, "job", "--"], command].concat());

    let env = ["/tool/lsdeploy", "env", "--env", "inpod", "--namespace", home, "--from", "pod", "--format", "dotenv"];
    let variables = within(&env);
    let url = variables.lines().find_map(|line| line.strip_prefix("AWS_ENDPOINT_URL_SQS="));
    assert_eq!(url, Some("http://emulator.localstack-inpod.svc:5000"), "{variables}");
    let answer = within(&["python3", "-c", LIST_QUEUES, url.unwrap()]);
    assert!(answer.contains("ListQueuesResponse"), "{answer}");
}
