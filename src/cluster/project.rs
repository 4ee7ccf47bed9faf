//! Projects of OpenShift: how a caller who may not make namespaces gets one, finds its own, and gives it back.
//!
//! A project is a namespace with rights of its own: outside its projects such a caller sees nothing.

use std::time::Duration;

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use kube::core::{DynamicObject, WatchEvent};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Cluster, Fault, preflight};
use crate::environment::{EnvName, NamespaceName};
use crate::error::{CommandError, Result};
use crate::manifest::Kind;
use crate::plan::uid;

const PROJECTS: &str = "/apis/project.openshift.io/v1/projects";
/// How often something is looked at that cannot be watched.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// OpenShift answers a request after about 6 seconds at the latest, with or without the rights in the project.
const RIGHTS_WITHIN: Duration = Duration::from_secs(10);
/// How many projects are looked into at once.
const PARALLEL: usize = 8;

/// The description of an environment's project: the only mark that a request can leave, as labels in it are ignored.
const DESCRIPTION: [&str; 2] = ["Environment ", ", made by lsdeploy"];

/// The environment that a namespace was requested for as a project, if it was.
pub fn env_of(namespace: &Value) -> Option<&str> {
    let description = namespace.pointer("/metadata/annotations")?.get("openshift.io/description")?.as_str()?;
    let [before, after] = DESCRIPTION;
    description.strip_prefix(before)?.strip_suffix(after)
}

/// Who requested a project, as the platform recorded it.
pub fn requester(namespace: &Value) -> &str {
    let requester = namespace.pointer("/metadata/annotations/openshift.io~1requester");
    requester.and_then(Value::as_str).unwrap_or_default()
}

/// Asks for a project, and waits until the caller may write in it.
///
/// # Errors
/// The request was refused, or the project is somebody else's.
pub async fn request(cluster: &Cluster, env: &EnvName, namespace: &NamespaceName) -> Result<()> {
    let [before, after] = DESCRIPTION;
    let body = json!({
        "apiVersion": "project.openshift.io/v1",
        "kind": "ProjectRequest",
        "metadata": {"name": namespace.as_str()},
        "displayName": format!("AWS environment {env}"),
        "description": format!("{before}{env}{after}"),
    });
    // Never as a dry run: the server would make the project all the same.
    match cluster.post("/apis/project.openshift.io/v1/projectrequests", &body).await {
        Ok(_) => {}
        Err(fault) if fault.code() == Some(409) => {
            let there = cluster.get(Kind::Namespace, "", namespace.as_str()).await.ok().flatten();
            if there.as_ref().and_then(env_of) != Some(env.as_str()) {
                return Err(CommandError::new(format!(
                    "nothing was written: the project {namespace} exists, and you may not see it"
                ))
                .hint("choose another environment name, or a project of yours with --namespace")
                .hint("if it was yours and has just been deleted, it is gone in a moment: run the command again"));
            }
        }
        Err(fault) => return Err(fault.explain(&format!("request the project {namespace}"))),
    }
    // The server that answered may know of the rights before the one that is asked next. Whatever is missing after that
    // is named by the preflight.
    let deadline = Instant::now() + RIGHTS_WITHIN;
    let mut look = tokio::time::interval(LOOK_AGAIN);
    loop {
        look.tick().await;
        if preflight::may_write(cluster, namespace).await? || Instant::now() >= deadline {
            return Ok(());
        }
    }
}

/// The names of the caller's projects; `None` where the cluster has none or does not tell.
pub async fn mine(cluster: &Cluster) -> Result<Option<Vec<String>>> {
    match cluster.get_path(PROJECTS).await {
        Ok(found) => Ok(found.map(|found| {
            let items = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            let names = items.iter().filter_map(|project| project.pointer("/metadata/name")?.as_str());
            names.map(str::to_owned).collect()
        })),
        Err(fault) if fault.code() == Some(403) => Ok(None),
        Err(fault) => Err(fault.explain("list your projects")),
    }
}

/// The objects of that kind and name in several projects; those that may not be read are left out.
pub async fn look_into(
    cluster: &Cluster,
    projects: &[String],
    kind: Kind,
    name: &str,
) -> std::result::Result<Vec<Value>, Fault> {
    let looks = stream::iter(projects).map(|project| async move {
        match cluster.get(kind, project, name).await {
            Err(fault) if fault.code() == Some(403) => Ok(None),
            found => found,
        }
    });
    let found: Vec<Option<Value>> = looks.buffered(PARALLEL).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// Deletes a project, which is there as `live`, and waits until its namespace is gone.
///
/// # Errors
/// The deletion was refused, or the namespace is still there at the deadline.
pub async fn delete(cluster: &Cluster, namespace: &NamespaceName, live: &Value, deadline: Instant) -> Result<()> {
    // With the project go the rights in it, but a watch that was let in before stays open.
    let watch = watch(cluster, namespace).await;
    let path = format!("{PROJECTS}/{namespace}");
    if live.pointer("/metadata/deletionTimestamp").is_none() {
        let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid(live)}});
        let deleted = cluster.delete_path(&path, &options).await;
        let deleted = deleted.map_err(|fault| fault.explain(&format!("delete the project {namespace}")))?;
        if !deleted {
            return Ok(());
        }
    }
    let gone = async {
        if let Ok(watch) = watch
            && ends_with_deletion(watch).await
        {
            return Ok(());
        }
        until_unseen(cluster, &path, namespace).await
    };
    tokio::time::timeout_at(deadline, gone).await.unwrap_or_else(|_| {
        Err(CommandError::new(format!("the project {namespace} is still there"))
            .hint("it is marked for deletion; run `lsdeploy down` again to go on waiting"))
    })
}

/// Watches one namespace by its path, which alone is open to who has no rights but those in it.
async fn watch(
    cluster: &Cluster,
    namespace: &NamespaceName,
) -> std::result::Result<impl Stream<Item = kube::Result<WatchEvent<DynamicObject>>> + use<>, Fault> {
    let request = http::Request::get(format!("/api/v1/watch/namespaces/{namespace}")).body(Vec::new());
    let request = request.map_err(|error| Fault::Unreachable(error.to_string()))?;
    Ok(cluster.client().request_events(request).await?)
}

/// Whether the watch lives to see the deletion.
async fn ends_with_deletion(watch: impl Stream<Item = kube::Result<WatchEvent<DynamicObject>>>) -> bool {
    let mut watch = std::pin::pin!(watch);
    while let Some(Ok(event)) = watch.next().await {
        if matches!(event, WatchEvent::Deleted(_)) {
            return true;
        }
    }
    false
}

/// Looks until the project is gone, or out of sight, which is all that can be known then.
async fn until_unseen(cluster: &Cluster, path: &str, namespace: &NamespaceName) -> Result<()> {
    let mut look = tokio::time::interval(LOOK_AGAIN);
    loop {
        look.tick().await;
        match cluster.get_path(path).await {
            Ok(None) => return Ok(()),
            Err(fault) if fault.code() == Some(403) => return Ok(()),
            Err(fault) => return Err(fault.explain(&format!("see whether the project {namespace} is gone"))),
            Ok(Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_tells_its_environment_and_other_namespaces_tell_none() {
        let described = |text: &str| json!({"metadata": {"annotations": {"openshift.io/description": text}}});
        assert_eq!(env_of(&described("Environment team1, made by lsdeploy")), Some("team1"));
        assert_eq!(env_of(&described("Environment team1")), None);
        assert_eq!(env_of(&json!({"metadata": {}})), None);
    }
}
