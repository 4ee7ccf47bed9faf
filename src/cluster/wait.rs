//! Waiting that explains: follows an environment until it serves, or says what it is stuck on.
//!
//! Nothing here polls. Watches feed one plain state (`seen`), a pure function judges it (`assess`), and the loop below
//! evaluates that function at every change and at the few instants at which a grace ends.
//!
//! ```text
//! watch (IO) -> seen (state) -> assess (pure: milestones, symptoms, waiting line) -> until_ready (notices, verdict)
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::Finding;

/// What must come true before an environment counts as ready.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Namespace of the environment.
    pub namespace: String,
    /// Name of the emulator's Deployment.
    pub deployment: String,
    /// `metadata.generation` of the Deployment that the rollout must have observed; without it, the one found first.
    pub generation: Option<i64>,
    /// Name of the Service in front of the emulator.
    pub service: String,
    /// Name of the claim that holds the emulator's data, if there is one.
    pub claim: Option<String>,
    /// Names of the Routes that must be admitted; empty where Routes are not waited for.
    pub routes: Vec<String>,
    /// The SCC that the pod is to run under.
    pub scc: ExpectedScc,
    /// Name of the environment: the value of the label `app.kubernetes.io/instance`, and part of hints such as
    /// `lsdeploy logs --env team1`.
    pub env: String,
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
    let _ = (client, expect, timeout, notify);
    Ok(Err(Stuck {
        finding: Finding {
            code: "timed-out",
            message: "not written yet".to_owned(),
            hint: String::new(),
        },
        evidence: Vec::new(),
    }))
}
