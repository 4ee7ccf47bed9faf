//! `AdmissionReview`: what the API server asks, and how it wants to be answered.

use crate::access::UserInfo;
use k8s_openapi::ByteString;
use serde::Deserialize;
use serde_json::{Value, json};

/// The body of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Incoming {
    api_version: String,
    request: Request,
}

impl Incoming {
    /// The version to answer in, and the question.
    pub(crate) fn split(self) -> (String, Request) {
        (self.api_version, self.request)
    }
}

/// One write that waits for a decision.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Request {
    pub(crate) uid: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) operation: String,
    pub(crate) user_info: UserInfo,
    pub(crate) object: Value,
    pub(crate) old_object: Value,
}

impl Request {
    /// The name to show: pods of controllers have none yet, only a prefix.
    pub(crate) fn shown_name(&self) -> &str {
        let meta = |key| self.object.pointer(key).and_then(Value::as_str).filter(|name| !name.is_empty());
        Some(self.name.as_str())
            .filter(|name| !name.is_empty())
            .or_else(|| meta("/metadata/name"))
            .or_else(|| meta("/metadata/generateName"))
            .unwrap_or_default()
    }
}

/// What became of the write.
pub(crate) enum Answer {
    /// Allowed; the object as it shall be stored, and a note for the log.
    Allow(Value, String),
    /// Refused, with the API error that the caller sees.
    Deny(Denial),
}

/// An API error. The API server puts `admission webhook "..." denied the request: ` before the message.
pub(crate) struct Denial {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Value,
}

impl Answer {
    /// Refused for lack of rights, or by a rule that speaks like it (as SCC admission does).
    pub(crate) fn forbidden(message: String) -> Self {
        Self::Deny(Denial { code: 403, reason: "Forbidden", message, details: Value::Null })
    }

    /// The lab itself failed: the caller should not take it for a decision.
    pub(crate) fn broken(message: String) -> Self {
        Self::Deny(Denial { code: 500, reason: "InternalError", message, details: Value::Null })
    }

    /// Refused for what the object says, as `errors.NewInvalid` of Kubernetes words it.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let texts: Vec<String> = errors.iter().map(FieldError::text).collect();
        let list = if let [one] = texts.as_slice() { one.clone() } else { format!("[{}]", texts.join(", ")) };
        let causes: Vec<Value> = errors
            .iter()
            .map(|error| json!({"reason": error.kind.reason(), "message": error.body(), "field": error.field}))
            .collect();
        Self::Deny(Denial {
            code: 422,
            reason: "Invalid",
            message: format!("{kind}.{group} \"{name}\" is invalid: {list}"),
            details: json!({"group": group, "kind": kind, "name": name, "causes": causes}),
        })
    }

    pub(crate) fn verdict(&self) -> &'static str {
        match self {
            Self::Allow(..) => "allowed",
            Self::Deny(..) => "refused",
        }
    }

    pub(crate) fn note(&self) -> &str {
        match self {
            Self::Allow(_, note) => note,
            Self::Deny(denial) => &denial.message,
        }
    }

    /// The body of the answer. `before` is the object as it was asked about: only differences are sent.
    pub(crate) fn into_review(self, api_version: &str, uid: &str, before: &Value) -> Value {
        let response = match self {
            Self::Allow(after, _) => {
                let patch = json_patch::diff(before, &after);
                if patch.0.is_empty() {
                    json!({"uid": uid, "allowed": true})
                } else {
                    // A JSON patch of JSON values always serializes, and travels in base64.
                    let bytes = ByteString(serde_json::to_vec(&patch).unwrap_or_default());
                    json!({"uid": uid, "allowed": true, "patchType": "JSONPatch", "patch": bytes})
                }
            }
            Self::Deny(denial) => {
                let mut status = json!({
                    "status": "Failure", "code": denial.code, "reason": denial.reason, "message": denial.message,
                });
                if !denial.details.is_null() {
                    status["details"] = denial.details;
                }
                json!({"uid": uid, "allowed": false, "status": status})
            }
        };
        json!({"apiVersion": api_version, "kind": "AdmissionReview", "response": response})
    }
}

/// One mistake in one field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    pub(crate) kind: Mistake,
    pub(crate) message: String,
}

/// The two kinds of mistake that the rules of this program find.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    Forbidden,
    /// With the value as it is shown.
    Invalid(Value),
}

impl Mistake {
    fn reason(&self) -> &'static str {
        match self {
            Self::Forbidden => "FieldValueForbidden",
            Self::Invalid(_) => "FieldValueInvalid",
        }
    }
}

impl FieldError {
    pub(crate) fn forbidden(field: &str, message: &str) -> Self {
        Self { field: field.into(), kind: Mistake::Forbidden, message: message.into() }
    }

    pub(crate) fn invalid(field: &str, value: impl Into<Value>, message: &str) -> Self {
        Self { field: field.into(), kind: Mistake::Invalid(value.into()), message: message.into() }
    }

    fn body(&self) -> String {
        match &self.kind {
            Mistake::Forbidden => format!("Forbidden: {}", self.message),
            Mistake::Invalid(value) => format!("Invalid value: {value}: {}", self.message),
        }
    }

    fn text(&self) -> String {
        format!("{}: {}", self.field, self.body())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_as_kubernetes_words_it() {
        let errors = [FieldError::invalid("spec.path", "a b", "cannot contain # or spaces")];
        let Answer::Deny(denial) = Answer::invalid("route.openshift.io", "Route", "r", &errors) else {
            panic!("allowed");
        };
        assert_eq!(
            denial.message,
            r#"Route.route.openshift.io "r" is invalid: spec.path: Invalid value: "a b": cannot contain # or spaces"#
        );
    }

    #[test]
    fn an_unchanged_object_is_answered_without_patch() {
        let object = json!({"spec": {"host": "a"}});
        let review = Answer::Allow(object.clone(), String::new()).into_review("admission.k8s.io/v1", "u", &object);
        assert_eq!(review["response"], json!({"uid": "u", "allowed": true}));
    }

    #[test]
    fn a_changed_object_is_answered_with_its_differences() {
        let after = json!({"spec": {"host": "a"}});
        let review = Answer::Allow(after, String::new()).into_review("admission.k8s.io/v1", "u", &json!({"spec": {}}));
        let patch: ByteString = serde_json::from_value(review["response"]["patch"].clone()).expect("base64");
        let patch: Value = serde_json::from_slice(&patch.0).expect("JSON");
        assert_eq!(patch, json!([{"op": "add", "path": "/spec/host", "value": "a"}]));
    }
}
