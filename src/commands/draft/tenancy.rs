//! What of an environment's tenancy the caller may make: what it may not is left as it is, and said. Reads only.

use super::Asked;
use crate::cluster::discover::{Facts, Router};
use crate::cluster::{Cluster, preflight};
use crate::environment::Environment;
use crate::error::{CommandError, Result};
use crate::level::Level;
use crate::manifest::{Kind, ManifestSet, ObjectId};
use crate::plan::LiveState;
use crate::render::names;

/// What the caller may make.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    /// ResourceQuota and LimitRange.
    limits: bool,
    /// The NetworkPolicy.
    policy: bool,
    /// The owner's RoleBinding; where the caller asks for it now, a missing right is an error of the preflight.
    owner: bool,
    router: Router,
}

/// Asks what the caller may make. In a project that is yet to be requested it will be the administrator.
pub(super) async fn allowed(cluster: &Cluster, facts: &Facts, asked: &Asked<'_>) -> Result<Allowed> {
    let (environment, router) = (asked.environment, facts.router);
    if facts.is_admin {
        return Ok(Allowed { limits: true, policy: true, owner: true, router });
    }
    if asked.needs_project {
        return Ok(Allowed { limits: false, policy: true, owner: true, router });
    }
    let may = |kind| preflight::may_create(cluster, environment.namespace.as_str(), kind);
    let binds = async { Ok(asked.owner || environment.owner.is_none() || may(Kind::RoleBinding).await?) };
    let (quota, range, policy, owner) =
        tokio::try_join!(may(Kind::ResourceQuota), may(Kind::LimitRange), may(Kind::NetworkPolicy), binds)?;
    Ok(Allowed { limits: quota && range, policy, owner, router })
}

/// A router lets everybody in where it cannot read its list: one range of IPv6 opens the Routes on an older one.
pub(super) fn check_ranges(level: Level, environment: &Environment) -> Result<()> {
    match environment.allow_from.iter().find(|range| range.contains(':')) {
        Some(range) if !level.router_reads_ipv6() => Err(CommandError::new(format!(
            "--allow-from {range}: the router of a cluster with Kubernetes {level} may read IPv4 only, and then lets everybody in"
        ))
        .hint("name IPv4 ranges only, or none")),
        _ => Ok(()),
    }
}

/// Takes what the caller may not make out of what is wanted, and out of what is compared: it stays as it is. Returns
/// what to say of it.
pub(super) fn withhold(
    environment: &Environment,
    allowed: Allowed,
    set: &mut ManifestSet,
    live: &mut LiveState,
) -> Vec<String> {
    let namespace = &environment.namespace;
    let mut notes = Vec::new();
    if !allowed.limits {
        let lacking = [Kind::ResourceQuota, Kind::LimitRange].map(|kind| leave(set, live, &limits(kind)));
        if lacking.contains(&true) {
            notes.push("no ResourceQuota and LimitRange: making them needs cluster-admin".to_owned());
        }
    }
    let policy = ObjectId::new(Kind::NetworkPolicy, names::EMULATOR);
    let why = match (allowed.router, allowed.policy) {
        (Router::Labelled, true) => None,
        (Router::Labelled, false) => Some(format!("you may not make one in {namespace}")),
        (Router::Unseen, _) => Some(
            "you may not see which namespace the router is in, and a policy that does not let it in shuts everybody out"
                .to_owned(),
        ),
        (Router::Unlabelled, _) => Some(
            "no namespace has the router's label (network.openshift.io/policy-group=ingress), and a policy that does not \
             let it in shuts everybody out"
                .to_owned(),
        ),
    };
    if let Some(why) = why {
        // One that is there without any such namespace is in the way: it is removed.
        let lacks = match allowed.router {
            Router::Unlabelled => drop_wanted(set, &policy),
            Router::Labelled | Router::Unseen => leave(set, live, &policy),
        };
        notes.extend(lacks.then(|| format!("no NetworkPolicy: {why}")));
    }
    if let (false, Some(owner)) = (allowed.owner, &environment.owner)
        && leave(set, live, &ObjectId::new(Kind::RoleBinding, names::OWNER))
    {
        notes.push(format!("{owner} gets no rights: you may not create rolebindings in {namespace}"));
    }
    notes
}

fn limits(kind: Kind) -> ObjectId {
    ObjectId::new(kind, names::LIMITS)
}

/// True where it was wanted and is not there.
fn leave(set: &mut ManifestSet, live: &mut LiveState, id: &ObjectId) -> bool {
    let wanted = drop_wanted(set, id);
    let there = live.objects.remove(id).is_some();
    wanted && !there
}

fn drop_wanted(set: &mut ManifestSet, id: &ObjectId) -> bool {
    let before = set.manifests.len();
    set.manifests.retain(|manifest| manifest.id != *id);
    set.manifests.len() < before
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::environment::tests::environment;
    use crate::render;
    use crate::settings::Choices;

    const ALL: Allowed = Allowed { limits: true, policy: true, owner: true, router: Router::Labelled };

    /// What is still wanted, what is still compared, and what is said.
    fn withheld(allowed: Allowed, there: &[ObjectId]) -> (Vec<Kind>, usize, Vec<String>) {
        let choices = Choices { owner: Some("alice".into()), ..Choices::default() };
        let environment = environment("team1", choices).unwrap();
        let mut set = render::render(&environment).unwrap();
        let mut live = LiveState::default();
        live.objects.extend(there.iter().map(|id| (id.clone(), json!({}))));
        let notes = withhold(&environment, allowed, &mut set, &mut live);
        let kinds = [Kind::ResourceQuota, Kind::LimitRange, Kind::NetworkPolicy];
        let wanted = set.manifests.iter().map(|m| m.id.kind).filter(|kind| kinds.contains(kind)).collect();
        (wanted, live.objects.len(), notes)
    }

    #[test]
    fn a_range_that_an_older_router_cannot_read_is_refused() {
        let ranges = |ranges: &[&str]| {
            let allow_from = Some(ranges.iter().map(|range| (*range).to_owned()).collect());
            environment("team1", Choices { allow_from, ..Choices::default() }).unwrap()
        };
        let both = ranges(&["10.0.0.0/8", "2001:db8::/32"]);
        for old in ["v1.11.0+d4cacc0", "v1.20.2", "v1.20+"] {
            assert!(check_ranges(Level::of(old), &both).is_err(), "{old}");
            assert!(check_ranges(Level::of(old), &ranges(&["10.0.0.0/8"])).is_ok(), "{old}");
        }
        assert!(check_ranges(Level::of("v1.34.4"), &both).is_ok());
    }

    #[test]
    fn an_administrator_makes_everything_and_nothing_is_said() {
        let (wanted, _, notes) = withheld(ALL, &[]);
        assert_eq!((wanted.len(), notes.len()), (3, 0));
    }

    #[test]
    fn what_the_caller_may_not_make_is_said_once_and_left_alone_where_it_is() {
        let allowed = Allowed { limits: false, ..ALL };
        let (wanted, _, notes) = withheld(allowed, &[]);
        assert_eq!((wanted, notes.len()), (vec![Kind::NetworkPolicy], 1));
        assert!(notes[0].contains("needs cluster-admin"), "{notes:?}");
        let there = [limits(Kind::ResourceQuota), limits(Kind::LimitRange)];
        assert_eq!(withheld(allowed, &there), (vec![Kind::NetworkPolicy], 0, Vec::new()));
    }

    #[test]
    fn a_policy_that_would_shut_everybody_out_is_not_made() {
        let there = [ObjectId::new(Kind::NetworkPolicy, names::EMULATOR)];
        for (router, compared) in [(Router::Unseen, 0), (Router::Unlabelled, 1)] {
            let (wanted, _, notes) = withheld(Allowed { router, ..ALL }, &[]);
            assert!(!wanted.contains(&Kind::NetworkPolicy) && notes[0].contains("shuts everybody out"), "{notes:?}");
            assert_eq!(withheld(Allowed { router, ..ALL }, &there).1, compared, "{router:?}");
        }
    }

    #[test]
    fn an_owner_of_an_earlier_run_is_no_error_for_who_may_not_bind() {
        let (_, _, notes) = withheld(Allowed { owner: false, ..ALL }, &[]);
        assert_eq!(notes, ["alice gets no rights: you may not create rolebindings in localstack-team1"]);
    }
}
