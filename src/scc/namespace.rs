//! What a namespace contributes: its ranges of ids, its `SELinux` level, and whether SCCs apply in it at all.

use std::collections::BTreeMap;

/// The parts of a namespace that SCC admission looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceFacts {
    /// Name of the namespace.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}
