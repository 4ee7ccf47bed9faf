//! Pods: gathers the facts that the product's `scc` module decides upon, and words its decision as an admission answer.

use super::Lab;
use super::namespaces::UID_RANGE;
use super::review::{Answer, Request};
use super::rights::{self, Usable};
use crate::access::UserInfo;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt as _};
use lsdeploy::scc::{self, NamespaceFacts, Scc, Subject};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How long admission waits for facts that another controller is still writing. OpenShift gives up after 10 s; the lab
/// lets its API server wait 5 s for this webhook.
const PATIENCE: Duration = Duration::from_secs(4);

pub(crate) async fn admit(lab: Arc<Lab>, request: Request) -> Answer {
    match decide(&lab, &request).await {
        Ok(answer) => answer,
        Err(why) => Answer::broken(format!("the lab's SCC admission cannot decide: {why}")),
    }
}

async fn decide(lab: &Lab, request: &Request) -> Result<Answer, String> {
    let account = request.object.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default");
    let account = Subject::service_account(&request.namespace, account);
    let requester = Subject { user: request.user_info.username.clone(), groups: request.user_info.groups.clone() };
    let sccs = sccs(lab).await?;
    let namespace = facts(lab, &request.namespace);
    let grants = grants(lab, request, &requester, &account, &sccs);
    let (namespace, (of_requester, of_account)) = tokio::try_join!(namespace, grants)?;
    let may_use = |subject: &Subject, scc: &str| {
        if *subject == requester { of_requester.includes(scc) } else { of_account.includes(scc) }
    };
    let decision = scc::admit(&scc::Request {
        pod: &request.object,
        namespace: &namespace,
        requester: &requester,
        sccs: &sccs,
        may_use: &may_use,
        release: lab.release,
    });
    Ok(match decision {
        Ok(admitted) => Answer::Allow(admitted.pod, admitted.scc.unwrap_or_else(|| "no SCC applies".into())),
        // A pod that an SCC makes invalid is found out by the API server itself, after this.
        Err(refusal) => Answer::forbidden(refusal.status_message(&request.object)),
    })
}

/// Every SCC of the cluster. One that cannot be read stops the decision: on OpenShift too, one broken SCC refuses
/// every pod.
async fn sccs(lab: &Lab) -> Result<Vec<Scc>, String> {
    if tokio::time::timeout(PATIENCE, lab.sccs.ready()).await.is_err() {
        return Err("the cluster's SCCs could not be listed; is their CRD installed?".into());
    }
    let read = |object: &kube::core::DynamicObject| {
        let value = serde_json::to_value(object).map_err(|error| error.to_string())?;
        Scc::from_value(&value).map_err(|error| format!("SCC {} cannot be read: {error}", object.name_any()))
    };
    lab.sccs.state().iter().map(|object| read(object)).collect()
}

/// The namespace with its uid range: just after its creation the watch may not have shown it, and a namespace older
/// than this webhook is annotated a moment later.
async fn facts(lab: &Lab, name: &str) -> Result<NamespaceFacts, String> {
    let begin = tokio::time::Instant::now();
    let cached = lab.namespaces.named(name).filter(|namespace| ranged(namespace));
    let mut found = cached.map(|namespace| Namespace::clone(&namespace));
    while found.as_ref().is_none_or(|namespace| !ranged(namespace)) && begin.elapsed() < PATIENCE {
        if found.is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let live = Api::<Namespace>::all(lab.client.clone()).get(name).await;
        found = Some(live.map_err(|error| format!("cannot read namespace {name}: {error}"))?);
    }
    let namespace = found.unwrap_or_default();
    Ok(NamespaceFacts {
        name: name.to_owned(),
        labels: namespace.labels().clone(),
        annotations: namespace.annotations().clone(),
    })
}

fn ranged(namespace: &Namespace) -> bool {
    namespace.annotations().contains_key(UID_RANGE)
}

/// What RBAC lets requester and service account use.
///
/// A rules review always counts its subject as authenticated, which SCC admission does not do for service accounts.
/// That only matters when the requester is not authenticated either: then each SCC is asked about by itself.
async fn grants(
    lab: &Lab,
    request: &Request,
    requester: &Subject,
    account: &Subject,
    sccs: &[Scc],
) -> Result<(Usable, Usable), String> {
    let client = &lab.client;
    let namespace = &request.namespace;
    let account = UserInfo { username: account.user.clone(), groups: account.groups.clone(), ..UserInfo::default() };
    if requester.groups.iter().any(|group| group == "system:authenticated") {
        return tokio::try_join!(
            rights::usable_sccs(client, &request.user_info, namespace),
            rights::usable_sccs(client, &account, namespace),
        );
    }
    let names: BTreeSet<&str> = sccs.iter().map(Scc::name).collect();
    tokio::try_join!(
        rights::usable_sccs_one_by_one(client, &request.user_info, namespace, &names),
        rights::usable_sccs_one_by_one(client, &account, namespace, &names),
    )
}
