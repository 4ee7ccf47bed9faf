//! Holds `lsdeploy::scc` against decisions recorded from a real server.
//!
//! The file is `tests/fixtures/scc-decisions.json` or the one `LSDEPLOY_ORACLE` names. Of each pod the whole recorded
//! result must come out: SCC, security contexts, volumes and annotations, or reason, message and named SCCs. Three
//! things are made here and not by the module, because they are not decisions about SCCs:
//!
//! - what the server does to a pod before admission: token volume, empty security context, default service account;
//! - the words `kubectl` and the replica set controller put around the server's message;
//! - which service accounts exist: the file does not say, so one the server complains about is taken as missing.
//!
//! One kind of message holds addresses in memory; they are replaced by one constant on both sides.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lsdeploy::scc::{self, NamespaceFacts, Refusal, Release, Request, Scc, Subject};
use serde_json::{Map, Value, json};

const CLUSTER_ADMIN: &str = "the cluster admin of the kubeconfig";
/// `kubectl` says this if it got as far as sending the object itself, which says nothing about the server's answer.
const CREATING: &str = "error when creating \"STDIN\": ";

#[test]
fn oracle_pods_and_writes_are_equal() {
    let oracle = read();
    let pods = list(&oracle["cases"]);
    let writes = list(&oracle["scc_writes"]);
    let pod_differences: Vec<String> = pods.iter().filter_map(|case| compare(case, &decide(&oracle, case))).collect();
    let write_differences: Vec<String> = writes.iter().filter_map(|case| compare(case, &write(case))).collect();

    let verdict = format!(
        "oracle: {} of {} pods, {} of {} writes equal",
        pods.len() - pod_differences.len(),
        pods.len(),
        writes.len() - write_differences.len(),
        writes.len()
    );
    report(&verdict);
    assert!(!pods.is_empty(), "the oracle holds no pods");
    let differences = [pod_differences, write_differences].concat();
    assert!(differences.is_empty(), "{verdict}\n{}", differences.join("\n"));
}

#[test]
fn oracle_default_sccs_are_read_without_loss() {
    let oracle = read();
    for object in list(&oracle["default_sccs"]) {
        let read = Scc::from_value(object).expect("a stored SCC is readable");
        assert_eq!(&json!(read), object);
    }
}

fn report(verdict: &str) {
    println!("{verdict}");
}

fn read() -> Value {
    let fixture = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scc-decisions.json");
    let path = std::env::var_os("LSDEPLOY_ORACLE").map_or_else(fixture, PathBuf::from);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    serde_json::from_str(&text).expect("the oracle is JSON")
}

/// A note about the case if its recorded result is another one.
fn compare(case: &Value, actual: &Value) -> Option<String> {
    let mut expected = case["result"].clone();
    if let Some(message) = expected["message"].as_str() {
        expected["message"] = without_addresses(&message.replacen(CREATING, "", 1)).into();
    }
    let name = text(&case["name"]);
    (expected != *actual).then(|| format!("{name}\n  expected {expected}\n  actual   {actual}"))
}

fn without_addresses(message: &str) -> String {
    let mut parts = message.split("(0x");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean.push_str("(0xc000000000");
        clean.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()));
    }
    clean
}

/// What becomes of a pod, in the form of the file.
fn decide(oracle: &Value, case: &Value) -> Value {
    let pod = as_admission_sees_it(case);
    let account = text(&pod["spec"]["serviceAccountName"]);
    let namespace = NamespaceFacts {
        name: text(&case["namespace"]).to_owned(),
        labels: strings(&case["namespace_labels"]),
        annotations: strings(&case["namespace_annotations"]),
    };
    let missing = format!(
        "error looking up service account {}/{account}: serviceaccount \"{account}\" not found",
        namespace.name
    );
    if text(&case["result"]["message"]).ends_with(&missing) {
        let refusal = Refusal { message: missing, providers: Vec::new(), reason: scc::Reason::Forbidden };
        return refused(case, &pod, &refusal);
    }

    let sccs: Vec<Scc> = [&oracle["default_sccs"], &case["extra_sccs"]]
        .into_iter()
        .flat_map(list)
        .map(|object| Scc::from_value(object).expect("a stored SCC is readable"))
        .collect();
    let may_use = |subject: &Subject, scc: &str| {
        let grants = list(&oracle["default_grants"]).iter().chain(list(&case["grants"]));
        grants.into_iter().any(|grant| grants_use(grant, subject, scc, &namespace.name))
    };
    let request = Request {
        pod: &pod,
        namespace: &namespace,
        requester: &requester(&case["requester"]),
        sccs: &sccs,
        may_use: &may_use,
        release: Release::RECORDED,
    };
    let decision = scc::admit(&request).and_then(|admitted| match scc::invalid_after(&admitted.pod) {
        Some(refusal) => Err(refusal),
        None => Ok(admitted),
    });
    match decision {
        Ok(admitted) => allowed(&admitted.pod),
        Err(refusal) => refused(case, &pod, &refusal),
    }
}

fn allowed(pod: &Value) -> Value {
    let spec = &pod["spec"];
    let contexts = |field: &str| -> Value {
        let context = |container: &Value| json!({"name": container["name"], "securityContext": stored(container)});
        list(&spec[field]).iter().map(context).collect()
    };
    let volume = |volume: &Value| json!({text(&volume["name"]): kind(volume)});
    let mut annotations = pod["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    let mut result = json!({
        "allowed": true,
        "scc": annotations.remove("openshift.io/scc"),
        "securityContext": stored(spec),
        "containers": contexts("containers"),
        "volumes": list(&spec["volumes"]).iter().map(volume).collect::<Value>(),
    });
    if !annotations.is_empty() {
        result["annotations"] = annotations.into();
    }
    if !list(&spec["initContainers"]).is_empty() {
        result["initContainers"] = contexts("initContainers");
    }
    for flag in ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|flag| spec[*flag] == true) {
        result[flag] = true.into();
    }
    result
}

/// A security context as the server writes it out: without empty lists, empty words and nulls at any depth.
fn stored(owner: &Value) -> Value {
    fn without_empty(value: &mut Value) {
        if let Some(fields) = value.as_object_mut() {
            fields.values_mut().for_each(without_empty);
            fields.retain(|_, value| !(value.is_null() || *value == json!([]) || *value == json!("")));
        }
    }
    let mut context = owner["securityContext"].clone();
    without_empty(&mut context);
    context
}

/// The refusal as `kubectl` prints it, or as the condition of a Deployment shows it.
fn refused(case: &Value, pod: &Value, refusal: &Refusal) -> Value {
    let whole = refusal.status_message(pod);
    if case["submitted_as"] == "Deployment" {
        return json!({"allowed": false, "reason": "FailedCreate", "message": whole});
    }
    let message = match refusal.reason {
        scc::Reason::Forbidden => format!("Error from server (Forbidden): {whole}"),
        scc::Reason::Invalid => format!("The {whole}"),
    };
    let mut result = json!({"allowed": false, "reason": refusal.reason.to_string(), "message": message});
    if !refusal.providers.is_empty() {
        result["providers_named"] = json!(refusal.providers);
    }
    result
}

/// What the server does before SCC admission sees the pod.
fn as_admission_sees_it(case: &Value) -> Value {
    let mut pod = case["pod"].clone();
    if case["submitted_as"] == "Deployment" {
        pod["metadata"]["name"].take();
        pod["metadata"]["generateName"] = "d-HASH-".into();
    }
    let spec = &mut pod["spec"];
    for (field, default) in [("securityContext", json!({})), ("serviceAccountName", json!("default"))] {
        if spec[field].is_null() {
            spec[field] = default;
        }
    }
    if spec["automountServiceAccountToken"] != false {
        let mut volumes = list(&spec["volumes"]).to_vec();
        volumes.push(token_volume());
        spec["volumes"] = volumes.into();
    }
    pod
}

fn token_volume() -> Value {
    let bundle = |name: &str, file: &str| json!({"configMap": {"name": name, "items": [{"key": file, "path": file}]}});
    let namespace = json!({"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}});
    json!({"name": "kube-api-access-XXXXX", "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        bundle("kube-root-ca.crt", "ca.crt"),
        {"downwardAPI": {"items": [namespace]}},
        bundle("openshift-service-ca.crt", "service-ca.crt"),
    ]}})
}

fn kind(volume: &Value) -> &str {
    let fields = volume.as_object().map(Map::keys).into_iter().flatten();
    fields.map(String::as_str).find(|field| *field != "name").unwrap_or("emptyDir")
}

/// The requester with the groups its authentication gives it.
fn requester(recorded: &Value) -> Subject {
    let user = text(&recorded["user"]);
    if user == CLUSTER_ADMIN {
        return subject(user, vec!["system:masters", "system:authenticated"]);
    }
    let mut groups: Vec<String> =
        match user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
            Some((namespace, name)) if recorded["groups"].is_null() => Subject::service_account(namespace, name).groups,
            _ => list(&recorded["groups"]).iter().map(|group| text(group).to_owned()).collect(),
        };
    if user != "system:anonymous" {
        groups.push("system:authenticated".to_owned());
    }
    Subject { user: user.to_owned(), groups }
}

fn subject(user: &str, groups: Vec<&str>) -> Subject {
    Subject { user: user.to_owned(), groups: groups.into_iter().map(str::to_owned).collect() }
}

/// Whether a recorded binding lets `subject` use `scc` in `namespace`.
fn grants_use(grant: &Value, subject: &Subject, scc: &str, namespace: &str) -> bool {
    let is_for = match text(&grant["to"]).split_once(':') {
        Some(("Group", group)) => subject.groups.iter().any(|one| one == group),
        Some((_, user)) => subject.user == user,
        None => false,
    };
    let covers = |field: &str, default: &str, wanted: &str| match grant[field].as_array() {
        None => default == wanted,
        Some(entries) => entries.iter().any(|entry| entry == wanted || entry == "*"),
    };
    is_for
        && (grant["namespace"].is_null() || grant["namespace"] == namespace)
        && covers("verbs", "use", "use")
        && covers("apiGroups", "security.openshift.io", "security.openshift.io")
        && covers("resources", "securitycontextconstraints", "securitycontextconstraints")
        && covers("scc", "", scc)
}

/// What becomes of a written SCC, in the form of the file.
fn write(case: &Value) -> Value {
    let rejected = |message: String| json!({"accepted": false, "message": message});
    let mut scc = match scc::write::decode(&case["submitted"]) {
        Ok(scc) => scc,
        Err(error) => return rejected(format!("Error from server (BadRequest): {error}")),
    };
    scc::write::default(&mut scc, Release::RECORDED);
    let name = scc.name().to_owned();
    match scc::write::validate(&scc).as_slice() {
        [] => json!({"accepted": true, "stored": scc}),
        [one] => rejected(format!("The SecurityContextConstraints \"{name}\" is invalid: {one}")),
        several => {
            let lines = several.join("\n* ");
            rejected(format!("The SecurityContextConstraints \"{name}\" is invalid: \n* {lines}"))
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn strings(value: &Value) -> BTreeMap<String, String> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), text(value).to_owned())).collect()
}
