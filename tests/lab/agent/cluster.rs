//! The API server: a client, and collections of objects kept current in memory.

use crate::failure::{Attempt as _, Failure};
use crate::log;
use futures::StreamExt as _;
use kube::api::ApiResource;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::utils::Backoff;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Config, Resource};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::hash::Hash;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A client for the cluster of `kubeconfig` (its current context), and no other: the lab never reads `~/.kube/config`.
pub(crate) async fn connect(kubeconfig: &Path) -> Result<Client, Failure> {
    let hint = "give the kubeconfig that `tests/lab/lab env` prints";
    let config = config(kubeconfig).await?;
    Client::try_from(config).attempting(format!("build a client from {}", kubeconfig.display()), hint)
}

/// What a kubeconfig says.
pub(crate) async fn config(kubeconfig: &Path) -> Result<Config, Failure> {
    let shown = kubeconfig.display();
    let hint = "give the kubeconfig that `tests/lab/lab env` prints";
    let file = Kubeconfig::read_from(kubeconfig).attempting(format!("read the kubeconfig {shown}"), hint)?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    config.attempting(format!("use the kubeconfig {shown}"), hint)
}

/// OpenShift's Route.
pub(crate) fn routes() -> ApiResource {
    resource("route.openshift.io", "Route", "routes")
}

/// OpenShift's `SecurityContextConstraints`.
pub(crate) fn sccs() -> ApiResource {
    resource("security.openshift.io", "SecurityContextConstraints", "securitycontextconstraints")
}

fn resource(group: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: group.into(),
        version: "v1".into(),
        api_version: format!("{group}/v1"),
        kind: kind.into(),
        plural: plural.into(),
    }
}

/// Counts changes, so that a reader who was busy sees that something happened, and never a queue of it.
pub(crate) type Changes = watch::Sender<u64>;

/// A collection that is kept current.
pub(crate) struct Kept<K: Resource + 'static>
where
    K::DynamicType: Eq + Hash,
{
    objects: Store<K>,
    ready: watch::Receiver<bool>,
}

impl<K: Resource + Clone + 'static> Kept<K>
where
    K::DynamicType: Clone + Eq + Hash,
{
    /// All objects, as of now.
    pub(crate) fn state(&self) -> Vec<Arc<K>> {
        self.objects.state()
    }

    /// The object of that name in a collection without namespaces.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<K>>
    where
        K::DynamicType: Default,
    {
        self.objects.get(&ObjectRef::new(name))
    }

    /// Waits for the first complete list. The store's own `wait_until_ready` wakes only one of several tasks that wait
    /// (kube-runtime 5.0.0: they share one oneshot receiver, which knows one waker).
    pub(crate) async fn ready(&self) {
        // An error means that the watch ended, which it does with the program.
        let _ = self.ready.clone().wait_for(|ready| *ready).await;
    }
}

/// Keeps every object of `api` in memory from now on; `changes` is raised whenever the collection changed.
pub(crate) fn keep<K>(api: Api<K>, config: watcher::Config, dyntype: K::DynamicType, changes: Changes) -> Kept<K>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Clone + Eq + Hash + Send + Sync,
{
    let kind = K::plural(&dyntype).into_owned();
    let writer = reflector::store::Writer::new(dyntype);
    let objects = writer.as_reader();
    let (complete, ready) = watch::channel(false);
    let stream = reflector::reflector(writer, watcher(api, config).backoff(Steady)).boxed();
    tokio::spawn(async move {
        let mut stream = stream;
        let mut failing = false;
        while let Some(event) = stream.next().await {
            match event {
                Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => {}
                Ok(event) => {
                    failing = false;
                    if matches!(event, watcher::Event::InitDone) {
                        complete.send_replace(true);
                    }
                    changes.send_modify(|count| *count += 1);
                }
                // A CRD that is not there yet fails again and again: one line says it.
                Err(error) if !failing => {
                    failing = true;
                    log::line("watch-failing", &[("kind", &kind), ("why", &error.to_string())]);
                }
                Err(_) => {}
            }
        }
    });
    Kept { objects, ready }
}

/// Retries at a steady pace: the lab creates CRDs after this program starts, and waits for what comes of them.
struct Steady;

impl Iterator for Steady {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(Duration::from_millis(250))
    }
}

impl Backoff for Steady {
    fn reset(&mut self) {}
}
