//! Projects: OpenShift's `project.openshift.io/v1` over the cluster's namespaces, behind the API server's aggregator.
//!
//! The API server authenticates the caller and says in headers who it is. They are believed because only the API server
//! has a certificate of the front proxy's authority. It also lets everybody through to projects, as it knows no rights in
//! a project that is named in the path; what OpenShift's own API server would decide there is decided here.

mod answers;

use crate::access::{self, UserInfo};
use crate::failure::Failure;
use crate::{cluster, log, tls};
use answers::Refusal;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, ListParams, PostParams, Preconditions};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Nobody may ask for these.
const PLATFORM: [&str; 3] = ["openshift", "kubernetes", "kube"];
/// OpenShift answers without the right after about as long.
const RIGHT_WITHIN: Duration = Duration::from_secs(6);
/// How many rights are asked for at once.
const PARALLEL: usize = 16;

/// `lsdeploy-lab projects`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The cluster, as its administrator
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Where to serve HTTPS
    #[arg(long, default_value = "127.0.0.1:9444")]
    listen: SocketAddr,
    /// Certificate chain for the Service that the API server knows this program by, PEM
    #[arg(long)]
    cert: PathBuf,
    /// Private key of the certificate, PEM
    #[arg(long)]
    key: PathBuf,
    /// The authority of the API server's front proxy, PEM: nobody else is let in
    #[arg(long)]
    client_ca: PathBuf,
}

type Answer = Result<(StatusCode, Json<Value>), Refusal>;

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = cluster::connect(&args.kubeconfig).await?;
    let acceptor = tls::acceptor(&args.cert, &args.key, Some(&args.client_ca))?;
    let listener = tls::listen(args.listen, acceptor).await?;
    let app = Router::new()
        .route("/apis/project.openshift.io/v1", get(async || Json(answers::resources())))
        .route("/apis/project.openshift.io/v1/projects", get(list))
        .route("/apis/project.openshift.io/v1/projects/{name}", get(read).delete(delete))
        .route("/apis/project.openshift.io/v1/projectrequests", axum::routing::post(request))
        .with_state(client);
    log::line("projects-serving", &[("address", &args.listen.to_string())]);
    tls::serve(listener, app).await
}

/// The projects that the caller may see.
async fn list(State(client): State<Client>, headers: HeaderMap) -> Answer {
    let caller = caller(&headers)?;
    let all = Api::<Namespace>::all(client.clone()).list(&ListParams::default()).await?;
    let seen = stream::iter(all.items).map(|namespace| {
        let (client, caller) = (&client, &caller);
        async move {
            let may = may(client, caller, "get", &namespace.name_any()).await?;
            Ok::<_, Refusal>(may.then(|| answers::project(&namespace)))
        }
    });
    let seen: Vec<Option<Value>> = seen.buffered(PARALLEL).try_collect().await?;
    let items: Vec<Value> = seen.into_iter().flatten().collect();
    Ok((StatusCode::OK, Json(answers::projects(&items, all.metadata.resource_version.as_deref()))))
}

async fn read(State(client): State<Client>, headers: HeaderMap, Path(name): Path<String>) -> Answer {
    check(&client, &caller(&headers)?, "get", &name).await?;
    let namespace = Api::<Namespace>::all(client).get(&name).await?;
    Ok((StatusCode::OK, Json(answers::project(&namespace))))
}

async fn delete(State(client): State<Client>, headers: HeaderMap, Path(name): Path<String>, body: String) -> Answer {
    let caller = caller(&headers)?;
    check(&client, &caller, "delete", &name).await?;
    let options: Value = serde_json::from_str(&body).unwrap_or_default();
    let uid = options.pointer("/preconditions/uid").and_then(Value::as_str).map(str::to_owned);
    let parameters = DeleteParams {
        preconditions: uid.map(|uid| Preconditions { uid: Some(uid), resource_version: None }),
        ..DeleteParams::default()
    };
    Api::<Namespace>::all(client).delete(&name, &parameters).await?;
    log::line("project-deleted", &[("name", &name), ("user", &caller.username)]);
    Ok((StatusCode::OK, Json(json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))))
}

async fn request(State(client): State<Client>, headers: HeaderMap, body: String) -> Answer {
    let caller = caller(&headers)?;
    let body: Value = serde_json::from_str(&body).map_err(|error| Refusal::unreadable(&error.to_string()))?;
    // The making goes on when the caller hangs up: no project stays without its administrator.
    let made = tokio::spawn(async move { make(&client, &caller, &body).await }).await;
    let made = made.map_err(|error| Refusal::broken(&format!("the making of the project broke off: {error}")))??;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Makes a project as OpenShift's default template does, and answers once its administrator has the right to it.
async fn make(client: &Client, caller: &UserInfo, body: &Value) -> Result<Value, Refusal> {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let name = text("/metadata/name");
    for word in PLATFORM {
        if name == word {
            return Err(Refusal::forbidden(name, &format!("cannot request a project with the name {word:?}")));
        }
        if name.strip_prefix(word).is_some_and(|rest| rest.starts_with('-')) {
            return Err(Refusal::forbidden(name, &format!("cannot request a project starting with \"{word}-\"")));
        }
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let wanted = answers::namespace(name, &caller.username, text("/displayName"), text("/description"))?;
    match namespaces.create(&PostParams::default(), &wanted).await {
        Err(kube::Error::Api(status)) if status.code == 409 => return Err(Refusal::taken(name)),
        made => made?,
    };
    let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), name);
    if let Err(error) = bindings.create(&PostParams::default(), &answers::administrator(&caller.username)).await {
        namespaces.delete(name, &DeleteParams::default()).await?;
        return Err(error.into());
    }
    let deadline = Instant::now() + RIGHT_WITHIN;
    while !may(client, caller, "get", name).await? && Instant::now() < deadline {
        sleep(Duration::from_millis(20)).await;
    }
    log::line("project-made", &[("name", name), ("user", &caller.username)]);
    Ok(answers::project(&namespaces.get(name).await?))
}

/// Who asks.
fn caller(headers: &HeaderMap) -> Result<UserInfo, Refusal> {
    let all = |name: &str| headers.get_all(name).iter().filter_map(|value| value.to_str().ok().map(str::to_owned));
    let username = all("x-remote-user").next().ok_or_else(Refusal::unknown)?;
    Ok(UserInfo { username, groups: all("x-remote-group").collect(), ..UserInfo::default() })
}

/// May the caller do that to the project of that name, by a right in its namespace?
async fn may(client: &Client, caller: &UserInfo, verb: &str, name: &str) -> Result<bool, Refusal> {
    let question = ResourceAttributes {
        namespace: Some(name.to_owned()),
        verb: Some(verb.to_owned()),
        group: Some("project.openshift.io".into()),
        resource: Some("projects".into()),
        name: Some(name.to_owned()),
        ..ResourceAttributes::default()
    };
    // The group that the API server lets through to projects: what it was let through by is no right to one of them.
    let mut caller = caller.clone();
    caller.groups.retain(|group| group != "system:authenticated");
    access::allowed(client, &caller, question).await.map_err(|why| Refusal::broken(&why))
}

async fn check(client: &Client, caller: &UserInfo, verb: &str, name: &str) -> Result<(), Refusal> {
    if may(client, caller, verb, name).await? {
        Ok(())
    } else {
        Err(Refusal::without_right(&caller.username, verb, name))
    }
}
