//! The rules an SCC lays down in one namespace: its strategies, complete, with the values the namespace adds.
//!
//! All SCCs of the cluster go through here before any is tried, so one that cannot be completed refuses every pod.

use super::seccomp::Profiles;
use super::types::items;
use super::{Groups, IdRange, NamespaceFacts, Release, Scc, SeLinuxOptions};

/// What one SCC demands of a pod in one namespace.
pub(crate) struct Provider<'a> {
    pub(crate) scc: &'a Scc,
    pub(crate) user: UserRule,
    /// The labels every pod must have; none means any.
    pub(crate) se_linux: Option<SeLinuxOptions>,
    pub(crate) fs_group: GroupRule,
    pub(crate) supplemental_groups: GroupRule,
    pub(crate) seccomp: Profiles,
    pub(crate) safe_sysctls: &'static [&'static str],
}

/// The user ids containers may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserRule {
    Any,
    NonRoot,
    Exactly(i64),
    Within(IdRange),
}

/// The group ids a pod may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupRule {
    Any,
    /// In one of `first` and `others`; `first.min` is the default.
    Within {
        first: IdRange,
        others: Vec<IdRange>,
    },
}

impl GroupRule {
    pub(crate) fn allows(&self, id: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Within { first, others } => first.contains(id) || others.iter().any(|range| range.contains(id)),
        }
    }

    /// The id written into a pod that names none.
    pub(crate) fn default(&self) -> Option<i64> {
        match self {
            Self::Any => None,
            Self::Within { first, .. } => Some(first.min),
        }
    }
}

impl<'a> Provider<'a> {
    /// Completes an SCC for a namespace, in the order of the server: what the namespace must give comes first.
    pub(crate) fn new(scc: &'a Scc, namespace: &NamespaceFacts, release: Release) -> Result<Self, String> {
        let lacks = |what: &str, error: String| {
            let (namespace, name) = (&namespace.name, scc.name());
            format!(
                "unable to find pre-allocated {what} annotation for namespace {namespace} while trying to configure \
                 SCC {name}: {error}"
            )
        };
        let uids = preallocated_uids(scc, namespace).map_err(|error| lacks("uid", error))?;
        let labels = preallocated_labels(scc, namespace).map_err(|error| lacks("mcs", error))?;
        let fs_ranges = fs_group_ranges(&scc.fs_group, namespace).map_err(|error| lacks("group", error))?;
        let ranges = group_ranges(&scc.supplemental_groups, namespace).map_err(|error| lacks("group", error))?;

        let broken = |error: String| {
            let (namespace, name) = (&namespace.name, scc.name());
            format!("error creating provider for SCC {name} in namespace {namespace}: {error}")
        };
        Ok(Self {
            scc,
            user: user_rule(scc, uids).map_err(broken)?,
            se_linux: se_linux_rule(scc, labels).map_err(broken)?,
            fs_group: group_rule("FSGroup", &scc.fs_group, fs_ranges).map_err(broken)?,
            supplemental_groups: group_rule("SupplementalGroups", &scc.supplemental_groups, ranges).map_err(broken)?,
            seccomp: Profiles::new(items(scc.seccomp_profiles.as_ref())),
            safe_sysctls: release.safe_sysctls(),
        })
    }
}

/// The namespace's uids, if the SCC leaves both ends of its range open; one end alone stays an error.
fn preallocated_uids(scc: &Scc, namespace: &NamespaceFacts) -> Result<Option<IdRange>, String> {
    let user = &scc.run_as_user;
    let open = user.strategy == "MustRunAsRange" && user.uid_range_min.is_none() && user.uid_range_max.is_none();
    if open {
        namespace.uid_range().map(Some)
    } else {
        Ok(None)
    }
}

fn preallocated_labels(scc: &Scc, namespace: &NamespaceFacts) -> Result<SeLinuxOptions, String> {
    let mut labels = scc.se_linux_context.se_linux_options.clone().unwrap_or_default();
    if scc.se_linux_context.strategy == "MustRunAs" && labels.level.is_empty() {
        namespace.level()?.clone_into(&mut labels.level);
    }
    Ok(labels)
}

/// Of the namespace's groups only the very first is good for `fsGroup`.
fn fs_group_ranges(groups: &Groups, namespace: &NamespaceFacts) -> Result<Vec<IdRange>, String> {
    let mut ranges = group_ranges(groups, namespace)?;
    if groups.ranges.is_empty() {
        ranges.truncate(1);
        for range in &mut ranges {
            range.max = range.min;
        }
    }
    Ok(ranges)
}

fn group_ranges(groups: &Groups, namespace: &NamespaceFacts) -> Result<Vec<IdRange>, String> {
    if groups.strategy == "MustRunAs" && groups.ranges.is_empty() {
        namespace.group_blocks()
    } else {
        Ok(groups.ranges.clone())
    }
}

fn user_rule(scc: &Scc, preallocated: Option<IdRange>) -> Result<UserRule, String> {
    let user = &scc.run_as_user;
    match (user.strategy.as_str(), preallocated) {
        ("RunAsAny", _) => Ok(UserRule::Any),
        ("MustRunAsNonRoot", _) => Ok(UserRule::NonRoot),
        ("MustRunAs", _) => user
            .uid
            .map(UserRule::Exactly)
            .ok_or_else(|| "MustRunAs requires a UID".to_owned()),
        ("MustRunAsRange", Some(range)) => Ok(UserRule::Within(range)),
        ("MustRunAsRange", None) => {
            let min = user.uid_range_min.ok_or("MustRunAsRange requires a UIDRangeMin")?;
            let max = user.uid_range_max.ok_or("MustRunAsRange requires a UIDRangeMax")?;
            Ok(UserRule::Within(IdRange { min, max }))
        }
        (other, _) => Err(format!("Unrecognized RunAsUser strategy type {other}")),
    }
}

fn se_linux_rule(scc: &Scc, labels: SeLinuxOptions) -> Result<Option<SeLinuxOptions>, String> {
    match scc.se_linux_context.strategy.as_str() {
        "RunAsAny" => Ok(None),
        "MustRunAs" => Ok(Some(labels)),
        other => Err(format!("Unrecognized SELinuxContext strategy type {other}")),
    }
}

fn group_rule(field: &str, groups: &Groups, ranges: Vec<IdRange>) -> Result<GroupRule, String> {
    match groups.strategy.as_str() {
        "RunAsAny" => Ok(GroupRule::Any),
        "MustRunAs" => {
            let mut ranges = ranges.into_iter();
            let first = ranges.next().ok_or("ranges must be supplied for MustRunAs")?;
            Ok(GroupRule::Within {
                first,
                others: ranges.collect(),
            })
        }
        other => Err(format!("Unrecognized {field} strategy type {other}")),
    }
}
