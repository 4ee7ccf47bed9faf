//! The decision: the first SCC in order that the pod's people may use and that fits the pod takes it.

use std::fmt;

use serde_json::Value;

use super::messages::{FieldError, Path, aggregate, quote};
use super::provider::Provider;
use super::{NamespaceFacts, Scc, Subject, access, mutate, order, pod, validate};

const VALIDATED_SCC: &str = "openshift.io/scc";
const REQUIRED_SCC: &str = "openshift.io/required-scc";
const SUBJECT_TYPE: &str = "security.openshift.io/validated-scc-subject-type";

/// Shipped with every cluster. Until the server sees all of them it believes its list incomplete and refuses pods.
pub(crate) const STANDARD: [&str; 10] = [
    "anyuid",
    "hostaccess",
    "hostmount-anyuid",
    "hostnetwork",
    "hostnetwork-v2",
    "nonroot",
    "nonroot-v2",
    "privileged",
    "restricted",
    "restricted-v2",
];

/// The release of the platform whose admission is asked; only the minor number of 4.x counts, and 3.11 is as 4.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    minor: u32,
}

impl Release {
    /// The release the decisions in `tests/fixtures/scc-decisions.json` were recorded from.
    pub const RECORDED: Self = Self::v4(13);

    /// Release 4.`minor`.
    pub const fn v4(minor: u32) -> Self {
        Self { minor }
    }

    /// Whether one of [`STANDARD`] comes with it: the second versions do since 4.11.
    fn ships(self, name: &str) -> bool {
        self.minor >= 11 || !name.ends_with("-v2")
    }

    /// Whether `openshift.io/required-scc` on a pod pins its SCC.
    pub const fn honours_required_scc(self) -> bool {
        self.minor >= 14
    }

    /// Whether the pod is told if its requester or its service account may use the SCC.
    const fn writes_subject_type(self) -> bool {
        self.minor >= 20
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

impl Refusal {
    /// The whole text of the server's status, with the pod's name or, before it has one, the start of its name.
    pub fn status_message(&self, pod: &Value) -> String {
        let metadata = &pod["metadata"];
        let given = ["name", "generateName"].into_iter().map(|field| pod::text(&metadata[field]));
        let name = quote(given.into_iter().find(|name| !name.is_empty()).unwrap_or("Unknown"));
        match self.reason {
            Reason::Forbidden => format!("pods {name} is forbidden: {}", self.message),
            Reason::Invalid => format!("Pod {name} is invalid: {}", self.message),
        }
    }

    fn forbidden(message: String) -> Self {
        Self { message, providers: Vec::new(), reason: Reason::Forbidden }
    }
}

/// Decides about one pod that is created.
///
/// # Errors
/// A [`Refusal`] in the server's words.
pub fn admit(request: &Request<'_>) -> Result<Admitted, Refusal> {
    if request.namespace.is_exempt() || request.pod["spec"]["os"]["name"] == "windows" {
        return Ok(Admitted { scc: None, pod: request.pod.clone() });
    }
    let providers = providers(request)?;
    let service_account = service_account(request);
    let mut attempts = Vec::new();
    for provider in &providers {
        let scc = provider.scc;
        let Some(subject_type) = subject_type(request, service_account.as_ref(), scc) else {
            attempts.push((scc.name(), vec![not_usable(scc)]));
            continue;
        };
        match fit(provider, request.pod) {
            Ok(pod) => return Ok(admitted(request, scc, pod, subject_type)),
            Err(errors) => attempts.push((scc.name(), errors)),
        }
    }
    Err(refusal(attempts, old_restricted_hint(request, service_account.as_ref(), &providers)))
}

/// All SCCs in order, completed for the namespace; or, where the release lets the pod choose, the one it requires.
fn providers<'a>(request: &Request<'a>) -> Result<Vec<Provider<'a>>, Refusal> {
    let is_there = |name: &str| request.sccs.iter().any(|scc| scc.name() == name);
    let missing: Vec<&str> =
        STANDARD.into_iter().filter(|name| request.release.ships(name) && !is_there(name)).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let message = format!("securitycontextconstraints.security.openshift.io cache is missing {missing}");
        return Err(Refusal::forbidden(message));
    }
    let sccs = candidates(request)?;
    if let Some(message) = request.namespace.not_ready() {
        return Err(Refusal::forbidden(message));
    }
    let mut providers = Vec::new();
    let mut errors = Vec::new();
    for scc in sccs {
        match Provider::new(scc, request.namespace, request.release) {
            Ok(provider) => providers.push(provider),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(providers) } else { Err(Refusal::forbidden(aggregate(&errors))) }
}

fn candidates<'a>(request: &Request<'a>) -> Result<Vec<&'a Scc>, Refusal> {
    let required = pod::annotation(request.pod, REQUIRED_SCC).filter(|name| !name.is_empty());
    let Some(required) = required.filter(|_| request.release.honours_required_scc()) else {
        return Ok(order::sorted(request.sccs));
    };
    request.sccs.iter().find(|scc| scc.name() == required).map(|scc| vec![scc]).ok_or_else(|| {
        let name = quote(required);
        Refusal::forbidden(format!(
            "failed to retrieve the required SCC {name}: securitycontextconstraints.security.openshift.io {name} not \
             found"
        ))
    })
}

/// A pod without a service account, such as a mirror pod, has its requester alone.
fn service_account(request: &Request<'_>) -> Option<Subject> {
    let name = pod::text(&request.pod["spec"]["serviceAccountName"]);
    (!name.is_empty()).then(|| Subject::service_account(&request.namespace.name, name))
}

/// Through whom the pod may use the SCC; none if it may not.
fn subject_type(request: &Request<'_>, service_account: Option<&Subject>, scc: &Scc) -> Option<&'static str> {
    let may_use = |subject: &Subject| access::may_use(scc, subject, request.may_use);
    if service_account.is_some_and(may_use) {
        Some("serviceaccount")
    } else if may_use(request.requester) {
        Some("user")
    } else {
        None
    }
}

fn fit(provider: &Provider<'_>, pod: &Value) -> Result<Value, Vec<FieldError>> {
    let pod = mutate::mutate(provider, pod);
    let errors = validate::validate(provider, &pod);
    if errors.is_empty() { Ok(pod) } else { Err(errors) }
}

fn admitted(request: &Request<'_>, scc: &Scc, mut pod: Value, subject_type: &str) -> Admitted {
    pod::annotate(&mut pod, VALIDATED_SCC, scc.name());
    if request.release.writes_subject_type() {
        pod::annotate(&mut pod, SUBJECT_TYPE, subject_type);
    }
    Admitted { scc: Some(scc.name().to_owned()), pod }
}

fn not_usable(scc: &Scc) -> FieldError {
    let path = Path::new(&format!("provider {}", quote(scc.name())));
    FieldError::forbidden(path, "not usable by user or serviceaccount")
}

/// Clusters before 4.11 let everybody use `restricted`; the server says so where that alone would have helped.
fn old_restricted_hint(
    request: &Request<'_>,
    service_account: Option<&Subject>,
    providers: &[Provider<'_>],
) -> Option<FieldError> {
    let find = |name: &str| providers.iter().find(|provider| provider.scc.name() == name);
    let restricted = find("restricted")?;
    find("restricted-v2")?;
    let usable = subject_type(request, service_account, restricted.scc).is_some();
    if usable || fit(restricted, request.pod).is_err() {
        return None;
    }
    let detail = "the pod fails to validate against the `restricted-v2` security context constraint, but would \
                  validate successfully against the `restricted` security context constraint";
    Some(FieldError::forbidden(Path::new("no access to scc/restricted"), detail))
}

fn refusal(attempts: Vec<(&str, Vec<FieldError>)>, hint: Option<FieldError>) -> Refusal {
    let named = attempts.iter().filter(|(_, errors)| errors.iter().any(FieldError::names_provider));
    let providers = named.map(|(name, _)| (*name).to_owned()).collect();
    let errors: Vec<FieldError> = attempts.into_iter().flat_map(|(_, errors)| errors).chain(hint).collect();
    let message = format!("unable to validate against any security context constraint: {}", aggregate(&errors));
    Refusal { message, providers, reason: Reason::Forbidden }
}

#[cfg(test)]
mod tests;
