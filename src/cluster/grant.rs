//! The right to an SCC that somebody else has given: by the objects of `admin-bundle`, which a plain user may not write and
//! perhaps not read, or by an SCC that is named. Takes them out of a plan where they may be relied upon. Asks, never writes.

use serde_json::Value;

use super::{Cluster, preflight};
use crate::environment::{Environment, NamespaceName, SccChoice};
use crate::error::Result;
use crate::manifest::{Kind, ObjectId};
use crate::plan::{Action, LiveState, Plan, foreign_owner};
use crate::render::names;
use crate::rights::{Right, is_of_scc};

/// The annotation in which SCC admission names its choice.
const CHOSEN: &str = "openshift.io~1scc";

/// Why an SCC may be relied upon that the caller did not make.
enum Proof {
    /// The server says that the ServiceAccount may use it.
    Reviewed,
    /// A pod of the environment runs under it.
    Runs,
    /// The namespace was made for the environment, and nobody but a cluster-admin makes one that the caller cannot make.
    Prepared,
}

/// Takes out of the plan what of the SCC and its grant is not the caller's to write and is there all the same. Returns what
/// is to be said about it.
///
/// # Errors
/// The server does not answer.
pub async fn rely(
    cluster: &Cluster,
    environment: &Environment,
    live: &LiveState,
    plan: &mut Plan,
) -> Result<Vec<String>> {
    let scc = match &environment.scc {
        SccChoice::Custom => environment.name.scc(),
        SccChoice::Existing(name) => name.clone(),
        SccChoice::None => return Ok(Vec::new()),
    };
    // What can be read and differs is no matter of trust: it is changed, or the run is refused.
    let is_open = |id: &ObjectId, action: Action| {
        is_of_scc(id) && action == Action::Create && (live.hidden.contains(id) || id.kind != SCC)
    };
    if !plan.steps.iter().any(|step| is_open(&step.id, step.action)) {
        return Ok(Vec::new());
    }
    let namespace = &environment.namespace;
    // Who may make an SCC makes it: the server decides whether that is so.
    let is_own = environment.scc == SccChoice::Custom;
    if is_own && preflight::may(cluster, namespace, &right("create", None, false)).await? {
        return Ok(Vec::new());
    }
    let hidden = live.hidden.contains(&ObjectId::new(SCC, scc.as_str())) || !is_own;
    if !hidden && is_absent(plan, &scc) {
        return Ok(Vec::new());
    }
    let Some(proof) = proof(cluster, environment, live, &scc).await? else { return Ok(Vec::new()) };
    let unread: Vec<String> =
        plan.steps.iter().filter(|step| is_open(&step.id, step.action)).map(|step| step.id.to_string()).collect();
    plan.steps.retain(|step| !is_open(&step.id, step.action) || live.hidden.contains(&step.id));
    for step in plan.steps.iter_mut().filter(|step| is_open(&step.id, step.action)) {
        step.action = Action::Unchanged;
    }
    Ok(vec![told(&scc, &unread, namespace, &proof)])
}

const SCC: Kind = Kind::SecurityContextConstraints;

/// The SCC can be seen not to be there.
fn is_absent(plan: &Plan, scc: &str) -> bool {
    plan.steps.iter().any(|step| step.id.kind == SCC && step.id.name == scc && step.action == Action::Create)
}

async fn proof(cluster: &Cluster, environment: &Environment, live: &LiveState, scc: &str) -> Result<Option<Proof>> {
    let namespace = &environment.namespace;
    let use_it = right("use", Some(scc), true);
    match preflight::account_may(cluster, namespace, names::EMULATOR, &use_it).await? {
        Some(true) => return Ok(Some(Proof::Reviewed)),
        Some(false) => return Ok(None),
        None => {}
    }
    if runs_under(cluster, environment, scc).await? {
        return Ok(Some(Proof::Runs));
    }
    let place = live.objects.get(&ObjectId::new(Kind::Namespace, namespace.as_str()));
    let is_ours =
        place.is_some_and(|place| foreign_owner(environment.name.as_str(), namespace.as_str(), place).is_none());
    Ok((is_ours && environment.scc == SccChoice::Custom).then_some(Proof::Prepared))
}

fn right(verb: &str, name: Option<&str>, namespaced: bool) -> Right {
    Right {
        verb: verb.into(),
        group: SCC.group().into(),
        resource: SCC.plural().into(),
        name: name.map(str::to_owned),
        namespaced,
    }
}

/// Whether a pod of the environment was let in by an SCC.
async fn runs_under(cluster: &Cluster, environment: &Environment, scc: &str) -> Result<bool> {
    let pods = match cluster.pods(environment.namespace.as_str(), &environment.name).await {
        Ok(pods) => pods,
        Err(fault) if fault.code() == Some(403) => return Ok(false),
        Err(fault) => return Err(fault.explain("read the environment's pods")),
    };
    Ok(pods
        .iter()
        .any(|pod| pod.pointer(&format!("/metadata/annotations/{CHOSEN}")).and_then(Value::as_str) == Some(scc)))
}

fn told(scc: &str, unread: &[String], namespace: &NamespaceName, proof: &Proof) -> String {
    let account = format!("ServiceAccount {}/{}", namespace, names::EMULATOR);
    let why = match proof {
        Proof::Reviewed => format!("the server says that {account} may use it"),
        Proof::Runs => "a pod of the environment runs under it".to_owned(),
        Proof::Prepared => "the namespace was made for this environment".to_owned(),
    };
    format!(
        "not made and not read by you, so not checked word for word: {}; the SCC {scc} is relied upon because {why}, and \
         which one the pod gets is read from its annotation openshift.io/scc",
        unread.join(", ")
    )
}

/// What of the SCC and its grant is not as it is to be, and is mended by the plan: somebody may have widened it.
pub fn mended(plan: &Plan) -> Option<String> {
    let changed = plan.steps.iter().filter(|step| is_of_scc(&step.id));
    let changed = changed.filter(|step| matches!(step.action, Action::Update | Action::Replace));
    let told: Vec<String> = changed
        .filter_map(|step| {
            let paths = step.changes.iter().filter(|path| !path.starts_with("/metadata/"));
            let paths: Vec<&str> = paths.map(String::as_str).collect();
            (!paths.is_empty()).then(|| format!("{} at {}", step.id, paths.join(", ")))
        })
        .collect();
    (!told.is_empty()).then(|| {
        format!("what lets the pod in is not as it is to be, and is put right: {}; see who changed it", told.join("; "))
    })
}
