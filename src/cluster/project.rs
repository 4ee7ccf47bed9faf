//! Projects of OpenShift: how a caller who may not make namespaces gets one, and gives it back.
//!
//! Not proved on the lab, which has no project API; the requests follow OpenShift's `project.openshift.io/v1`.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::Cluster;
use crate::environment::{EnvName, NamespaceName};
use crate::error::{CommandError, Result};

/// How often the project is looked for while it goes: a plain user may not watch projects by name.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Asks for a project. The server answers once the caller administers it.
pub async fn request(cluster: &Cluster, env: &EnvName, namespace: &NamespaceName) -> Result<()> {
    let body = json!({
        "apiVersion": "project.openshift.io/v1",
        "kind": "ProjectRequest",
        "metadata": {"name": namespace.as_str()},
        "displayName": format!("AWS environment {env}"),
        "description": format!("Environment {env}, made by lsdeploy"),
    });
    // Never as a dry run: the server would make the project all the same.
    match cluster.post("/apis/project.openshift.io/v1/projectrequests", &body).await {
        Ok(_) => Ok(()),
        Err(fault) if fault.code() == Some(409) => {
            Err(CommandError::new(format!("the project {namespace} exists, and you may not see it"))
                .hint("choose another environment name, or a namespace of yours with --namespace"))
        }
        Err(fault) => Err(fault.explain(&format!("request the project {namespace}"))),
    }
}

/// Deletes a project and waits until it is gone.
pub async fn delete(cluster: &Cluster, namespace: &NamespaceName, deadline: Instant) -> Result<()> {
    let path = format!("/apis/project.openshift.io/v1/projects/{namespace}");
    let attempt = format!("delete the project {namespace}");
    cluster.delete_path(&path).await.map_err(|fault| fault.explain(&attempt))?;
    let mut look = tokio::time::interval(LOOK_AGAIN);
    loop {
        look.tick().await;
        match cluster.get_path(&path).await {
            Ok(None) => return Ok(()),
            // With the project go the rights in it.
            Err(fault) if fault.code() == Some(403) => return Ok(()),
            Err(fault) => return Err(fault.explain(&format!("see whether the project {namespace} is gone"))),
            Ok(Some(_)) if Instant::now() >= deadline => {
                return Err(CommandError::new(format!("the project {namespace} is still there"))
                    .hint("it is marked for deletion; run `lsdeploy down` again to go on waiting"));
            }
            Ok(Some(_)) => {}
        }
    }
}
