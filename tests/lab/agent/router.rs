//! The router: serves Routes through `HAProxy` and reports in their status whether it does.
//!
//! ```text
//! Routes ──────────────┬─ claims (who owns a host) ─┬─► status of every Route, at once
//! EndpointSlices ──────┴─ plan ─ config ────────────┴─► HAProxy, one reload a second at most
//! ```
//! As in OpenShift a Route may be admitted a moment before its reload is done.

mod certificates;
mod claims;
mod config;
mod endpoints;
mod haproxy;
mod maps;
mod plan;
mod route;
mod status;

use crate::cluster::{self, Changes, Kept};
use crate::failure::{Attempt as _, Failure};
use crate::log;
use config::Frame;
use endpoints::Backends;
use futures::{StreamExt as _, stream};
use haproxy::Haproxy;
use kube::Api;
use kube::runtime::watcher;
use route::Route;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// Long enough to see one `apply` of many Routes as one change.
const DEBOUNCE: Duration = Duration::from_millis(100);
const BETWEEN_RELOADS: Duration = Duration::from_secs(1);
/// The real router writes statuses from one worker, one after the other.
const STATUS_WRITES_AT_ONCE: usize = 1;

/// `lsdeploy-lab router`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The cluster, as its administrator
    #[arg(long)]
    kubeconfig: PathBuf,
    /// The address of ports 80 and 443
    #[arg(long)]
    bind: IpAddr,
    /// Domain of the platform's hosts
    #[arg(long)]
    apps_domain: String,
    /// A folder for `HAProxy`'s files; made if missing
    #[arg(long)]
    state: PathBuf,
    /// Wildcard certificate of the apps domain and its key, in one PEM file
    #[arg(long)]
    certificate: PathBuf,
    /// The program
    #[arg(long, default_value = "/usr/sbin/haproxy")]
    haproxy: PathBuf,
    /// The router's name in the status of Routes
    #[arg(long, default_value = "default")]
    name: String,
    /// Read Endpoints, where the server has no EndpointSlices
    #[arg(long)]
    endpoints: bool,
    /// Serve only Routes with this label, as K=V; the others get no status
    #[arg(long)]
    select: Option<String>,
}

/// The cluster as the router sees it.
struct View {
    routes: Kept<Route>,
    backends: Backends,
    name: String,
    apps_domain: String,
    frame: Frame,
}

impl View {
    /// Every Route with the host it asks for and the verdict about it, in a stable order.
    fn judged(&self) -> Vec<(Arc<Route>, claims::Claim, claims::Verdict)> {
        let mut routes = self.routes.state();
        routes.sort_by_key(|route| route::key(route));
        let claims: Vec<_> = routes.iter().map(|route| claims::Claim::of(route, &self.apps_domain)).collect();
        let verdicts = claims::judge(&claims);
        let verdicts = verdicts.into_iter().zip(&routes).map(|(verdict, route)| certificates::check(verdict, route));
        let verdicts: Vec<_> = verdicts.collect();
        routes.into_iter().zip(claims).zip(verdicts).map(|((route, claim), verdict)| (route, claim, verdict)).collect()
    }
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = cluster::connect(&args.kubeconfig).await?;
    let mut haproxy = Haproxy::new(args.haproxy, &args.state, &args.certificate)?;
    let mut terminate = signal(SignalKind::terminate()).attempting("listen for SIGTERM", "report this as a bug")?;
    let mut interrupt = signal(SignalKind::interrupt()).attempting("listen for SIGINT", "report this as a bug")?;

    let (raise, changes): (Changes, _) = watch::channel(0);
    let selected = match &args.select {
        Some(label) => watcher::Config::default().labels(label),
        None => watcher::Config::default(),
    };
    let kind = cluster::routes();
    let routes = Api::all_with(client.clone(), &kind);
    let view = Arc::new(View {
        routes: cluster::keep(routes, selected, kind, raise.clone()),
        backends: Backends::keep(&client, args.endpoints, raise),
        name: args.name,
        apps_domain: args.apps_domain,
        frame: Frame { bind: args.bind, state: haproxy.state().to_owned() },
    });
    log::line("router-starting", &[("name", &view.name), ("select", args.select.as_deref().unwrap_or("all"))]);
    tokio::spawn(report(Arc::clone(&view), client, changes.clone()));
    tokio::select! {
        // HAProxy is started from this very task, which lives on the main thread: it dies with its parent's thread.
        outcome = serve(&view, &mut haproxy, changes) => outcome?,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    haproxy.stop().await;
    log::line("router-stopped", &[("name", &view.name)]);
    Ok(())
}

/// Keeps `HAProxy`'s configuration in step with the cluster. Ends only with an error.
async fn serve(view: &View, haproxy: &mut Haproxy, mut changes: watch::Receiver<u64>) -> Result<(), Failure> {
    // Bind no port before everything is known: a client would be told that an application is gone.
    tokio::join!(view.routes.ready(), view.backends.ready());
    let mut current = None;
    let mut next_reload = Instant::now();
    loop {
        changes.borrow_and_update();
        let backends = plan::backends(&view.judged(), &view.backends.by_service());
        let files = config::render(&view.frame, &backends);
        if current.as_ref() != Some(&files) {
            haproxy.apply(&files).await?;
            let count = backends.len().to_string();
            log::line("router-applied", &[("routes", &count)]);
            current = Some(files);
            next_reload = Instant::now() + BETWEEN_RELOADS;
        }
        tokio::select! {
            // The senders live as long as the watches, which never end.
            _ = changes.changed() => {}
            failure = haproxy.ended() => return Err(failure),
        }
        sleep(DEBOUNCE).await;
        sleep_until(next_reload).await;
    }
}

/// Keeps the status of every Route in step. Failed writes are tried again with the next change or after a second.
async fn report(view: Arc<View>, client: kube::Client, mut changes: watch::Receiver<u64>) {
    let canonical = format!("router-{}.{}", view.name, view.apps_domain);
    view.routes.ready().await;
    loop {
        changes.borrow_and_update();
        let outdated = view.judged().into_iter().filter_map(|(route, claim, verdict)| {
            status::next(&route, &view.name, &canonical, &claim.host, &verdict).map(|ingress| (route, verdict, ingress))
        });
        let outdated: Vec<_> = outdated.collect();
        let written = stream::iter(outdated)
            .map(|(route, verdict, ingress)| {
                let client = client.clone();
                async move { status::write(client, &route, &verdict, ingress).await }
            })
            .buffer_unordered(STATUS_WRITES_AT_ONCE)
            .fold(true, async |all, one| all && one)
            .await;
        if written {
            let _ = changes.changed().await;
            sleep(DEBOUNCE / 4).await;
        } else {
            let _ = tokio::time::timeout(Duration::from_secs(1), changes.changed()).await;
        }
    }
}
