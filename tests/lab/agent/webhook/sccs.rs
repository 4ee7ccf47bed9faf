//! SCC objects: defaults and validation, both by the product's `scc::write`.

use super::Lab;
use super::review::{Answer, Denial, Request};
use lsdeploy::scc::{Scc, write};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) async fn admit(lab: Arc<Lab>, request: Request) -> Answer {
    let name = request.shown_name().to_owned();
    let mut object = request.object;
    let mut scc = match Scc::from_value(&object) {
        Ok(scc) => scc,
        // The CRD's schema has the exact words for a wrong type, and is asked next.
        Err(why) => return Answer::Allow(object, format!("left to the schema: {why}")),
    };
    write::default(&mut scc, lab.release);
    let errors = write::validate(&scc);
    if !errors.is_empty() {
        let list = if let [one] = errors.as_slice() { one.clone() } else { format!("[{}]", errors.join(", ")) };
        let kind = "SecurityContextConstraints";
        // kubectl shows the causes in place of the message.
        let cause = |error: &String| {
            let (field, message) = error.split_once(": ").unwrap_or(("", error));
            json!({"reason": "FieldValueInvalid", "field": field, "message": message})
        };
        let causes: Vec<Value> = errors.iter().map(cause).collect();
        return Answer::Deny(Denial {
            code: 422,
            reason: "Invalid",
            message: format!("{kind}.security.openshift.io \"{name}\" is invalid: {list}"),
            details: json!({"group": "security.openshift.io", "kind": kind, "name": name, "causes": causes}),
        });
    }
    match serde_json::to_value(&scc) {
        Ok(Value::Object(defaulted)) => {
            // Only written over: a field that the module does not know stays, and so does an empty list.
            for (key, value) in defaulted {
                object[key] = value;
            }
            Answer::Allow(object, String::new())
        }
        other => Answer::broken(format!("the lab cannot write the SCC back: {other:?}")),
    }
}
