//! Waiting that explains: follows an environment until it serves, or says what it is stuck on.
//!
//! Nothing here polls. Watches feed one plain state (`seen`), a pure function judges it (`assess`), and the loop below
//! evaluates that function at every change and at the few instants at which a grace ends.
//!
//! ```text
//! watch (IO) -> seen (state) -> assess (pure: milestones, symptoms, waiting line) -> until_ready (notices, verdict)
//! ```

mod admission;
mod assess;
mod claims;
mod containers;
mod crash;
mod images;
mod progress;
mod readiness;
mod remedy;
mod rollout;
mod routes;
mod scc;
mod scc_refusal;
mod seen;
mod symptom;
mod telling;
#[cfg(test)]
mod tests;
mod view;
mod watch;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt as _;
use tokio::time::Instant;

use super::Fault;
use crate::error::CommandError;
use crate::finding::Finding;
use assess::assess;
use seen::Seen;
use telling::{Told, stuck, timed_out};
use view::View;
use watch::Watches;

/// What must come true before an environment counts as ready.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Namespace of the environment.
    pub namespace: String,
    /// Name of the emulator's Deployment.
    pub deployment: String,
    /// `metadata.generation` of the Deployment that the rollout must have observed; without it, its current one.
    pub generation: Option<i64>,
    /// Name of the Service in front of the emulator.
    pub service: String,
    /// Name of the claim that holds the emulator's data, if there is one.
    pub claim: Option<String>,
    /// Names of the Routes that must be admitted; empty where Routes are not waited for.
    pub routes: Vec<String>,
    /// The SCC that the pod is to run under.
    pub scc: ExpectedScc,
    /// Whether a refusal from before this wait may be tried anew, which writes one annotation to the `ReplicaSet`. A
    /// command that only looks says `false`.
    pub wake: bool,
    /// Name of the environment: the value of the label `app.kubernetes.io/instance`, and part of hints such as
    /// `lsdeploy logs --env team1`.
    pub env: String,
}

impl Expectation {
    /// What gives a slow cluster the time it needs: a command that only looks does not wait.
    fn patience(&self) -> String {
        if self.wake {
            "a longer `--timeout`".to_owned()
        } else {
            format!("`lsdeploy up --env {}`, which waits", self.env)
        }
    }
}

/// The SCC that the pod is to run under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedScc {
    /// This one and no other.
    Named(String),
    /// Whichever the platform chooses; it is reported.
    Any,
    /// The cluster has no SCCs.
    Absent,
}

/// What an environment that serves looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The SCC that the pod really got, from its annotation `openshift.io/scc`.
    pub scc: Option<String>,
    /// The image as the pod names it.
    pub image: String,
    /// `sha256:...` of the image that runs, from the container's `imageID`.
    pub digest: Option<String>,
    /// Host under which each Route was admitted, by the Route's name.
    pub hosts: BTreeMap<String, String>,
    /// Name of the pod that serves.
    pub pod: String,
}

/// A step on the way to ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Milestone {
    /// The pod was let in under the expected SCC.
    SccChosen,
    /// The emulator passes its readiness probe.
    EmulatorReady,
    /// The Deployment's rollout is complete.
    RolledOut,
    /// The Service has the pod among its endpoints.
    Endpoints,
    /// So many of the Routes are admitted by a router.
    RoutesAdmitted {
        /// Routes admitted so far.
        admitted: usize,
        /// Routes waited for.
        total: usize,
    },
}

/// Something worth telling while the wait goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A step is done.
    Reached(Milestone),
    /// What is waited for right now, in one short line.
    Waiting(String),
    /// Something is in the way. It is not final yet: it may still pass.
    Stuck(Finding),
}

/// Why the wait ended without an environment that serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// What is in the way and the next step.
    pub finding: Finding,
    /// The cluster's own words: conditions, events, last log lines.
    pub evidence: Vec<String>,
}

/// The cluster could not be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// Reading the Deployment failed.
    #[error("failed to read Deployment {namespace}/{deployment}")]
    Deployment {
        /// Namespace of the environment.
        namespace: String,
        /// Name of the Deployment.
        deployment: String,
        /// What the client says.
        source: Box<kube::Error>,
    },
    /// The API server did not answer before the deadline.
    #[error("no answer from the API server about Deployment {namespace}/{deployment} within {seconds} s")]
    Silent {
        /// Namespace of the environment.
        namespace: String,
        /// Name of the Deployment.
        deployment: String,
        /// The whole of the timeout.
        seconds: u64,
    },
}

impl WaitError {
    /// The error in words for people.
    pub fn explain(self) -> CommandError {
        let text = self.to_string();
        match self {
            Self::Deployment { namespace, deployment, source } => {
                Fault::from(*source).explain(&format!("read Deployment {deployment} in {namespace}"))
            }
            Self::Silent { .. } => {
                CommandError::new(text).hint("check that the cluster is up; give it more time with --timeout")
            }
        }
    }
}

/// Waits until the environment serves, for at most `timeout`.
///
/// `Ok(Ok(_))` says that everything in `expect` came true, `Ok(Err(_))` names what is in the way: at once where waiting
/// cannot help, otherwise when the time is over. `notify` hears of progress and of obstacles as the cluster shows them.
pub async fn until_ready(
    client: &kube::Client,
    expect: &Expectation,
    timeout: Duration,
    notify: &mut (dyn FnMut(Notice) + Send),
) -> Result<Result<Ready, Stuck>, WaitError> {
    let deadline = Instant::now() + timeout;
    let deployment = read_deployment(client, expect, deadline, timeout).await?;
    let mut watches = Watches::start(client, expect, &deployment).await;
    let mut seen = Seen::default();
    let mut told = Told::default();
    let mut settled = false;
    loop {
        let now = Instant::now();
        let assessment = assess(&seen, expect, now);
        if !settled && seen.complete(expect) {
            settled = true;
            seen.inherited = assessment.symptoms.iter().map(|judged| judged.symptom.finding.code).collect();
            if expect.wake {
                wake_refused(client, &seen, expect).await;
            }
        }
        seen.remember(&assessment, now);
        // Halfway through the first lists, "waiting for a pod" would only mean that the pods are not listed yet.
        if settled {
            told.tell(&assessment, notify);
        }
        if let Some(request) = assessment.log_wanted() {
            let lines = remedy::last_words(client, &expect.namespace, request).await;
            seen.last_words.insert(request.clone(), lines);
            continue;
        }
        if let Some(verdict) = assessment.verdict() {
            return Ok(Err(stuck(verdict)));
        }
        if let Some(ready) = assessment.ready {
            return Ok(Ok(ready));
        }
        if now >= deadline {
            return Ok(Err(timed_out(&assessment, expect, timeout)));
        }
        watches.follow_events(&View::new(&seen, expect));
        tokio::select! {
            change = watches.next() => change(&mut seen),
            () = tokio::time::sleep_until(assessment.next.unwrap_or(deadline).min(deadline)) => {}
        }
        // Lists arrive object by object: they are judged once, not 36 times.
        while let Some(change) = watches.next_now() {
            change(&mut seen);
        }
    }
}

/// Reads the Deployment once: it must be there, and its selector narrows the watches.
async fn read_deployment(
    client: &kube::Client,
    expect: &Expectation,
    deadline: Instant,
    timeout: Duration,
) -> Result<Deployment, WaitError> {
    let (namespace, deployment) = (expect.namespace.clone(), expect.deployment.clone());
    let deployments: kube::Api<Deployment> = kube::Api::namespaced(client.clone(), &namespace);
    match tokio::time::timeout_at(deadline, deployments.get(&deployment)).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(source)) => Err(WaitError::Deployment { namespace, deployment, source: Box::new(source) }),
        Err(_) => Err(WaitError::Silent { namespace, deployment, seconds: timeout.as_secs() }),
    }
}

/// Lets a refusal from before this wait be tried anew: it may be repaired already.
async fn wake_refused(client: &kube::Client, seen: &Seen, expect: &Expectation) {
    let set = View::new(seen, expect).replica_set;
    if let Some(set) = set.filter(|_| seen.inherited.iter().any(|code| admission::CODES.contains(code))) {
        remedy::wake(client, &expect.namespace, &set.name_any()).await;
    }
}
