//! Connects to the cluster that the user named, and sends single requests.

use std::path::PathBuf;
use std::time::Duration;

use http::{Method, Request};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::{Fault, Link, transport};
use crate::error::{CommandError, Result};
use crate::manifest::{Kind, ObjectId};

/// Pauses before an apply is sent again that met another writer.
const CONFLICT_PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(800), Duration::from_secs(2)];

/// Which cluster, as kubectl's flags of the same names say it.
#[derive(Debug, Clone, Default)]
pub struct ClientArgs {
    /// `--kubeconfig`; else `$KUBECONFIG`, else `~/.kube/config`, else the pod's ServiceAccount.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`; else the current context.
    pub context: Option<String>,
    /// `$KUBECONFIG` names a file: an error then says so.
    pub has_variable: bool,
}

/// What becomes of an object that others depend on, while they are still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// It goes at once, its dependents later.
    Background,
    /// It stays until its dependents are gone.
    Foreground,
}

impl Propagation {
    fn word(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
        }
    }
}

/// A connection to one cluster.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    /// The API server's address.
    pub server: String,
}

impl Cluster {
    /// Reads the kubeconfig and prepares a client; nothing is sent yet. `run_id` goes into the user agent, so that the
    /// cluster's audit log can be held against the inventory's history.
    pub async fn connect(args: &ClientArgs, run_id: &str, link: Link) -> Result<Self> {
        let mut config = read_config(args).await?;
        config.read_timeout = None;
        config.connect_timeout = Some(Duration::from_secs(10));
        let agent = format!("lsdeploy/{} run={run_id}", env!("CARGO_PKG_VERSION"));
        if let Ok(agent) = agent.parse() {
            config.headers.push((http::header::USER_AGENT, agent));
        }
        let server = config.cluster_url.to_string();
        let client = transport::client(config, link).map_err(|error| {
            CommandError::new(format!("cannot use the kubeconfig for {server}: {error}"))
                .hint("check the certificates and keys that the kubeconfig names")
        })?;
        Ok(Self { client, server })
    }

    /// The underlying client, for watches.
    pub fn client(&self) -> &kube::Client {
        &self.client
    }

    /// The objects of a kind, for watches.
    pub fn api(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        let resource = ApiResource {
            group: kind.group().to_owned(),
            version: "v1".to_owned(),
            api_version: if kind.group().is_empty() { "v1".to_owned() } else { format!("{}/v1", kind.group()) },
            kind: kind.name().to_owned(),
            plural: kind.plural().to_owned(),
        };
        if kind.is_namespaced() {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        } else {
            Api::all_with(self.client.clone(), &resource)
        }
    }

    /// One object; `None` where it, its namespace or its kind does not exist.
    pub async fn get(&self, kind: Kind, namespace: &str, name: &str) -> std::result::Result<Option<Value>, Fault> {
        self.get_path(&object_path(kind, namespace, name)).await
    }

    /// What a GET of `path` answers; `None` for 404.
    pub async fn get_path(&self, path: &str) -> std::result::Result<Option<Value>, Fault> {
        match self.send(Method::GET, path, "application/json", None).await {
            Ok(value) => Ok(Some(value)),
            Err(fault) if fault.code() == Some(404) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The objects of a kind in a namespace, or in all namespaces where `namespace` is `None`.
    pub async fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        selector: &str,
    ) -> std::result::Result<Vec<Value>, Fault> {
        let mut items = Vec::new();
        let mut more = String::new();
        loop {
            let path =
                format!("{}?limit=500&labelSelector={}{more}", collection_path(kind, namespace), encode(selector));
            let mut page = self.send(Method::GET, &path, "application/json", None).await?;
            let token = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(Value::Array(list)) = page.get_mut("items").map(Value::take) {
                items.extend(list);
            }
            if token.is_empty() {
                return Ok(items);
            }
            more = format!("&continue={}", encode(&token));
        }
    }

    /// Server-side apply. Fields of ours that others took over are taken back; fields of others stay. Where something else
    /// writes or deletes the object at the same time it is sent again.
    ///
    /// Server-side apply refuses a field that the server's schema does not have by itself; asking for strict validation
    /// besides would cost the server a fifth of its work.
    pub async fn apply(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        object: &Value,
    ) -> std::result::Result<Value, Fault> {
        let path = format!(
            "{}?fieldManager={}&force=true&fieldValidation=Ignore",
            object_path(kind, namespace, name),
            crate::plan::FIELD_MANAGER
        );
        for pause in CONFLICT_PAUSES {
            match self.send(Method::PATCH, &path, "application/apply-patch+yaml", Some(object)).await {
                Err(fault) if fault.code() == Some(409) => sleep_until(Instant::now() + pause).await,
                answer => return answer,
            }
        }
        self.send(Method::PATCH, &path, "application/apply-patch+yaml", Some(object)).await
    }

    /// POST of `body`.
    pub async fn post(&self, path: &str, body: &Value) -> std::result::Result<Value, Fault> {
        self.send(Method::POST, path, "application/json", Some(body)).await
    }

    /// Strategic merge patch of `path`.
    pub async fn patch(&self, path: &str, body: &Value) -> std::result::Result<Value, Fault> {
        self.send(Method::PATCH, path, "application/strategic-merge-patch+json", Some(body)).await
    }

    /// JSON merge patch of `path`, which every kind takes.
    pub async fn merge_patch(&self, path: &str, body: &Value) -> std::result::Result<Value, Fault> {
        self.send(Method::PATCH, path, "application/merge-patch+json", Some(body)).await
    }

    /// Deletes one object if it still is the one with that uid. `false` where it is gone already.
    pub async fn delete(
        &self,
        namespace: &str,
        id: &ObjectId,
        uid: &str,
        propagation: Propagation,
    ) -> std::result::Result<bool, Fault> {
        let options = serde_json::json!({"kind": "DeleteOptions", "apiVersion": "v1",
            "propagationPolicy": propagation.word(), "preconditions": {"uid": uid}});
        self.delete_path(&object_path(id.kind, namespace, &id.name), &options).await
    }

    /// DELETE of `path`; `false` where there is nothing.
    pub async fn delete_path(&self, path: &str, options: &Value) -> std::result::Result<bool, Fault> {
        match self.send(Method::DELETE, path, "application/json", Some(options)).await {
            Ok(_) => Ok(true),
            Err(fault) if fault.code() == Some(404) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Option<&Value>,
    ) -> std::result::Result<Value, Fault> {
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, content_type)
            .body(body)
            .map_err(|error| Fault::Unreachable(error.to_string()))?;
        self.client.request::<Value>(request).await.map_err(|error| Fault::from(error).at(&self.server))
    }
}

/// The path of a collection.
fn collection_path(kind: Kind, namespace: Option<&str>) -> String {
    let base = match kind.group() {
        "" => "/api/v1".to_owned(),
        group => format!("/apis/{group}/v1"),
    };
    match namespace {
        Some(namespace) if kind.is_namespaced() => format!("{base}/namespaces/{namespace}/{}", kind.plural()),
        _ => format!("{base}/{}", kind.plural()),
    }
}

fn object_path(kind: Kind, namespace: &str, name: &str) -> String {
    format!("{}/{name}", collection_path(kind, Some(namespace)))
}

/// Percent-encodes a query value.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

async fn read_config(args: &ClientArgs) -> Result<kube::Config> {
    let options = KubeConfigOptions { context: args.context.clone(), ..KubeConfigOptions::default() };
    let kubeconfig = match &args.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match kubeconfig {
        Ok(kubeconfig) => kubeconfig,
        // A job inside the cluster has no kubeconfig but a ServiceAccount.
        Err(error @ (KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath)) if args.kubeconfig.is_none() => {
            return kube::Config::incluster().map_err(|_| missing(&error, args.has_variable));
        }
        Err(error) => return Err(unusable(&error)),
    };
    kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| unusable(&error))
}

/// There is none, or the variable names one that cannot be read.
fn missing(error: &KubeconfigError, has_variable: bool) -> CommandError {
    let error = match error {
        KubeconfigError::ReadConfig(why, path) if has_variable => {
            CommandError::new(format!("cannot read {}, which $KUBECONFIG names: {why}", path.display()))
                .hint("unset KUBECONFIG or correct it, or name a file with --kubeconfig")
        }
        _ => CommandError::new("there is no kubeconfig: neither --kubeconfig, nor $KUBECONFIG, nor ~/.kube/config")
            .hint("log in first (`oc login`), or name a file with --kubeconfig"),
    };
    error.hint("without any cluster: `--target local` keeps environments on this machine")
}

fn unusable(error: &KubeconfigError) -> CommandError {
    if let KubeconfigError::ReadConfig(why, path) = error {
        return CommandError::new(format!("cannot read --kubeconfig {}: {why}", path.display()))
            .hint("name an existing file with --kubeconfig");
    }
    let hint = match error {
        KubeconfigError::CurrentContextNotSet | KubeconfigError::LoadContext(_) => {
            "name a context of the file with --context; `kubectl config get-contexts` lists them"
        }
        _ => "`kubectl config view` shows what the file says",
    };
    CommandError::new(format!("cannot use the kubeconfig: {error}")).hint(hint)
}
