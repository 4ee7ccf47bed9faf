//! Connects to the cluster that the user named, and sends single requests.

use std::path::PathBuf;
use std::time::Duration;

use http::{Method, Request};
use kube::api::{Api, ApiResource, DynamicObject};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::kubeconfig::Login;
use super::{Fault, Link, credentials, kubeconfig};
use crate::environment::EnvName;
use crate::error::{CommandError, Result};
use crate::manifest::{Kind, ObjectId};
use crate::render::instance_selector;
use crate::smoke::Proxies;

/// Pauses before an apply is sent again that met another writer.
pub(super) const CONFLICT_PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(800), Duration::from_secs(2)];

/// The media type of server-side apply.
pub(super) const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// Which cluster, as kubectl's flags of the same names say it.
#[derive(Debug, Clone, Default)]
pub struct ClientArgs {
    /// `--kubeconfig`; else `$KUBECONFIG`, else `~/.kube/config`, else the pod's ServiceAccount.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`; else the current context.
    pub context: Option<String>,
    /// `$KUBECONFIG` names a file: an error then says so.
    pub has_variable: bool,
    /// How long a credential plugin may take.
    pub patience: Duration,
    /// The proxies that variables name.
    pub proxies: Proxies,
}

impl ClientArgs {
    /// Whether they name a cluster at all.
    pub(super) fn names_one(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some() || self.has_variable
    }
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
    run_id: String,
    /// The kubeconfig's context; none in a pod.
    pub context: Option<String>,
    /// What is unsafe about the way to the server.
    pub warnings: Vec<String>,
    /// The program that the kubeconfig has run for credentials.
    pub plugin: Option<String>,
}

impl Cluster {
    /// Reads the kubeconfig and prepares a client; nothing is sent yet. `run_id` goes into the user agent, so that the
    /// cluster's audit log can be held against the inventory's history.
    pub async fn connect(args: &ClientArgs, run_id: &str, link: Link) -> Result<Self> {
        let Login { mut config, context, warnings, plugin } = kubeconfig::read(args).await?;
        config.read_timeout = None;
        config.connect_timeout = Some(Duration::from_secs(10));
        let agent = format!("lsdeploy/{} run={run_id}", env!("CARGO_PKG_VERSION"));
        if let Ok(agent) = agent.parse() {
            config.headers.push((http::header::USER_AGENT, agent));
        }
        let server = config.cluster_url.to_string();
        if config.cluster_url.scheme().is_none() || config.cluster_url.authority().is_none() {
            let error = format!("cannot use the kubeconfig: its server is `{}`", server.escape_default());
            return Err(CommandError::new(error).hint("a server is a URL, e.g. https://api.example.com:6443"));
        }
        let client = credentials::client(config, link, args.patience).await?;
        Ok(Self { client, server, run_id: run_id.to_owned(), context, warnings, plugin })
    }

    /// The run that is connected.
    pub fn run_id(&self) -> &str {
        &self.run_id
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
        self.list_path(&collection_path(kind, namespace), selector).await
    }

    /// The pods of an environment.
    pub async fn pods(&self, namespace: &str, env: &EnvName) -> std::result::Result<Vec<Value>, Fault> {
        self.list_path(&format!("/api/v1/namespaces/{namespace}/pods"), &instance_selector(env.as_str())).await
    }

    /// What of a collection a selector of labels matches.
    pub async fn list_path(&self, collection: &str, selector: &str) -> std::result::Result<Vec<Value>, Fault> {
        let mut items = Vec::new();
        let mut more = String::new();
        loop {
            let path = format!("{collection}?limit=500&labelSelector={}{more}", encode(selector));
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
        for pause in CONFLICT_PAUSES {
            match self.apply_once(kind, namespace, name, object).await {
                Err(fault) if fault.code() == Some(409) => sleep_until(Instant::now() + pause).await,
                answer => return answer,
            }
        }
        self.apply_once(kind, namespace, name, object).await
    }

    /// The same, sent once: a conflict is an answer.
    pub(super) async fn apply_once(
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
        self.send(Method::PATCH, &path, APPLY_PATCH, Some(object)).await
    }

    /// POST of `body`.
    pub async fn post(&self, path: &str, body: &Value) -> std::result::Result<Value, Fault> {
        self.send(Method::POST, path, "application/json", Some(body)).await
    }

    /// JSON patch of a cluster-scoped object.
    pub async fn patch_fields(&self, kind: Kind, name: &str, patch: &Value) -> std::result::Result<Value, Fault> {
        self.send(Method::PATCH, &object_path(kind, "", name), "application/json-patch+json", Some(patch)).await
    }

    /// POST of `body` as another user, which the caller must be allowed to be.
    pub async fn post_as(&self, path: &str, body: &Value, user: &str) -> std::result::Result<Value, Fault> {
        let request = Request::post(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .header("Impersonate-User", user)
            .body(body.to_string().into_bytes());
        self.answer(request).await
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

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Option<&Value>,
    ) -> std::result::Result<Value, Fault> {
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let request =
            Request::builder().method(method).uri(path).header(http::header::CONTENT_TYPE, content_type).body(body);
        self.answer(request).await
    }

    async fn answer(&self, request: http::Result<Request<Vec<u8>>>) -> std::result::Result<Value, Fault> {
        let request = request.map_err(|error| Fault::Unreachable(error.to_string()))?;
        self.client.request::<Value>(request).await.map_err(|error| Fault::from(error).at(&self.server))
    }
}

/// The path of a collection.
pub(super) fn collection_path(kind: Kind, namespace: Option<&str>) -> String {
    let base = match kind.group() {
        "" => "/api/v1".to_owned(),
        group => format!("/apis/{group}/v1"),
    };
    match namespace {
        Some(namespace) if kind.is_namespaced() => format!("{base}/namespaces/{namespace}/{}", kind.plural()),
        _ => format!("{base}/{}", kind.plural()),
    }
}

pub(super) fn object_path(kind: Kind, namespace: &str, name: &str) -> String {
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
