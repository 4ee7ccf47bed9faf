//! Who may use an SCC.

use super::Scc;
use super::types::items;

/// A user of the cluster, with every group it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// User name, such as `system:serviceaccount:team1:emulator`.
    pub user: String,
    /// All its groups.
    pub groups: Vec<String>,
}

impl Subject {
    /// The service account as SCC admission asks about it: without `system:authenticated`, which only a request has.
    ///
    /// So the grant of `restricted-v2` to `system:authenticated` reaches a pod through its requester, never through
    /// its service account (recorded case `access-anonymous`).
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self {
            user: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
            ],
        }
    }
}

/// Whether `subject` may use `scc`: named by it, member of a group named by it, or by RBAC.
pub(crate) fn may_use(scc: &Scc, subject: &Subject, rbac: &dyn Fn(&Subject, &str) -> bool) -> bool {
    items(scc.users.as_ref()).contains(&subject.user)
        || items(scc.groups.as_ref())
            .iter()
            .any(|group| subject.groups.contains(group))
        || rbac(subject, scc.name())
}
