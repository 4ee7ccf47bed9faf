//! The decision: the first SCC in order that the pod's people may use and the pod fits wins.

use std::fmt;

use serde_json::Value;

use super::{NamespaceFacts, Scc, Subject};

/// The OpenShift release whose admission is asked; only the minor number of 4.x counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    minor: u32,
}

impl Release {
    /// The release the decisions in `tests/fixtures/scc-decisions.json` were recorded from.
    pub const RECORDED: Self = Self::v4(13);

    /// OpenShift 4.`minor`.
    pub const fn v4(minor: u32) -> Self {
        Self { minor }
    }
}

/// Everything a decision depends on.
pub struct Request<'a> {
    /// The pod as the API server hands it to admission plugins: token volume injected, service account set.
    pub pod: &'a Value,
    /// The namespace the pod is created in.
    pub namespace: &'a NamespaceFacts,
    /// Who creates the pod, with all groups; for a Deployment that is the replica set controller.
    pub requester: &'a Subject,
    /// All SCCs of the cluster: one broken SCC refuses every pod, so leave none out.
    pub sccs: &'a [Scc],
    /// Whether RBAC lets a subject `use` the named SCC in this namespace. `users` and `groups` are read from the SCC.
    pub may_use: &'a dyn Fn(&Subject, &str) -> bool,
    /// The release whose rules hold.
    pub release: Release,
}

/// The pod may be created.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    /// The SCC that took the pod; none if SCC admission does not apply to it.
    pub scc: Option<String>,
    /// The pod as it will be stored: every field kept, what the SCC decides written in.
    pub pod: Value,
}

/// The pod is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The words of the admission plugin, without the `pods "…" is forbidden: ` the server puts before them.
    pub message: String,
    /// The SCCs the message names, in order.
    pub providers: Vec<String>,
    /// The reason of the HTTP status.
    pub reason: Reason,
}

/// The `reason` of the server's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No SCC takes the pod, HTTP 403.
    Forbidden,
    /// The pod is malformed once an SCC has written into it, HTTP 422.
    Invalid,
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Forbidden => "Forbidden",
            Self::Invalid => "Invalid",
        })
    }
}

/// Decides about one pod.
///
/// # Errors
/// A [`Refusal`] in the server's words.
pub fn admit(request: &Request<'_>) -> Result<Admitted, Refusal> {
    Ok(Admitted {
        scc: None,
        pod: request.pod.clone(),
    })
}
