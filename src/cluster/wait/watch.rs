//! The watches that feed `Seen`. Each is narrowed to this environment: a shared namespace may hold thousands of objects.

use std::collections::BTreeSet;
use std::fmt::Debug;

use futures::future;
use futures::stream::{self, BoxStream, SelectAll, StreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Event;
use kube::api::{ApiResource, GroupVersionKind};
use kube::core::Selector;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::Expectation;
use super::seen::{Seen, Store};
use super::view::View;

/// One thing that a watch has shown, to be taken over into `Seen`.
pub(super) type Change = Box<dyn FnOnce(&mut Seen) + Send>;

/// Pods whose events are followed; a rollout that keeps making pods must not open watches without end.
const EVENTFUL_OBJECTS: usize = 16;

/// All watches of one wait.
pub(super) struct Watches {
    client: Client,
    namespace: String,
    streams: SelectAll<BoxStream<'static, Change>>,
    eventful: BTreeSet<String>,
}

impl Watches {
    /// Opens the watches around one Deployment. Nothing is read before [`Self::next`] is asked.
    pub(super) async fn start(client: &Client, expect: &Expectation, deployment: &Deployment) -> Self {
        let namespace = expect.namespace.clone();
        let mut watches =
            Self { client: client.clone(), namespace, streams: SelectAll::new(), eventful: BTreeSet::new() };
        let pods = pod_selector(deployment);
        let client = || client.clone();
        let within = &expect.namespace;
        let named = |name: &str| watcher::Config::default().fields(&format!("metadata.name={name}"));

        watches.follow(Api::all(client()), named(within), |seen| &mut seen.namespace);
        watches.follow(Api::namespaced(client(), within), named(&expect.deployment), |seen| &mut seen.deployment);
        watches.follow(Api::namespaced(client(), within), pods.clone(), |seen| &mut seen.replica_sets);
        watches.follow(Api::namespaced(client(), within), pods, |seen| &mut seen.pods);
        if let Some(claim) = &expect.claim {
            watches.follow(Api::namespaced(client(), within), named(claim), |seen| &mut seen.claim);
        }
        if has_slices(&client()).await {
            let of_service =
                watcher::Config::default().labels(&format!("kubernetes.io/service-name={}", expect.service));
            watches.follow(Api::namespaced(client(), within), of_service, |seen| &mut seen.slices);
        } else {
            watches.follow(Api::namespaced(client(), within), named(&expect.service), |seen| &mut seen.endpoints);
        }
        if !expect.routes.is_empty() {
            let kind = ApiResource::from_gvk_with_plural(
                &GroupVersionKind::gvk("route.openshift.io", "v1", "Route"),
                "routes",
            );
            let ours = watcher::Config::default().labels(&format!("app.kubernetes.io/instance={}", expect.env));
            watches.follow(Api::namespaced_with(client(), within, &kind), ours, |seen| &mut seen.routes);
        }
        watches
    }

    /// The next change. Never ends: a broken watch starts again after a pause.
    pub(super) async fn next(&mut self) -> Change {
        match self.streams.next().await {
            Some(change) => change,
            None => future::pending().await,
        }
    }

    /// The next change if one is there already.
    pub(super) fn next_now(&mut self) -> Option<Change> {
        future::FutureExt::now_or_never(self.streams.next()).flatten()
    }

    /// Starts to follow the events of the rollout's objects that are new.
    pub(super) fn follow_events(&mut self, view: &View<'_>) {
        let set = view.replica_set.and_then(|set| set.metadata.uid.as_ref());
        let pod = view.pod.and_then(|pod| pod.metadata.uid.as_ref());
        let claim = view.expect.claim.as_ref().and_then(|name| view.seen.claim.get(name)?.metadata.uid.as_ref());
        for uid in [set, pod, claim].into_iter().flatten() {
            if self.eventful.len() < EVENTFUL_OBJECTS && self.eventful.insert(uid.clone()) {
                let about = watcher::Config::default().fields(&format!("involvedObject.uid={uid}"));
                let uid = uid.clone();
                let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
                self.follow(api, about, move |seen| seen.events.entry(uid.clone()).or_default());
            }
        }
    }

    fn follow<K, S>(&mut self, api: Api<K>, config: watcher::Config, store: S)
    where
        K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
        S: Fn(&mut Seen) -> &mut Store<K> + Clone + Send + 'static,
    {
        // kube's watcher lists anew when a running watch has expired (410), but asks for ever with the same version when
        // the watch expired before it began. Then it is replaced.
        let lives = stream::repeat_with(move || {
            let items = watcher(api.clone(), config.clone()).default_backoff();
            items.take_while(|item| future::ready(!expired(item))).boxed()
        });
        let changes = lives.flatten().map(move |item| {
            let store = store.clone();
            Box::new(move |seen: &mut Seen| store(seen).take(item)) as Change
        });
        self.streams.push(changes.boxed());
    }
}

fn expired<K>(item: &watcher::Result<watcher::Event<K>>) -> bool {
    matches!(item, Err(watcher::Error::WatchStartFailed(kube::Error::Api(status))) if status.code == 410)
}

/// Pods and ReplicaSets carry the labels that the Deployment selects by.
fn pod_selector(deployment: &Deployment) -> watcher::Config {
    let selector = deployment.spec.as_ref().map(|spec| spec.selector.clone()).unwrap_or_default();
    Selector::try_from(selector)
        .map_or_else(|_| watcher::Config::default(), |it| watcher::Config::default().labels_from(&it))
}

/// True where the server has EndpointSlices (Kubernetes 1.21 and later); if it does not say, it is a new one.
async fn has_slices(client: &Client) -> bool {
    match client.list_api_group_resources("discovery.k8s.io/v1").await {
        Ok(group) => group.resources.iter().any(|resource| resource.name == "endpointslices"),
        Err(kube::Error::Api(status)) => !status.is_not_found(),
        Err(_) => true,
    }
}
