//! What is to be done for an environment: everything is read, validated, rendered and compared; nothing is written.

mod secrets;
mod tenancy;
mod trust;

use super::target::{self, Target};
use crate::cluster::discover::Facts;
use crate::cluster::preflight::NOTHING_WRITTEN;
use crate::cluster::{Cluster, apply, grant};
use crate::environment::token::Token;
use crate::environment::{EnvName, Environment, SccChoice};
use crate::error::{CommandError, Result};
use crate::manifest::{Kind, ManifestSet, ObjectId};
use crate::plan::{self, LiveState, Plan};
use crate::render::{self, names};
use crate::rights::Preflight;
use crate::settings::Choices;

/// Kinds that are never taken over from somebody else: what they allow, or what goes with them, is too much.
const NEVER_ADOPTED: [(Kind, &str); 2] = [
    (
        Kind::SecurityContextConstraints,
        "an SCC that somebody else made is theirs: remove it, or use it with --scc existing:NAME",
    ),
    (Kind::Namespace, "use it as it is with --namespace NAME: lsdeploy then leaves the namespace itself alone"),
];

/// Which environment, with which choices.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a EnvName,
    pub(super) namespace: Option<&'a str>,
    pub(super) choices: Choices,
    pub(super) adopted: &'a [ObjectId],
    /// The emulator's token, where it was given.
    pub(super) token: Option<&'a Token>,
}

/// What a run asks for by flags, as against what was recorded before: only that is an error where it cannot be.
struct Asked<'a> {
    environment: &'a Environment,
    owner: bool,
    token: Option<&'a Token>,
    token_source: bool,
    needs_project: bool,
}

/// What is to be done for an environment, as far as the caller can see.
pub(super) struct Draft {
    pub(super) environment: Environment,
    pub(super) plan: Plan,
    pub(super) live: LiveState,
    /// Its project is to be requested first, and what is in it to be looked at then.
    pub(super) needs_project: bool,
    /// The domain of its Routes could not be found out.
    pub(super) domain_is_unknown: bool,
    /// What is left out, what is missing, and what is taken on trust.
    pub(super) notes: Vec<String>,
    /// What the caller may do, once it was asked.
    pub(super) preflight: Option<Preflight>,
}

/// Reads, validates, renders and compares.
pub(super) async fn draft(cluster: &Cluster, facts: &Facts, wanted: Wanted<'_>) -> Result<Draft> {
    let Wanted { name, namespace, choices, adopted, token } = wanted;
    let (owner, token_source) = (choices.owner.is_some(), choices.auth_token.is_some());
    let said = trust::Said { namespace: namespace.is_some(), scc: choices.scc.is_some() };
    let target = target::find(cluster, facts, name, namespace, choices).await?;
    let Target { environment, mut live, domain_is_unknown, needs_project, dropped, .. } = target;
    let asked = Asked { environment: &environment, owner, token, token_source, needs_project };
    let ((), allowed, mut notes) = tokio::try_join!(
        check_existing_scc(cluster, &environment),
        tenancy::allowed(cluster, facts, &asked),
        secrets::missing_pulls(cluster, &environment),
    )?;
    if !dropped.is_empty() {
        let flags = dropped.join(", ");
        notes.push(format!(
            "{} is another emulator than before: what was given by {flags} is not kept",
            environment.profile.name
        ));
    }
    tenancy::check_ranges(facts.level, &environment)?;
    let mut set = render::render(&environment)?;
    complete(&mut set, &environment, &live);
    notes.extend(tenancy::withhold(&environment, allowed, &mut set, &mut live));
    notes.extend(secrets::place_token(cluster, &asked, &mut set, &mut live).await?);
    let mut plan = plan::plan(name.as_str(), environment.namespace.as_str(), set, &live, adopted)
        .map_err(|conflicts| refuse_conflicts(&environment, &conflicts))?;
    if !facts.is_admin {
        notes.extend(grant::rely(cluster, &environment, &live, &mut plan).await?);
    }
    if !needs_project {
        trust::check(said, facts, &environment, &live, &plan)?;
    }
    Ok(Draft { environment, plan, live, needs_project, domain_is_unknown, notes, preflight: None })
}

/// The objects named by `--adopt`.
pub(super) fn adopted(given: &[String]) -> Result<Vec<ObjectId>> {
    given.iter().map(|text| adopted_one(text)).collect()
}

fn adopted_one(text: &str) -> Result<ObjectId> {
    let bad = |why: String| CommandError::new(format!("--adopt cannot be `{}`: {why}", text.escape_default()));
    let (kind, name) = text.split_once('/').filter(|(_, name)| !name.is_empty()).ok_or_else(|| {
        bad("it is KIND/NAME".to_owned())
            .hint("the error that names the objects in the way says them, e.g. Service/emulator")
    })?;
    let kind = Kind::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(kind)).ok_or_else(|| {
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        bad(format!("`{}` is no kind that an environment has", kind.escape_default()))
            .hint(format!("kinds are {}", kinds.join(", ")))
    })?;
    match NEVER_ADOPTED.iter().find(|(never, _)| *never == kind) {
        Some((_, way_out)) => Err(bad(format!("a {} is never taken over", kind.name())).hint(*way_out)),
        None => Ok(ObjectId::new(kind, name)),
    }
}

/// Fills in what only the live objects know: the uid of the namespace that owns the SCC, and the inventory's record of
/// earlier runs.
fn complete(set: &mut ManifestSet, environment: &Environment, live: &LiveState) {
    let namespace = ObjectId::new(Kind::Namespace, environment.namespace.as_str());
    let owner = live.objects.get(&namespace).and_then(plan::uid);
    let inventory = live.objects.get(&ObjectId::new(Kind::ConfigMap, render::INVENTORY));
    let account = live.objects.get(&ObjectId::new(Kind::ServiceAccount, names::EMULATOR));
    let is_bundled = |id: &ObjectId| live.objects.get(id).is_some_and(render::is_bundled);
    for manifest in &mut set.manifests {
        match (manifest.id.kind, &owner, inventory) {
            // One that a cluster-admin has applied stays until a cluster-admin takes it away.
            (Kind::SecurityContextConstraints, Some(uid), _) if !is_bundled(&manifest.id) => {
                apply::own_by_namespace(&mut manifest.object, environment.namespace.as_str(), uid);
            }
            (Kind::ConfigMap, _, Some(inventory)) if manifest.id.name == render::INVENTORY => {
                plan::record::keep(&mut manifest.object, inventory);
            }
            (Kind::ServiceAccount, ..) => {
                if let Some(live) = account {
                    secrets::take_back_pulls(&mut manifest.object, live);
                }
            }
            _ => {}
        }
    }
}

/// An SCC that the caller names must be there; one that the caller may not see is left to admission, and `wait` checks
/// which one the pod really got.
async fn check_existing_scc(cluster: &Cluster, environment: &Environment) -> Result<()> {
    let SccChoice::Existing(name) = &environment.scc else { return Ok(()) };
    match cluster.get(Kind::SecurityContextConstraints, "", name).await {
        Ok(None) => Err(CommandError::new(format!("--scc existing:{name}: the cluster has no SCC of that name"))
            .hint("`kubectl get scc` lists them; a cluster-admin makes new ones")),
        Ok(Some(_)) => Ok(()),
        Err(fault) if fault.code() == Some(403) => Ok(()),
        Err(fault) => Err(fault.explain(&format!("read the SCC {name}"))),
    }
}

fn refuse_conflicts(environment: &Environment, conflicts: &[plan::Conflict]) -> CommandError {
    let list: Vec<String> = conflicts.iter().map(|c| format!("{} (owned by {})", c.id, c.owner)).collect();
    let error = CommandError::new(format!(
        "{NOTHING_WRITTEN}{} of the names that {} needs in {} {} taken: {}",
        conflicts.len(),
        environment.name,
        environment.namespace,
        if conflicts.len() == 1 { "is" } else { "are" },
        list.join(", ")
    ))
    .hint("remove or rename those objects, or use another environment name or --namespace");
    [adoptable(conflicts), homeless(environment, conflicts)].into_iter().flatten().fold(error, CommandError::hint)
}

/// How an SCC that lost its annotation gets it back, if it is known to be this environment's.
fn homeless(environment: &Environment, conflicts: &[plan::Conflict]) -> Option<String> {
    let scc = conflicts.iter().find(|conflict| conflict.owner == plan::HOMELESS)?;
    let (name, home) = (&scc.id.name, &environment.namespace);
    Some(format!(
        "if lsdeploy made {name} for this environment and its annotation was lost, give it back: \
         `kubectl annotate scc {name} lsdeploy.dev/namespace={home}`"
    ))
}

/// The flags with which the objects would be taken over.
fn adoptable(conflicts: &[plan::Conflict]) -> Option<String> {
    let may = |conflict: &&plan::Conflict| {
        !conflict.of_another && NEVER_ADOPTED.iter().all(|(never, _)| *never != conflict.id.kind)
    };
    let flags: Vec<String> = conflicts.iter().filter(may).map(|conflict| format!("--adopt {}", conflict.id)).collect();
    (!flags.is_empty())
        .then(|| format!("or have them taken over, changed and, by `lsdeploy down`, deleted: {}", flags.join(" ")))
}
