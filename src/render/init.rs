//! The container that runs the scripts of `--init`: the emulator's own image, beside it in its pod.

use serde_json::{Value, json};

use super::context;
use crate::environment::Environment;
use crate::services;

/// What runs the scripts.
pub(crate) const RUNNER: &str = include_str!("../../manifests/init/run.py");
/// Its name among them.
const RUNNER_NAME: &str = ".lsdeploy-run.py";
/// Where they are mounted.
const DIRECTORY: &str = "/init";
/// Where the scripts may write.
const SCRATCH: &str = "/tmp";
/// LocalStack's image keeps its Python, which has boto3, in an environment of its own.
const START: &str = "for python in /opt/code/localstack/.venv/bin/python python3 python; do \
                     command -v $python >/dev/null && exec $python /init/.lsdeploy-run.py; done; \
                     echo 'this image has no Python to run scripts with'; exit 1";

/// The data of the ConfigMap.
pub(super) fn data(environment: &Environment) -> Value {
    let mut data = json!(environment.scripts.files());
    data[RUNNER_NAME] = RUNNER.into();
    data
}

/// The container; null where there is nothing to run.
pub(super) fn container(environment: &Environment, security: &Value) -> Value {
    if environment.scripts.is_empty() {
        return Value::Null;
    }
    json!({
        "name": context::INIT_CONTAINER,
        "image": environment.image.as_str(),
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", START],
        "env": variables(environment),
        "securityContext": security,
        "resources": resources(),
        "readinessProbe": {"exec": {"command": ["test", "-e", done()]}, "periodSeconds": 1},
        "volumeMounts": [
            {"name": "init", "mountPath": DIRECTORY, "readOnly": true},
            {"name": "init-scratch", "mountPath": SCRATCH},
        ],
    })
}

/// What it asks for.
pub(super) fn resources() -> Value {
    json!({"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}})
}

/// Its volumes.
pub(super) fn volumes(environment: &Environment) -> Vec<Value> {
    if environment.scripts.is_empty() {
        return Vec::new();
    }
    vec![json!({"name": "init", "configMap": {"name": context::INIT}}), json!({"name": "init-scratch", "emptyDir": {}})]
}

/// Inside the pod the emulator is on loopback.
fn variables(environment: &Environment) -> Vec<Value> {
    let profile = &environment.profile;
    let port = |name: &str| profile.ports.iter().find(|port| port.name == name).map_or(0, |port| port.port);
    let ready = match &profile.readiness.path {
        Some(path) => format!("http://127.0.0.1:{}{path}", port(&profile.readiness.port)),
        None => format!("tcp://127.0.0.1:{}", port(&profile.readiness.port)),
    };
    let endpoint = |service: &str| format!("http://127.0.0.1:{}", port(profile.port_of(service)));
    let mut all = vec![
        ("AWS_ACCESS_KEY_ID".to_owned(), environment.account.clone().unwrap_or_else(|| "test".to_owned())),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "test".to_owned()),
        ("AWS_REGION".to_owned(), environment.region.clone()),
        ("AWS_DEFAULT_REGION".to_owned(), environment.region.clone()),
        ("HOME".to_owned(), SCRATCH.to_owned()),
        ("LSDEPLOY_INIT_SCRIPTS".to_owned(), DIRECTORY.to_owned()),
        ("LSDEPLOY_INIT_READY".to_owned(), ready),
        ("LSDEPLOY_INIT_DONE".to_owned(), done()),
    ];
    all.extend(profile.gateway.as_deref().map(|gateway| ("AWS_ENDPOINT_URL".to_owned(), endpoint(gateway))));
    for service in environment.services.iter().filter_map(|name| services::find(name)) {
        all.push((format!("AWS_ENDPOINT_URL_{}", service.config_key.to_uppercase()), endpoint(service.name)));
    }
    all.sort();
    all.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn done() -> String {
    format!("{SCRATCH}/lsdeploy-init-done")
}
