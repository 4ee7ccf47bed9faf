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

/// Until when an environment is there, as a sentence; `at` as its inventory says it (RFC 3339).
pub fn until(at: &str, now: Timestamp) -> String {
    match time_left(at, now) {
        Some(left) if left == "over" => format!("its time was over at {at}: the next `lsdeploy gc` removes it"),
        Some(left) => format!("it expires {left}, at {at}; `lsdeploy gc` removes it from then on"),
        None => format!("when it expires is not known: its inventory says {}", printable(at)),
    }
}

/// How long an environment still has, in a word: `in 3h`, `over`, or a dash for good.
pub(super) fn left(inventory: &Inventory, now: Timestamp) -> String {
    inventory.expires.as_deref().and_then(|at| time_left(at, now)).unwrap_or_else(|| "-".to_owned())
}

fn time_left(at: &str, now: Timestamp) -> Option<String> {
    let seconds = at.parse::<Timestamp>().ok()?.duration_since(now).as_secs();
    // It is written without the fraction of a second.
    Some(if seconds <= 0 { "over".to_owned() } else { format!("in {}", rough(seconds + 1)) })
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
