//! What a Route's status says about this router.

use super::claims::Verdict;
use super::route::Route;
use crate::cluster;
use crate::log;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Map, Value, json};

/// The `status.ingress` to write, or nothing if it stands there already. Other routers' entries stay as they are.
pub(crate) fn next(route: &Route, router: &str, canonical: &str, host: &str, verdict: &Verdict) -> Option<Vec<Value>> {
    let mut ingress = route.status.as_ref().map(|status| status.ingress.clone()).unwrap_or_default();
    let mine = ingress.iter().position(|entry| entry["routerName"] == router);
    let old = mine.map_or(Value::Null, |index| ingress[index].clone());
    let mut condition = condition(verdict);
    let old_conditions = old["conditions"].as_array().cloned().unwrap_or_default();
    let (admitted, others): (Vec<Value>, Vec<Value>) =
        old_conditions.into_iter().partition(|condition| condition["type"] == "Admitted");
    let mut entry = json!({
        "host": host, "routerName": router, "routerCanonicalHostname": canonical, "wildcardPolicy": "None",
    });
    let same_entry = ["host", "routerCanonicalHostname", "wildcardPolicy"].iter().all(|key| old[key] == entry[key]);
    let same_condition = admitted
        .first()
        .is_some_and(|old| ["status", "reason", "message"].iter().all(|key| old.get(key) == condition.get(*key)));
    if same_entry && same_condition {
        return None;
    }
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    condition.insert("lastTransitionTime".into(), json!(now));
    let mut conditions = vec![Value::Object(condition)];
    conditions.extend(others);
    entry["conditions"] = json!(conditions);
    match mine {
        Some(index) => ingress[index] = entry,
        None => ingress.push(entry),
    }
    Some(ingress)
}

fn condition(verdict: &Verdict) -> Map<String, Value> {
    let text = |text: &str| Value::String(text.to_owned());
    let pairs = match verdict {
        Verdict::Admitted => vec![("status", text("True"))],
        Verdict::Refused { reason, message } => {
            vec![("status", text("False")), ("reason", text(reason)), ("message", text(message))]
        }
    };
    let all = std::iter::once(("type", text("Admitted"))).chain(pairs);
    all.map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Writes it; false if that should be tried again.
pub(crate) async fn write(client: Client, route: &Route, verdict: &Verdict, ingress: Vec<Value>) -> bool {
    let namespace = route.namespace().unwrap_or_default();
    let name = route.name_any();
    let api: Api<Route> = Api::namespaced_with(client, &namespace, &cluster::routes());
    // The version keeps two routers from writing over each other's entries.
    let version = &route.metadata.resource_version;
    let patch = json!({"metadata": {"resourceVersion": version}, "status": {"ingress": ingress}});
    let outcome = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
    let verdict = match verdict {
        Verdict::Admitted => "admitted",
        Verdict::Refused { reason, .. } => reason,
    };
    match outcome {
        Ok(_) => {
            log::line("route-status", &[("namespace", &namespace), ("name", &name), ("verdict", verdict)]);
            true
        }
        // Changed or gone since we looked: the watch brings the news, and with it another look.
        Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => true,
        Err(error) => {
            let why = error.to_string();
            log::line("route-status-failed", &[("namespace", &namespace), ("name", &name), ("why", &why)]);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(status: &Value) -> Route {
        serde_json::from_value(json!({"metadata": {"name": "r"}, "spec": {}, "status": status})).expect("a route")
    }

    fn admitted(route: &Route) -> Option<Vec<Value>> {
        next(route, "default", "router-default.apps.test", "a.test", &Verdict::Admitted)
    }

    #[test]
    fn a_status_is_written_once() {
        let ingress = admitted(&route(&json!({}))).expect("a first status");
        assert_eq!(ingress[0]["conditions"][0]["status"], "True");
        assert_eq!(ingress[0]["conditions"][0].get("reason"), None);
        assert_eq!(admitted(&route(&json!({"ingress": ingress}))), None);
    }

    #[test]
    fn another_routers_entry_stays() {
        let other = json!({"routerName": "internal", "host": "a.test", "conditions": []});
        let ingress = admitted(&route(&json!({"ingress": [other]}))).expect("a status");
        assert_eq!(ingress.len(), 2);
        assert_eq!(ingress[0], other);
    }

    #[test]
    fn a_lost_claim_replaces_the_condition() {
        let ingress = admitted(&route(&json!({}))).expect("a status");
        let verdict = Verdict::Refused { reason: "HostAlreadyClaimed", message: "taken".into() };
        let ingress =
            next(&route(&json!({"ingress": ingress})), "default", "router-default.apps.test", "a.test", &verdict);
        let conditions = ingress.expect("a status")[0]["conditions"].clone();
        assert_eq!(conditions.as_array().map(Vec::len), Some(1));
        assert_eq!(conditions[0]["reason"], "HostAlreadyClaimed");
    }
}
