//! What `list --orphans` says: objects that belong to no environment, and how to remove them.

use serde_json::json;

use super::{json as schema, table, text};
use crate::cluster::orphans::Orphan;
use crate::printable::printable;

/// For people.
pub fn text(orphans: &[Orphan], only_projects: bool, now: jiff::Timestamp) -> String {
    if orphans.is_empty() {
        let place = if only_projects { " in your projects" } else { "" };
        return format!("there are no orphans: everything{place} with lsdeploy's labels belongs to an environment\n");
    }
    let mut rows = vec![["KIND", "NAME", "ENV", "AGE", "WHY", "REMOVE WITH"].map(str::to_owned).to_vec()];
    rows.extend(orphans.iter().map(|orphan| {
        let age = orphan.created.as_deref().and_then(|created| text::age(created, now));
        let age = age.unwrap_or_else(|| "?".to_owned());
        let cells = [&orphan.kind, &orphan.name, &orphan.env, &age, &orphan.why, &orphan.command];
        cells.map(|cell| printable(cell)).to_vec()
    }));
    table::columns(&rows)
}

/// For programs.
pub fn json(orphans: &[Orphan]) -> String {
    let one = |orphan: &Orphan| {
        json!({"kind": orphan.kind, "name": orphan.name, "namespace": orphan.namespace, "env": orphan.env,
            "created": orphan.created, "why": orphan.why, "command": orphan.command})
    };
    schema::write(&json!({"schema": schema::SCHEMA, "orphans": orphans.iter().map(one).collect::<Vec<_>>()}))
}
