//! The admission webhook: HTTPS endpoints that decide what OpenShift's API server would decide.

mod blocks;
mod namespaces;
mod pods;
mod review;
mod rights;
mod routes;
mod sccs;

use crate::cluster::{self, Kept};
use crate::failure::Failure;
use crate::{log, tls};
use axum::Router;
use axum::extract::{Json, State};
use axum::routing::{get, post};
use k8s_openapi::api::core::v1::Namespace;
use kube::core::DynamicObject;
use kube::runtime::watcher;
use kube::{Api, Client};
use lsdeploy::scc::Release;
use review::{Answer, Incoming, Request};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// `lsdeploy-lab webhook`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The cluster, as its administrator
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Where to serve HTTPS
    #[arg(long, default_value = "127.0.0.1:9443")]
    listen: SocketAddr,
    /// Certificate chain for the address, PEM
    #[arg(long)]
    cert: PathBuf,
    /// Private key of the certificate, PEM
    #[arg(long)]
    key: PathBuf,
    /// Domain of generated Route hosts
    #[arg(long)]
    apps_domain: String,
    /// The OpenShift 4 release whose SCC admission is imitated: its minor number
    #[arg(long, default_value_t = 21)]
    release: u32,
}

/// What every decision may look at.
pub(crate) struct Lab {
    client: Client,
    apps_domain: String,
    namespaces: Kept<Namespace>,
    sccs: Kept<DynamicObject>,
    blocks: blocks::Blocks,
    release: Release,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = cluster::connect(&args.kubeconfig).await?;
    let acceptor = tls::acceptor(&args.cert, &args.key, None)?;
    let listener = tls::listen(args.listen, acceptor).await?;

    let (raise, changes) = watch::channel(0);
    let everything = watcher::Config::default;
    let scc = cluster::sccs();
    let lab = Arc::new(Lab {
        namespaces: cluster::keep(Api::all(client.clone()), everything(), (), raise),
        sccs: cluster::keep(Api::all_with(client.clone(), &scc), everything(), scc, watch::channel(0).0),
        blocks: blocks::Blocks::default(),
        apps_domain: args.apps_domain,
        release: Release::v4(args.release),
        client,
    });
    tokio::spawn(namespaces::fill(Arc::clone(&lab), changes));

    let app = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/scc", post(|lab, body| review("scc", lab, body, pods::admit)))
        .route("/namespace", post(|lab, body| review("namespace", lab, body, namespaces::admit)))
        .route("/route", post(|lab, body| review("route", lab, body, routes::admit)))
        .route("/scc-write", post(|lab, body| review("scc-write", lab, body, sccs::admit)))
        .with_state(lab);
    log::line("webhook-serving", &[("address", &args.listen.to_string())]);
    tls::serve(listener, app).await
}

/// One admission request from body to answer, with its line in the log.
async fn review<F>(
    what: &str,
    State(lab): State<Arc<Lab>>,
    Json(incoming): Json<Incoming>,
    admit: impl FnOnce(Arc<Lab>, Request) -> F,
) -> Json<Value>
where
    F: Future<Output = Answer>,
{
    let begin = Instant::now();
    let (api_version, request) = incoming.split();
    let before = request.object.clone();
    let (uid, namespace, name) = (request.uid.clone(), request.namespace.clone(), request.shown_name().to_owned());
    let user = request.user_info.username.clone();
    let operation = request.operation.clone();
    let answer = admit(lab, request).await;
    log::line(
        what,
        &[
            ("verdict", answer.verdict()),
            ("operation", &operation),
            ("namespace", &namespace),
            ("name", &name),
            ("user", &user),
            ("note", answer.note()),
            ("us", &begin.elapsed().as_micros().to_string()),
        ],
    );
    Json(answer.into_review(&api_version, &uid, &before))
}
