//! Finds the environment that a command is about: its inventory, its namespace, its objects.

use std::collections::BTreeMap;

use serde_json::Value;

use super::scripts;
use crate::cli::ChoiceArgs;
use crate::cluster::discover::{self, Facts};
use crate::cluster::inventory::{self, Inventory};
use crate::cluster::{Cluster, observe, preflight, project};
use crate::environment::token::setting_of;
use crate::environment::{EnvName, Environment, NamespaceName, Place, Tenure};
use crate::error::{CommandError, Result};
use crate::manifest::{Kind, ObjectId};
use crate::plan::{LiveState, foreign_owner};
use crate::render::names;
use crate::settings::Choices;

/// An environment as it is to be, and what the cluster holds under its names.
pub(super) struct Target {
    pub(super) environment: Environment,
    pub(super) live: LiveState,
    /// The apps domain could not be found out: a stand-in is used, so that missing rights, which are the usual reason,
    /// can be named first. Nothing may be written then.
    pub(super) domain_is_unknown: bool,
    /// The namespace is to be requested as a project first.
    pub(super) needs_project: bool,
}

impl Target {
    /// Whether the emulator's pod is ready, as far as its Deployment says.
    pub(super) fn serves(&self) -> bool {
        serves(&self.live)
    }

    /// The hosts under which Routes are admitted, by Route.
    pub(super) fn hosts(&self) -> BTreeMap<String, String> {
        let admitted = |object: &Value| Some(object.pointer("/status/ingress/0/host")?.as_str()?.to_owned());
        let routes = self.live.objects.iter().filter(|(id, _)| id.kind == Kind::Route);
        routes.filter_map(|(id, object)| Some((id.name.clone(), admitted(object)?))).collect()
    }
}

/// Whether the emulator's pod is ready, as far as its Deployment says.
pub(super) fn serves(live: &LiveState) -> bool {
    let deployment = live.objects.get(&ObjectId::new(Kind::Deployment, names::EMULATOR));
    let ready = deployment.and_then(|object| object.pointer("/status/readyReplicas")?.as_u64());
    ready.is_some_and(|ready| ready > 0)
}

/// The choices made by flags. Reads the scripts that one of them names.
pub(super) fn choices(args: &ChoiceArgs) -> Result<Choices> {
    let args = args.clone();
    let own = args.auth_token_from.as_deref().map(super::token::check).transpose()?;
    Ok(Choices {
        emulator: args.emulator,
        image: args.image,
        services: args.services,
        scc: args.scc,
        apps_domain: args.apps_domain,
        tls: args.tls,
        persistence: args.persistence,
        init: args.init.as_deref().map(scripts::read).transpose()?,
        ttl: args.ttl,
        account: args.account,
        region: args.region,
        owner: args.owner,
        allow_from: args.allow_from,
        route_labels: args.route_label,
        image_registry: args.image_registry,
        allowed_registries: args.allowed_registries,
        pull_secrets: args.pull_secret,
        auth_token: own.or_else(|| args.auth_token_secret.as_deref().map(setting_of)),
    })
}

/// The names given by `--env`, each once.
pub(super) fn names(given: &[String], namespace: Option<&str>) -> Result<Vec<EnvName>> {
    let names: Vec<EnvName> = given.iter().map(|name| EnvName::parse(name)).collect::<Result<_>>()?;
    let mut sorted = names.clone();
    sorted.sort();
    if let Some([name, _]) = sorted.array_windows().find(|[a, b]| a == b) {
        return Err(CommandError::new(format!("--env names `{name}` twice")).hint("name each environment once"));
    }
    if namespace.is_some() && names.len() > 1 {
        return Err(CommandError::new(format!("--namespace is for one environment, --env names {}", names.len()))
            .hint("every environment has a namespace of its own: leave --namespace out"));
    }
    Ok(names)
}

/// Finds the environment, or the place where it is to be, and validates it. Reads only.
pub(super) async fn find(
    cluster: &Cluster,
    facts: &Facts,
    name: &EnvName,
    namespace: Option<&str>,
    flags: Choices,
) -> Result<Target> {
    let inventory = inventory::find(cluster, name, namespace).await?.found();
    let target = look(cluster, facts, Sought { name, namespace, flags, inventory }).await?;
    check_stays(name, &target.environment.namespace, &target.live)?;
    Ok(target)
}

/// What is looked for: names, choices made now, and what an inventory says.
struct Sought<'a> {
    name: &'a EnvName,
    namespace: Option<&'a str>,
    flags: Choices,
    inventory: Option<Inventory>,
}

/// Reads what is there and validates the environment against it.
async fn look(cluster: &Cluster, facts: &Facts, sought: Sought<'_>) -> Result<Target> {
    let Sought { name, namespace, flags, inventory } = sought;
    let choices = flags.over(inventory.as_ref().map(|inventory| inventory.choices.clone()).unwrap_or_default());
    let home = match (&inventory, namespace) {
        (Some(inventory), _) => inventory.namespace.clone(),
        (None, Some(namespace)) => namespace.to_owned(),
        (None, None) => name.default_namespace(),
    };
    let home = NamespaceName::parse(&home)?;
    let mut live = observe::observe(cluster, name, &home).await?;
    live.writing = facts.writing;
    let tenure = match &inventory {
        Some(inventory) => inventory.tenure,
        None => tenure(name, &home, &live, namespace.is_some())?,
    };
    let is_there = live.objects.contains_key(&ObjectId::new(Kind::Namespace, home.as_str()));
    let tenure = match tenure {
        Tenure::Own if facts.has_projects && !is_there && !facts.is_admin => preflight::founding(cluster).await?,
        tenure => tenure,
    };
    let cluster_domain = match &facts.apps_domain {
        Some(domain) => Some(domain.clone()),
        None => discover::learn_apps_domain(cluster, facts.level, home.as_str()).await,
    };
    let domain_is_unknown = cluster_domain.is_none() && choices.apps_domain.is_none();
    let place = Place {
        namespace: Some(home.to_string()),
        tenure,
        cluster_domain: cluster_domain.or_else(|| domain_is_unknown.then(|| "apps.invalid".to_owned())),
        has_sccs: facts.has_sccs,
        level: facts.level,
    };
    let environment = Environment::validate(name, choices, place)?;
    Ok(Target { environment, live, domain_is_unknown, needs_project: tenure == Tenure::Project && !is_there })
}

/// The environment, which must be there already.
pub(super) async fn existing(cluster: &Cluster, facts: &Facts, name: &str, namespace: Option<&str>) -> Result<Target> {
    let name = EnvName::parse(name)?;
    let inventory = inventory::find(cluster, &name, namespace).await?.existing(&name)?;
    let sought = Sought { name: &name, namespace, flags: Choices::default(), inventory: Some(inventory) };
    look(cluster, facts, sought).await
}

/// Whose the namespace is, where no inventory says it: ours if it is to be made, carries our labels or was requested by
/// us as a project, a guest's stay if the user named it, and otherwise somebody else's.
fn tenure(name: &EnvName, home: &NamespaceName, live: &LiveState, named: bool) -> Result<Tenure> {
    check_stays(name, home, live)?;
    let Some(object) = live.objects.get(&ObjectId::new(Kind::Namespace, home.as_str())) else { return Ok(Tenure::Own) };
    let Some(owner) = foreign_owner(name.as_str(), home.as_str(), object) else { return Ok(Tenure::Own) };
    let owner = match project::env_of(object) {
        Some(env) if env == name.as_str() => return Ok(Tenure::Project),
        Some(env) => format!("the environment `{env}`"),
        None => owner,
    };
    let of_other_env = owner.starts_with("the environment");
    match named {
        true if !of_other_env => Ok(Tenure::Guest),
        true => Err(CommandError::new(format!("the namespace {home} belongs to {owner}"))
            .hint("every environment has a namespace of its own: name another one, or leave --namespace out")),
        false => Err(CommandError::new(format!("the namespace {home} exists and belongs to {owner}")).hint(format!(
            "choose another name, or use it as it is with --namespace {home}: lsdeploy then leaves the namespace itself alone"
        ))),
    }
}

/// Nothing can be made in a namespace that is being deleted.
fn check_stays(name: &EnvName, home: &NamespaceName, live: &LiveState) -> Result<()> {
    let object = live.objects.get(&ObjectId::new(Kind::Namespace, home.as_str()));
    if object.is_some_and(|object| object.pointer("/metadata/deletionTimestamp").is_some()) {
        return Err(CommandError::new(format!("the namespace {home} is being deleted"))
            .hint(format!("`lsdeploy down --env {name}` waits until it is gone; then run this again")));
    }
    Ok(())
}
