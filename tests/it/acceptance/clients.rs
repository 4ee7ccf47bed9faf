//! What others make of an environment: variables for clients, the log, the state in JSON.

use std::process::Command;

use serde_json::Value;

use crate::lab::{Lab, lab_variable};

#[test]
fn a_shell_that_evaluates_env_reaches_a_queue() {
    let Some(lab) = Lab::shared() else { return };
    let Some(router) = lab_variable("ROUTER_ADDRESS") else { return };
    let _clean = lab.clean(&["client"], &[]);
    let ran = lab.lsdeploy(&["up", "--env", "client", "--emulator", "moto", "--services", "sqs"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let exports = lab.lsdeploy(&["env", "--env", "client"]);
    assert_eq!(exports.code, 0, "{exports:?}");
    let script = format!(
        "{}\ncurl --silent --show-error --fail-with-body --cacert \"${{AWS_CA_BUNDLE:-/dev/null}}\" --connect-to ::{router}: \
         --data 'Action=ListQueues&Version=2012-11-05' --header \"Authorization: AWS4-HMAC-SHA256 \
         Credential=$AWS_ACCESS_KEY_ID/20260101/$AWS_REGION/sqs/aws4_request, SignedHeaders=host, Signature=0\" \
         \"$AWS_ENDPOINT_URL_SQS\"",
        exports.stdout
    );
    let curl = Command::new("bash").args(["-euc", &script]).output().unwrap();
    let answer = String::from_utf8_lossy(&curl.stdout);
    assert!(answer.contains("ListQueuesResponse"), "{exports:?}\n{curl:?}");
    let json = lab.lsdeploy(&["env", "--env", "client", "--format", "json"]);
    let variables: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(variables["AWS_REGION"], "us-east-1");
}

#[test]
fn status_list_and_logs_agree() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["seen"], &[]);
    let ran = lab.lsdeploy(&["up", "--env", "seen", "--emulator", "moto", "--services", "sqs"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let (status, report) = lab.json(&["status", "--env", "seen"]);
    assert_eq!((status.code, report["scc"].as_str()), (0, Some("lsdeploy-seen")), "{status:?}");
    assert_eq!(report["schema"], "lsdeploy/v1");
    let (_, listed) = lab.json(&["list"]);
    assert!(listed["envs"].as_array().unwrap().iter().any(|env| env["env"] == "seen"), "{listed}");
    let logs = lab.lsdeploy(&["logs", "--env", "seen", "--tail", "50"]);
    assert!(logs.code == 0 && logs.stdout.contains("Running on"), "{logs:?}");
    for (flag, why) in [("--previous", "it was not restarted"), ("--init", "no scripts ran in pod")] {
        let none = lab.lsdeploy(&["logs", "--env", "seen", flag]);
        assert!(none.code == 2 && none.stderr.contains(why) && none.stderr.contains("hint:"), "{none:?}");
    }
}
