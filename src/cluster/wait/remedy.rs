//! The two requests of a wait that are not watches: reading a crashed container's log, and waking a ReplicaSet.

use std::time::Duration;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{LogParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use super::seen::LogRequest;
use super::words;

/// Lines of a crashed container's log worth showing.
const LOG_LINES: usize = 10;
/// How long a log may take: the verdict stands without it.
const LOG_TIMEOUT: Duration = Duration::from_secs(5);

/// The last lines that a crashed container wrote; none where they cannot be read.
pub(super) async fn last_words(client: &Client, namespace: &str, request: &LogRequest) -> Vec<String> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    // "Previous" means the run before the current one, and there is no current one while the container is down. It may
    // be restarted at any moment, so whichever of the two has something to say is taken.
    for previous in [false, true] {
        let params = LogParams {
            container: Some(request.container.clone()),
            previous,
            // Blank lines are dropped below.
            tail_lines: Some(4 * i64::try_from(LOG_LINES).unwrap_or(10)),
            limit_bytes: Some(64 * 1024),
            ..LogParams::default()
        };
        if let Ok(Ok(text)) = tokio::time::timeout(LOG_TIMEOUT, pods.logs(&request.pod, &params)).await {
            let lines: Vec<String> = text.lines().map(words::sanitised).filter(|line| is_said(line)).collect();
            if !lines.is_empty() {
                return lines[lines.len().saturating_sub(LOG_LINES)..].to_vec();
            }
        }
    }
    Vec::new()
}

/// False for what the kubelet says in place of a log that is gone; it says so with status 200.
fn is_said(line: &str) -> bool {
    !line.is_empty() && !line.starts_with("unable to retrieve container logs for ")
}

/// Makes a ReplicaSet try at once to create the pod that it was refused earlier.
///
/// Its retries are up to 16 minutes apart, and nothing else tells it that the grant or the quota was repaired meanwhile.
/// Who may not do this sees the old refusal and its hint.
pub(super) async fn wake(client: &Client, namespace: &str, replica_set: &str) {
    let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), namespace);
    let now = jiff::Timestamp::now().to_string();
    let touch = json!({"metadata": {"annotations": {"lsdeploy.dev/woken-at": now}}});
    let params = PatchParams { field_manager: Some("lsdeploy".to_owned()), ..PatchParams::default() };
    let _ = tokio::time::timeout(LOG_TIMEOUT, sets.patch(replica_set, &params, &Patch::Merge(touch))).await;
}
