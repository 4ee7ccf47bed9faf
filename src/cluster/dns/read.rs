//! Reads objects of the API, many at once, each with its own deadline. What goes out: one observation per object.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::super::{Cluster, Fault};
use super::trim::trim;
use super::wants::Want;
use super::{VANTAGE, object};
use crate::dns::observation::{Observation, ProbeError, Transport, Trouble};
use crate::printable::printable;

/// How long one answer of the API is waited for.
const PATIENCE: Duration = Duration::from_secs(4);
/// Requests at the same time: each needs a connection of its own.
const AT_ONCE: usize = 12;

/// Reads all of it.
pub(super) async fn all(cluster: &Cluster, wants: Vec<Want>) -> Vec<Observation> {
    let begin = Instant::now();
    let read = wants.into_iter().map(|want| one(cluster, want, begin));
    let read: Vec<Vec<Observation>> = stream::iter(read).buffered(AT_ONCE).collect().await;
    read.into_iter().flatten().collect()
}

async fn one(cluster: &Cluster, want: Want, begin: Instant) -> Vec<Observation> {
    let started = Instant::now();
    let answer = match tokio::time::timeout(PATIENCE, cluster.get_path(&want.path)).await {
        Ok(answer) => answer,
        Err(_) => Err(Fault::Unreachable(format!("no answer within {} s", PATIENCE.as_secs()))),
    };
    let mut seen = observations(&want, answer);
    for observation in &mut seen {
        observation.at = milliseconds(started.duration_since(begin));
        observation.ms = milliseconds(started.elapsed());
    }
    seen
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// One observation for one object, one per item for a list; one for what is not there.
fn observations(want: &Want, answer: Result<Option<Value>, Fault>) -> Vec<Observation> {
    let found = match answer {
        Ok(Some(found)) => found,
        Ok(None) => return vec![failed(want, Trouble::Absent, "there is none (HTTP 404)".to_owned())],
        // An API server that does not know a field selector, or a resource, has none of these.
        Err(fault) if fault.code() == Some(400) => return vec![failed(want, Trouble::Absent, fault.words())],
        Err(fault) => return vec![failed(want, Trouble::Unreadable, fault.words())],
    };
    if !want.is_list {
        return vec![seen(&want.name, &want.resource, found)];
    }
    let Value::Array(items) = found["items"].clone() else { return Vec::new() };
    if items.is_empty() {
        return vec![failed(want, Trouble::Absent, "there are none".to_owned())];
    }
    items.into_iter().map(|item| seen(&named(&want.resource, &item), &want.resource, item)).collect()
}

/// `pods/NAMESPACE/NAME`, `nodes/NAME`.
fn named(resource: &str, item: &Value) -> String {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).map(printable);
    let place = text("/metadata/namespace").map(|namespace| format!("{namespace}/")).unwrap_or_default();
    format!("{resource}/{place}{}", text("/metadata/name").unwrap_or_default())
}

fn seen(name: &str, resource: &str, value: Value) -> Observation {
    let mut observation = Observation::blank(VANTAGE, name, "OBJECT", Transport::Api);
    observation.text = Some(trim(resource, value).to_string());
    debug_assert!(object(&observation).is_some());
    observation
}

fn failed(want: &Want, kind: Trouble, detail: String) -> Observation {
    let mut observation = Observation::blank(VANTAGE, &want.name, "OBJECT", Transport::Api);
    observation.error = Some(ProbeError { kind, detail });
    observation
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_item_of_a_list_is_an_observation_under_its_own_name() {
        let items = json!({"items": [
            {"metadata": {"name": "a", "namespace": "openshift-dns"}}, {"metadata": {"name": "b", "namespace": "openshift-dns"}},
        ]});
        let seen = observations(&Want::list("pods", "openshift-dns", "/x"), Ok(Some(items)));
        let names: Vec<&str> = seen.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["pods/openshift-dns/a", "pods/openshift-dns/b"]);
    }

    #[test]
    fn an_object_that_is_not_there_is_said_to_be_absent_and_an_empty_list_too() {
        let one = observations(&Want::one("services/a/b", "/x"), Ok(None));
        assert!(one[0].met(Trouble::Absent) && one[0].name == "services/a/b");
        let none = observations(&Want::list("pods", "a", "/x"), Ok(Some(json!({"items": []}))));
        assert!(none[0].met(Trouble::Absent) && none[0].name == "pods/a");
    }

    #[test]
    fn a_silent_api_is_unreadable_not_absent() {
        let seen = observations(&Want::one("version", "/version"), Err(Fault::Unreachable("no answer".to_owned())));
        assert!(seen[0].met(Trouble::Unreadable));
        assert_eq!(seen[0].error.as_ref().unwrap().detail, "no answer");
    }
}
