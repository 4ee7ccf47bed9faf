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
    /// Flags that were recorded and belonged to another emulator.
    pub(super) dropped: Vec<&'static str>,
    /// When its time is over (RFC 3339), by its inventory; for good without one.
    pub(super) expires: Option<String>,
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
    let recorded = inventory.as_ref().map(|inventory| inventory.choices.clone()).unwrap_or_default();
    let dropped = flags.dropped(&recorded);
    let choices = flags.over(recorded);
    let home = match (&inventory, namespace) {
        (Some(inventory), _) => inventory.namespace.clone(),
        (None, Some(namespace)) => namespace.to_owned(),
        (None, None) => name.default_namespace(),
    };
    let home = NamespaceName::parse(&home)?;
    let mut live = observe::observe(cluster, name, &home).await?;
    live.writing = facts.writing;
    if inventory.is_none() {
        check_stays(name, &home, &live)?;
    }
    let place = ObjectId::new(Kind::Namespace, home.as_str());
    let is_there = live.objects.contains_key(&place);
    let seen = match live.objects.get(&place) {
        Some(object) => Home::There(object),
        None if live.hidden.contains(&place) => Home::Hidden,
        None => Home::Absent,
    };
    let said = inventory.as_ref().map(|inventory| inventory.tenure).or_else(|| namespace.map(|_| Tenure::Guest));
    let mut tenure = tenure(name, home.as_str(), seen, said)?;
    // A namespace that the caller may not see, named or not, may be a project that is yet to be requested.
    let is_open = tenure == Tenure::Own || tenure == Tenure::Guest && inventory.is_none();
    if is_open && facts.has_projects && !is_there && !facts.is_admin && preflight::founds_project(cluster).await? {
        tenure = Tenure::Project;
    }
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
    let needs_project = tenure == Tenure::Project && !is_there;
    let expires = inventory.and_then(|inventory| inventory.expires);
    Ok(Target { environment, live, domain_is_unknown, needs_project, dropped, expires })
}

/// The environment, which must be there already.
pub(super) async fn existing(cluster: &Cluster, facts: &Facts, name: &str, namespace: Option<&str>) -> Result<Target> {
    let name = EnvName::parse(name)?;
    let inventory = inventory::find(cluster, &name, namespace).await?.existing(&name)?;
    let sought = Sought { name: &name, namespace, flags: Choices::default(), inventory: Some(inventory) };
    look(cluster, facts, sought).await
}

/// What is known of a namespace.
#[derive(Debug, Clone, Copy)]
pub(super) enum Home<'a> {
    There(&'a Value),
    Absent,
    /// The caller may not see it.
    Hidden,
}

/// Whose a namespace is: ours if it is to be made or carries our labels, a project of ours if it was requested as one, a guest's
/// stay where somebody said so, and otherwise somebody else's. `said`: by an inventory, or by naming it. What can be seen counts
/// more: an editor of the namespace can write an inventory, but not change the namespace.
pub(super) fn tenure(name: &EnvName, home: &str, seen: Home<'_>, said: Option<Tenure>) -> Result<Tenure> {
    let object = match seen {
        Home::Absent => return Ok(Tenure::Own),
        Home::Hidden => return Ok(said.unwrap_or(Tenure::Own)),
        Home::There(object) => object,
    };
    let Some(owner) = foreign_owner(name.as_str(), home, object) else { return Ok(Tenure::Own) };
    let owner = match project::env_of(object) {
        Some(env) if env == name.as_str() => return Ok(Tenure::Project),
        Some(env) => format!("the environment `{env}`"),
        None => owner,
    };
    let of_other_env = owner.starts_with("the environment");
    match said {
        Some(_) if !of_other_env => Ok(Tenure::Guest),
        Some(_) => Err(CommandError::new(format!("the namespace {home} belongs to {owner}"))
            .hint("every environment has a namespace of its own: name another one, or leave --namespace out")),
        None => Err(CommandError::new(format!("the namespace {home} exists and belongs to {owner}")).hint(format!(
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(seen: Home<'_>, said: Option<Tenure>, expected: Option<Tenure>) {
        let name = EnvName::parse("team1").unwrap();
        assert_eq!(tenure(&name, "home", seen, said).ok(), expected, "{seen:?} {said:?}");
    }

    #[test]
    fn whose_a_namespace_is_follows_from_what_can_be_seen_of_it() {
        let labelled = |env: &str| json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": env}}});
        let project = |env: &str| {
            let description = format!("Environment {env}, made by lsdeploy");
            json!({"metadata": {"annotations": {"openshift.io/description": description}}})
        };
        let plain = json!({"metadata": {}});
        let every = [None, Some(Tenure::Own), Some(Tenure::Guest), Some(Tenure::Project)];
        for said in every {
            check(Home::Absent, said, Some(Tenure::Own));
            check(Home::Hidden, said, Some(said.unwrap_or(Tenure::Own)));
            check(Home::There(&labelled("team1")), said, Some(Tenure::Own));
            check(Home::There(&project("team1")), said, Some(Tenure::Project));
            check(Home::There(&labelled("team2")), said, None);
            check(Home::There(&project("team2")), said, None);
            // Whatever an inventory says, somebody else's namespace is never ours.
            check(Home::There(&plain), said, said.map(|_| Tenure::Guest));
        }
    }
}
