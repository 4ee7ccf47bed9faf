//! RBAC as far as it decides who may `use` an SCC. Takes roles and bindings as the API lists them; pure.

use serde_json::Value;

use super::Subject;

const GROUP: &str = "security.openshift.io";
const RESOURCE: &str = "securitycontextconstraints";

/// The bindings of a cluster that let somebody use an SCC.
#[derive(Debug, Clone, Default)]
pub struct Rbac {
    grants: Vec<Grant>,
}

/// One binding: who gets what, and where.
#[derive(Debug, Clone)]
struct Grant {
    /// `RoleBinding NAME` or `ClusterRoleBinding NAME`.
    through: String,
    /// Where it holds; everywhere without one.
    namespace: Option<String>,
    holders: Vec<(HolderKind, String)>,
    /// Names of SCCs; `None` is all of them.
    sccs: Option<Vec<String>>,
}

/// What kind of subject a binding names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HolderKind {
    /// A user, or a service account by its full name.
    User,
    /// A group.
    Group,
}

/// Somebody who may use an SCC.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// User or group.
    pub kind: HolderKind,
    /// Its full name, `system:serviceaccount:NAMESPACE:NAME` for a service account.
    pub name: String,
    /// The namespace in which the right holds; everywhere without one.
    pub inside: Option<String>,
    /// The binding, or the SCC's own list.
    pub through: String,
    /// The right is to every SCC, not to this one by name.
    pub to_all: bool,
}

/// Roles and bindings as the API lists them.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'a> {
    /// `Role`s of all namespaces.
    pub roles: &'a [Value],
    /// `ClusterRole`s.
    pub cluster_roles: &'a [Value],
    /// `RoleBinding`s of all namespaces.
    pub role_bindings: &'a [Value],
    /// `ClusterRoleBinding`s.
    pub cluster_role_bindings: &'a [Value],
}

impl Rbac {
    /// Reads the bindings that lead to a right to use SCCs.
    pub fn read(lists: Lists<'_>) -> Self {
        let in_namespaces = lists.role_bindings.iter().filter_map(|binding| grant(binding, lists));
        let everywhere = lists.cluster_role_bindings.iter().filter_map(|binding| grant(binding, lists));
        Self { grants: in_namespaces.chain(everywhere).collect() }
    }

    /// These bindings and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.grants.extend(others.grants);
        self
    }

    /// Whether `subject` may use the SCC in a namespace.
    pub fn may_use(&self, subject: &Subject, scc: &str, namespace: &str) -> bool {
        let is_holder = |(kind, name): &(HolderKind, String)| match kind {
            HolderKind::User => *name == subject.user,
            HolderKind::Group => subject.groups.contains(name),
        };
        self.grants.iter().any(|grant| {
            grant.namespace.as_deref().is_none_or(|inside| inside == namespace)
                && grant.covers(scc)
                && grant.holders.iter().any(is_holder)
        })
    }

    /// Everybody whom a binding lets use the SCC.
    pub fn holders(&self, scc: &str) -> Vec<Holder> {
        let of_grant = |grant: &Grant| {
            let holder = |(kind, name): &(HolderKind, String)| Holder {
                kind: *kind,
                name: name.clone(),
                inside: grant.namespace.clone(),
                through: grant.through.clone(),
                to_all: grant.sccs.is_none(),
            };
            grant.holders.iter().map(holder).collect::<Vec<_>>()
        };
        let mut holders: Vec<Holder> =
            self.grants.iter().filter(|grant| grant.covers(scc)).flat_map(of_grant).collect();
        holders.sort();
        holders.dedup();
        holders
    }
}

impl Grant {
    fn covers(&self, scc: &str) -> bool {
        self.sccs.as_ref().is_none_or(|names| names.iter().any(|name| name == scc))
    }
}

/// The right to use SCCs that a binding gives, if it gives one.
fn grant(binding: &Value, lists: Lists<'_>) -> Option<Grant> {
    let text = |pointer: &str| binding.pointer(pointer).and_then(Value::as_str);
    let namespace = text("/metadata/namespace");
    let (roles, inside) = match text("/roleRef/kind")? {
        "Role" => (lists.roles, namespace),
        _ => (lists.cluster_roles, None),
    };
    let name = text("/roleRef/name")?;
    let is_meant = |role: &&Value| {
        role.pointer("/metadata/name").and_then(Value::as_str) == Some(name)
            && role.pointer("/metadata/namespace").and_then(Value::as_str) == inside
    };
    let role = roles.iter().find(is_meant)?;
    let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
    Some(Grant {
        through: format!("{kind} {}", text("/metadata/name")?),
        namespace: namespace.map(str::to_owned),
        holders: list(binding, "subjects").iter().filter_map(|subject| holder(subject, namespace)).collect(),
        sccs: sccs(role)?,
    })
}

/// A subject by its full name.
fn holder(subject: &Value, namespace: Option<&str>) -> Option<(HolderKind, String)> {
    let name = subject["name"].as_str()?;
    match subject["kind"].as_str()? {
        "ServiceAccount" => {
            let namespace = subject["namespace"].as_str().or(namespace)?;
            Some((HolderKind::User, format!("system:serviceaccount:{namespace}:{name}")))
        }
        "Group" => Some((HolderKind::Group, name.to_owned())),
        _ => Some((HolderKind::User, name.to_owned())),
    }
}

/// The SCCs that a role lets its holders use: `None` no right at all, `Some(None)` all of them.
#[expect(clippy::option_option, reason = "no right, a right to all, a right to some: the outer one ends the search")]
fn sccs(role: &Value) -> Option<Option<Vec<String>>> {
    let mut sccs: Vec<String> = Vec::new();
    let mut any = false;
    for rule in list(role, "rules") {
        let has = |field: &str, wanted: &str| {
            list(rule, field).iter().filter_map(Value::as_str).any(|value| value == "*" || value == wanted)
        };
        if !(has("verbs", "use") && has("apiGroups", GROUP) && has("resources", RESOURCE)) {
            continue;
        }
        let names = list(rule, "resourceNames");
        if names.is_empty() {
            return Some(None);
        }
        any = true;
        sccs.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    any.then_some(Some(sccs))
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rbac() -> Rbac {
        let rule = |verbs: &str, names: &[&str]| json!({"apiGroups": [GROUP], "resources": [RESOURCE], "verbs": [verbs], "resourceNames": names});
        let everything = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
        Rbac::read(Lists {
            roles: &[
                json!({"metadata": {"name": "use", "namespace": "team1"}, "rules": [rule("use", &["lsdeploy-team1"])]}),
            ],
            cluster_roles: &[
                json!({"metadata": {"name": "cluster-admin"}, "rules": [everything]}),
                json!({"metadata": {"name": "reader"}, "rules": [rule("get", &[])]}),
            ],
            role_bindings: &[
                json!({"metadata": {"name": "b", "namespace": "team1"}, "roleRef": {"kind": "Role", "name": "use"},
                "subjects": [{"kind": "ServiceAccount", "name": "emulator"}]}),
            ],
            cluster_role_bindings: &[
                json!({"metadata": {"name": "admins"}, "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
                    "subjects": [{"kind": "Group", "name": "system:masters"}]}),
                json!({"metadata": {"name": "readers"}, "roleRef": {"kind": "ClusterRole", "name": "reader"},
                    "subjects": [{"kind": "User", "name": "eve"}]}),
            ],
        })
    }

    #[test]
    fn a_grant_holds_for_its_subject_its_scc_and_its_namespace() {
        let emulator = Subject::service_account("team1", "emulator");
        assert!(rbac().may_use(&emulator, "lsdeploy-team1", "team1"));
        assert!(!rbac().may_use(&emulator, "lsdeploy-team1", "team2"));
        assert!(!rbac().may_use(&emulator, "lsdeploy-team2", "team1"));
        assert!(!rbac().may_use(&Subject::service_account("team1", "default"), "lsdeploy-team1", "team1"));
        let eve = Subject { user: "eve".to_owned(), groups: Vec::new() };
        assert!(!rbac().may_use(&eve, "lsdeploy-team1", "team1"));
    }

    #[test]
    fn everybody_who_may_use_it_is_named_with_the_binding() {
        let words: Vec<String> = rbac()
            .holders("lsdeploy-team1")
            .iter()
            .map(|holder| format!("{} {}", holder.name, holder.through))
            .collect();
        let expected =
            ["system:serviceaccount:team1:emulator RoleBinding b", "system:masters ClusterRoleBinding admins"];
        assert_eq!(words, expected);
    }
}
