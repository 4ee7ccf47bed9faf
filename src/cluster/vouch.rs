//! Who vouches for an environment's place. An inventory is a ConfigMap: whoever may edit a namespace can write one that names any
//! environment, any tenure and any SCC. What only an administrator writes, or the platform itself, is believed. Asks nobody.

use serde_json::Value;

use super::project;
use crate::plan::foreign_owner;

/// Who says that a namespace is an environment's, the most trusted last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Voucher {
    /// Nobody but what is in it.
    Nobody,
    /// It was requested for it as a project, by whom the platform says.
    Requester(String),
    /// Its labels, or the SCC that was made for it there.
    Administrator,
}

/// Who vouches for `namespace`, which is there as `place`. `scc` is what is live under the name of the environment's own SCC.
pub fn voucher(env: &str, namespace: &str, place: Option<&Value>, scc: Option<&Value>) -> Voucher {
    let is_ours = |object: &Value| foreign_owner(env, namespace, object).is_none();
    let names_it = |scc: &&Value| {
        scc.pointer("/metadata/annotations/lsdeploy.dev~1namespace").and_then(Value::as_str) == Some(namespace)
    };
    if place.is_some_and(is_ours) || scc.filter(names_it).is_some_and(is_ours) {
        return Voucher::Administrator;
    }
    let project = place.filter(|place| project::env_of(place) == Some(env));
    project.map_or(Voucher::Nobody, |project| Voucher::Requester(project::requester(project).to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ours(env: &str, annotations: &Value) -> Value {
        json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": env},
            "annotations": annotations}})
    }

    #[track_caller]
    fn check(place: Option<&Value>, scc: Option<&Value>, expected: &Voucher) {
        assert_eq!(voucher("team1", "home", place, scc), *expected, "{place:?} {scc:?}");
    }

    #[test]
    fn only_what_an_editor_of_a_namespace_cannot_write_vouches_for_it() {
        let plain = json!({"metadata": {"name": "home"}});
        check(None, None, &Voucher::Nobody);
        check(Some(&plain), None, &Voucher::Nobody);
        check(Some(&ours("team1", &json!({}))), None, &Voucher::Administrator);
        check(Some(&ours("team2", &json!({}))), None, &Voucher::Nobody);
        let scc = |home: &str| ours("team1", &json!({"lsdeploy.dev/namespace": home}));
        check(Some(&plain), Some(&scc("home")), &Voucher::Administrator);
        check(Some(&plain), Some(&scc("elsewhere")), &Voucher::Nobody);
        check(Some(&plain), Some(&ours("team1", &json!({}))), &Voucher::Nobody);
        let project = json!({"metadata": {"annotations": {"openshift.io/requester": "mallory",
            "openshift.io/description": "Environment team1, made by lsdeploy"}}});
        check(Some(&project), None, &Voucher::Requester("mallory".to_owned()));
    }
}
