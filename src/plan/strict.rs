//! Fields of an SCC that lsdeploy never sends and that widen what it allows. Elsewhere a field of others is theirs; here it
//! would be a way to make our SCC let more in than it says. Pure.

use serde_json::Value;

use super::{Action, Step};
use crate::manifest::Kind;

/// Where they stand. Other fields, also those that a later release adds and fills in, are left alone.
const WIDENING: [&str; 6] = [
    "/allowedFlexVolumes",
    "/allowedUnsafeSysctls",
    "/defaultAllowPrivilegeEscalation",
    "/fsGroup/ranges",
    "/seLinuxContext/seLinuxOptions",
    "/supplementalGroups/ranges",
];

/// The paths at which a live SCC has such a field.
pub(super) fn widened(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    if kind != Kind::SecurityContextConstraints {
        return Vec::new();
    }
    let says = |path: &&str| live.pointer(path).is_some_and(|value| !is_nothing(value));
    let paths = WIDENING.into_iter().filter(|path| desired.pointer(path).is_none()).filter(says);
    paths.map(str::to_owned).collect()
}

/// The paths that a step is to take away: applying alone would leave them to whoever wrote them.
pub fn taken_away(step: &Step) -> Vec<&str> {
    let is_scc = step.id.kind == Kind::SecurityContextConstraints && step.action == Action::Update;
    let paths = step.changes.iter().map(String::as_str);
    paths.filter(|path| is_scc && WIDENING.contains(path)).collect()
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::ObjectId;

    #[test]
    fn what_widens_an_scc_is_seen_and_taken_away() {
        let desired = json!({"seLinuxContext": {"type": "MustRunAs"}, "users": []});
        let live = json!({"seLinuxContext": {"type": "MustRunAs", "seLinuxOptions": {"type": "spc_t"}},
            "allowedUnsafeSysctls": ["*"], "forbiddenSysctls": ["*"], "allowedFlexVolumes": [],
            "defaultAllowPrivilegeEscalation": false, "fieldOfALaterRelease": "on"});
        let found = widened(Kind::SecurityContextConstraints, &desired, &live);
        assert_eq!(found, ["/allowedUnsafeSysctls", "/seLinuxContext/seLinuxOptions"]);
        assert_eq!(widened(Kind::Service, &desired, &live), [""; 0]);
        let changes = [&found[..], &["/users".to_owned()]].concat();
        let id = ObjectId::new(Kind::SecurityContextConstraints, "lsdeploy-a");
        let step = Step { id, action: Action::Update, desired, changes, uid: None };
        assert_eq!(taken_away(&step), ["/allowedUnsafeSysctls", "/seLinuxContext/seLinuxOptions"]);
    }
}
