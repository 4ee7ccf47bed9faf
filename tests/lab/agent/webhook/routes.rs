//! Routes: generated hosts, defaults, and the right to choose a host, as OpenShift's API server has them.
//!
//! What the schema of the CRD refuses (labels over 63 characters, weights, a target port of 0, ...) is left to it: it
//! gives OpenShift's own words.

use super::Lab;
use super::namespaces::annotations;
use super::review::{Answer, FieldError, Request};
use super::rights;
use serde_json::{Value, json};
use std::sync::Arc;

const GENERATED: &str = "openshift.io/host.generated";
const NO_HOST: &str = "you do not have permission to set the host field of the route";
const NO_CERTIFICATE: &str = "you do not have permission to set certificate fields on the route";
const IMMUTABLE: &str = "field is immutable";
const CERTIFICATE_FIELDS: [&str; 4] = ["caCertificate", "certificate", "destinationCACertificate", "key"];

pub(crate) async fn admit(lab: Arc<Lab>, mut request: Request) -> Answer {
    if !request.object.get("spec").is_some_and(Value::is_object) {
        return Answer::Allow(request.object, "left to the schema".into());
    }
    default(&mut request.object);
    let updates = request.operation == "UPDATE";
    if updates {
        keep_host(&mut request.object, &request.old_object);
    }
    let errors = if updates { update_rights(&lab, &request).await } else { create_rights(&lab, &request).await };
    let mut errors = match errors {
        Ok(errors) => errors,
        Err(why) => return Answer::broken(format!("the lab cannot decide about the Route: {why}")),
    };
    if errors.is_empty() {
        errors = rules(&request.object, &request.old_object);
    }
    if !errors.is_empty() {
        return Answer::invalid("route.openshift.io", "Route", request.shown_name(), &errors);
    }
    if !updates {
        generate(&lab.apps_domain, &request.namespace, &mut request.object);
    }
    let host = text(&request.object, "/spec/host").to_owned();
    Answer::Allow(request.object, host)
}

/// What the API server fills in.
fn default(object: &mut Value) {
    let spec = &mut object["spec"];
    if spec.get("wildcardPolicy").and_then(Value::as_str).is_none_or(str::is_empty) {
        spec["wildcardPolicy"] = json!("None");
    }
    target(spec.get_mut("to"));
    for backend in spec.get_mut("alternateBackends").and_then(Value::as_array_mut).into_iter().flatten() {
        target(Some(backend));
    }
}

fn target(reference: Option<&mut Value>) {
    let Some(reference) = reference.filter(|reference| reference.is_object()) else { return };
    if reference.get("kind").and_then(Value::as_str).is_none_or(str::is_empty) {
        reference["kind"] = json!("Service");
    }
    if reference.get("weight").is_none_or(Value::is_null) {
        reference["weight"] = json!(100);
    }
}

/// An update without host means the host that the Route has: so the manifest it was made from applies again.
fn keep_host(object: &mut Value, old: &Value) {
    if text(object, "/spec/host").is_empty() && !text(old, "/spec/host").is_empty() {
        object["spec"]["host"] = old["spec"]["host"].clone();
    }
}

fn generate(domain: &str, namespace: &str, object: &mut Value) {
    let chosen = ["/spec/host", "/spec/subdomain"].iter().any(|field| !text(object, field).is_empty());
    let name = text(object, "/metadata/name").replace('.', "-");
    if chosen || text(object, "/spec/wildcardPolicy") == "Subdomain" || name.is_empty() {
        return;
    }
    object["spec"]["host"] = json!(format!("{name}-{namespace}.{domain}"));
    if let Some(annotations) = annotations(object) {
        annotations.insert(GENERATED.into(), json!("true"));
    }
}

async fn create_rights(lab: &Lab, request: &Request) -> Result<Vec<FieldError>, String> {
    let host = !text(&request.object, "/spec/host").is_empty();
    if !host && !has_certificate(&request.object) {
        return Ok(Vec::new());
    }
    if rights::custom_host(&lab.client, &request.user_info, &request.namespace, "create").await? {
        return Ok(Vec::new());
    }
    Ok(vec![if host {
        FieldError::forbidden("spec.host", NO_HOST)
    } else {
        FieldError::forbidden("spec.tls", NO_CERTIFICATE)
    }])
}

async fn update_rights(lab: &Lab, request: &Request) -> Result<Vec<FieldError>, String> {
    let (new, old) = (&request.object, &request.old_object);
    let changed = |field| text(new, field) != text(old, field);
    let errors = if changed("/spec/host") {
        vec![FieldError::invalid("spec.host", text(new, "/spec/host"), IMMUTABLE)]
    } else if changed("/spec/subdomain") {
        vec![FieldError::invalid("spec.subdomain", text(new, "/spec/subdomain"), IMMUTABLE)]
    } else {
        certificate_changes(new, old)
    };
    if errors.is_empty() {
        return Ok(errors);
    }
    let may = |verb| rights::custom_host(&lab.client, &request.user_info, &request.namespace, verb);
    // The right to create a host is enough to change a certificate.
    let certificate_only = !changed("/spec/host") && !changed("/spec/subdomain");
    if may("update").await? || (certificate_only && may("create").await?) {
        return Ok(Vec::new());
    }
    Ok(errors)
}

/// The certificate fields that differ; taking a certificate away needs no right.
fn certificate_changes(new: &Value, old: &Value) -> Vec<FieldError> {
    if !has_certificate(new) {
        return Vec::new();
    }
    let shown = "redacted certificate data";
    let changes = CERTIFICATE_FIELDS.iter().filter_map(|field| {
        let pointer = format!("/spec/tls/{field}");
        let differs = text(new, &pointer) != text(old, &pointer);
        differs.then(|| FieldError::invalid(&format!("spec.tls.{field}"), shown, IMMUTABLE))
    });
    let external = text(new, "/spec/tls/externalCertificate/name");
    // Nobody can tell whether the content of the Secret is still the same.
    let external =
        (!external.is_empty()).then(|| FieldError::invalid("spec.tls.externalCertificate", external, NO_CERTIFICATE));
    changes.chain(external).collect()
}

fn has_certificate(object: &Value) -> bool {
    CERTIFICATE_FIELDS.iter().any(|field| !text(object, &format!("/spec/tls/{field}")).is_empty())
        || !text(object, "/spec/tls/externalCertificate/name").is_empty()
}

/// What OpenShift refuses and the CRD's schema lets through.
fn rules(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let path = text(object, "/spec/path");
    if path.contains(['#', ' ']) && path != text(old, "/spec/path") {
        errors.push(FieldError::invalid("spec.path", path, "cannot contain # or spaces"));
    }
    if !path.is_empty() && text(object, "/spec/tls/termination") == "passthrough" {
        errors.push(FieldError::invalid("spec.path", path, "passthrough termination does not support paths"));
    }
    let wildcard = text(object, "/spec/wildcardPolicy");
    if wildcard == "Subdomain" && text(object, "/spec/host").is_empty() {
        let message = "host name not specified for wildcard policy";
        errors.push(FieldError::invalid("spec.wildcardPolicy", wildcard, message));
    }
    if !old.is_null() && wildcard != text(old, "/spec/wildcardPolicy") {
        errors.push(FieldError::invalid("spec.wildcardPolicy", wildcard, IMMUTABLE));
    }
    errors
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(spec: &Value) -> Value {
        let mut route = json!({"metadata": {"name": "s3.v2", "namespace": "team1"}, "spec": spec});
        default(&mut route);
        route
    }

    #[test]
    fn a_host_is_generated_once() {
        let mut object = route(&json!({"to": {"name": "emulator"}}));
        generate("apps.test", "team1", &mut object);
        assert_eq!(object["spec"]["host"], "s3-v2-team1.apps.test");
        assert_eq!(object["metadata"]["annotations"][GENERATED], "true");
        assert_eq!(object["spec"]["to"], json!({"name": "emulator", "kind": "Service", "weight": 100}));
        assert_eq!(object["spec"]["wildcardPolicy"], "None");
        let stored = object.clone();
        let mut applied = route(&json!({"to": {"name": "emulator"}}));
        keep_host(&mut applied, &stored);
        assert_eq!(applied["spec"], stored["spec"]);
    }

    #[test]
    fn a_subdomain_is_left_to_the_router() {
        let mut object = route(&json!({"to": {"name": "e"}, "subdomain": "foo"}));
        generate("apps.test", "team1", &mut object);
        assert_eq!(object["spec"].get("host"), None);
    }

    #[test]
    fn a_certificate_may_be_taken_away_but_not_changed() {
        let with = route(&json!({"to": {"name": "e"}, "tls": {"termination": "edge", "key": "a"}}));
        let other = route(&json!({"to": {"name": "e"}, "tls": {"termination": "edge", "key": "b"}}));
        let without = route(&json!({"to": {"name": "e"}, "tls": {"termination": "edge"}}));
        assert_eq!(certificate_changes(&without, &with), []);
        assert_eq!(certificate_changes(&other, &with)[0].field, "spec.tls.key");
    }

    #[test]
    fn passthrough_has_no_path() {
        let object = route(&json!({"to": {"name": "e"}, "path": "/a", "tls": {"termination": "passthrough"}}));
        assert_eq!(rules(&object, &Value::Null)[0].message, "passthrough termination does not support paths");
    }
}
