//! The life of environments: what runs changed them, and how long they have. Takes inventories; returns text or JSON. Pure.

use jiff::Timestamp;
use serde_json::json;

use super::table;
use crate::cluster::inventory::Inventory;
use crate::printable::printable;

/// The runs that changed an environment, the newest last.
pub fn history(inventory: &Inventory) -> String {
    if inventory.history.is_empty() {
        return format!("{} was made by a version of lsdeploy that recorded no runs\n", inventory.env);
    }
    let mut rows = vec![["WHEN", "WHO", "FROM", "COMMAND", "OBJECTS", "RESULT", "IMAGE"].map(str::to_owned).to_vec()];
    rows.extend(inventory.history.iter().map(|run| {
        let image = run.digest.as_ref().map_or_else(|| run.image.clone(), |digest| format!("{}@{digest}", run.image));
        [&run.at, &run.user, &run.host, &run.command, &run.objects.to_string(), &run.result, &image]
            .map(|text| printable(text))
            .to_vec()
    }));
    table::columns(&rows)
}

/// The same for programs.
pub fn history_json(inventory: &Inventory) -> String {
    let value = json!({
        "schema": "lsdeploy/v1",
        "env": inventory.env,
        "namespace": inventory.namespace,
        "expires_at": inventory.expires,
        "history": inventory.history,
    });
    format!("{value:#}\n")
}

/// How long an environment still has, in a word: `in 3h`, `over`, or a dash for good.
pub(super) fn left(inventory: &Inventory, now: Timestamp) -> String {
    let expires: Option<Timestamp> = inventory.expires.as_deref().and_then(|expires| expires.parse().ok());
    let Some(expires) = expires else { return "-".to_owned() };
    match expires.duration_since(now).as_secs() {
        ..=0 => "over".to_owned(),
        seconds => format!("in {}", rough(seconds)),
    }
}

/// Seconds in the unit that says most.
pub(super) fn rough(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}
