//! What the cluster has shown so far, as plain data: filled by `watch`, judged by `assess`.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Endpoints, Event, Namespace, PersistentVolumeClaim, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::core::DynamicObject;
use kube::runtime::watcher;
use kube::{Resource, ResourceExt as _};
use tokio::time::Instant;

use super::{Expectation, words};

/// Everything seen, and since when which symptom stands.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) namespace: Store<Namespace>,
    pub(super) deployment: Store<Deployment>,
    pub(super) replica_sets: Store<ReplicaSet>,
    pub(super) pods: Store<Pod>,
    pub(super) claim: Store<PersistentVolumeClaim>,
    pub(super) slices: Store<EndpointSlice>,
    /// Instead of `slices` where the server has none (Kubernetes before 1.21).
    pub(super) endpoints: Store<Endpoints>,
    pub(super) routes: Store<DynamicObject>,
    /// Events by the UID of the object they are about.
    pub(super) events: BTreeMap<String, Store<Event>>,
    /// Last log lines of a crashed container.
    pub(super) last_words: BTreeMap<LogRequest, Vec<String>>,
    /// Since when each symptom, named by its code, has stood without a break, and its mark (`Symptom::mark`).
    pub(super) standing: BTreeMap<&'static str, (Instant, usize)>,
    /// Codes of the symptoms that stood already when everything had been listed for the first time.
    pub(super) inherited: BTreeSet<&'static str>,
}

/// Which container's log would explain a crash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LogRequest {
    pub(super) pod: String,
    pub(super) container: String,
    /// Restarts before the crash: tells one crash from the next.
    pub(super) restarts: i32,
}

/// The objects of one kind that a watch has shown.
#[derive(Debug)]
pub(super) struct Store<K> {
    objects: BTreeMap<String, K>,
    /// What a list in progress has brought so far; it replaces `objects` when the list is complete.
    incoming: BTreeMap<String, K>,
    listed: bool,
    blind: Option<String>,
    /// The server does not take the caller's credentials any more.
    expired: bool,
}

// Derived, it would ask for `K: Default`.
impl<K> Default for Store<K> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), incoming: BTreeMap::new(), listed: false, blind: None, expired: false }
    }
}

impl<K: Resource> Store<K> {
    /// Follows one item of the kind's watch.
    pub(super) fn take(&mut self, item: watcher::Result<watcher::Event<K>>) {
        // That a list begins says nothing yet.
        if !matches!(item, Ok(watcher::Event::Init)) {
            self.expired = item.as_ref().is_err_and(is_unauthorized);
        }
        match item {
            Ok(watcher::Event::Init) => self.incoming.clear(),
            Ok(watcher::Event::InitApply(object)) => {
                self.incoming.insert(object.name_any(), object);
            }
            Ok(watcher::Event::InitDone) => {
                self.objects = std::mem::take(&mut self.incoming);
                self.listed = true;
                self.blind = None;
            }
            Ok(watcher::Event::Apply(object)) => {
                self.objects.insert(object.name_any(), object);
            }
            Ok(watcher::Event::Delete(object)) => {
                self.objects.remove(&object.name_any());
            }
            // A broken watch repairs itself and what was seen stays true until then; a refused list shows nothing.
            Err(watcher::Error::InitialListFailed(error)) => self.blind = Some(words::of_error(&error)),
            Err(watcher::Error::WatchStartFailed(kube::Error::Api(status))) if status.is_forbidden() => {
                self.blind = Some(words::sanitised(&status.message));
            }
            Err(_) => {}
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&K> {
        self.objects.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &K> {
        self.objects.values()
    }

    /// True once a whole list has been seen: only then does a missing object mean that there is none.
    pub(super) fn listed(&self) -> bool {
        self.listed
    }

    /// Why this kind cannot be seen, in the server's words.
    pub(super) fn blind(&self) -> Option<&str> {
        self.blind.as_deref()
    }

    /// True while the server does not take the caller's credentials.
    pub(super) fn expired(&self) -> bool {
        self.expired
    }

    /// True once the watch has said anything: a whole list, or that there will be none.
    pub(super) fn answered(&self) -> bool {
        self.listed || self.blind.is_some() || self.expired
    }
}

impl Seen {
    /// True once every kind that matters has been listed or refused.
    pub(super) fn complete(&self, expect: &Expectation) -> bool {
        self.deployment.answered()
            && self.replica_sets.answered()
            && self.pods.answered()
            && (expect.claim.is_none() || self.claim.answered())
            && (expect.routes.is_empty() || self.routes.answered())
    }

    /// The events about one object, oldest first.
    pub(super) fn events_of(&self, uid: Option<&str>) -> Vec<&Event> {
        let store = uid.and_then(|uid| self.events.get(uid));
        let mut events: Vec<&Event> = store.into_iter().flat_map(Store::iter).collect();
        events.sort_by_key(|event| last_seen(event));
        events
    }

    /// The newest event about one object with one of these reasons.
    pub(super) fn newest_event(&self, uid: Option<&str>, reasons: &[&str]) -> Option<&Event> {
        let among = |event: &&Event| event.reason.as_deref().is_some_and(|reason| reasons.contains(&reason));
        self.events_of(uid).into_iter().rev().find(among)
    }
}

fn is_unauthorized(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, WatchError, WatchStartFailed};
    let (InitialListFailed(kube::Error::Api(status)) | WatchStartFailed(kube::Error::Api(status)) | WatchError(status)) =
        error
    else {
        return false;
    };
    status.code == 401
}

/// When the event happened last. Old reporters fill `lastTimestamp`, new ones `series` or `eventTime`.
fn last_seen(event: &Event) -> Option<jiff::Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let once = event.event_time.as_ref().map(|time| time.0);
    let created = event.metadata.creation_timestamp.as_ref().map(|time| time.0);
    [series, last, once, created].into_iter().flatten().next()
}
