//! `diff`: a plan as what it changes. Takes a plan and the live objects; returns text or JSON. Pure.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use crate::error::{CommandError, Result};
use crate::manifest::ObjectId;
use crate::plan::shown::before_and_after;
use crate::plan::{Action, LiveState, Plan, Step, gone as gone_from};
use crate::printable::printable;
use crate::yaml;

/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// Characters of an unchanged line that are shown: it only says where a change is.
const CONTEXT_WIDTH: usize = 120;

/// One object that `up` would write or delete.
pub struct Change {
    id: ObjectId,
    action: Action,
    paths: Vec<String>,
    before: Value,
    after: Value,
    /// Fields of ours that are to go: they stand in no object that is sent.
    gone: Vec<String>,
    /// Lines with a sign before each: `-`, `+` or a space.
    lines: Vec<String>,
}

/// What a plan changes; empty where it changes nothing.
///
/// # Errors
/// An object cannot be written as YAML.
pub fn changes(plan: &Plan, live: &LiveState) -> Result<Vec<Change>> {
    let steps = plan.steps.iter().filter(|step| step.action != Action::Unchanged);
    steps
        .map(|step| {
            let Step { id, action, desired, changes, .. } = step;
            let there = live.objects.get(id);
            let (before, after) = before_and_after(step, there);
            let lines = lines(&document(&before)?, &document(&after)?);
            let gone = there.filter(|_| matches!(action, Action::Update | Action::Adopt));
            let gone = gone.map(|there| gone_from(id.kind, desired, there, plan.writing)).unwrap_or_default();
            Ok(Change { id: id.clone(), action: *action, paths: changes.clone(), before, after, gone, lines })
        })
        .collect()
}

/// For people: a unified difference per object.
pub fn text(env: &str, changes: &[Change], colour: bool) -> String {
    if changes.is_empty() {
        return format!("{env} is as it should be: `up` would write nothing\n");
    }
    let mut text = String::new();
    for change in changes {
        let _ = writeln!(text, "{} {}", change.action.word(), printable(&change.id.to_string()));
        for line in &change.lines {
            let painted = match line.as_bytes().first() {
                Some(b'-') => paint(line, AnsiColor::Red, colour),
                Some(b'+') => paint(line, AnsiColor::Green, colour),
                _ => printable(line),
            };
            let _ = writeln!(text, "  {painted}");
        }
        for path in change.gone.iter().filter(|path| change.before.pointer(path).is_none()) {
            let _ = writeln!(text, "  {}", paint(&format!("- {path}"), AnsiColor::Red, colour));
        }
    }
    let objects = if changes.len() == 1 { "1 object" } else { &format!("{} objects", changes.len()) };
    let _ = writeln!(text, "{objects} of {env} would change");
    text
}

/// For programs.
pub fn json(env: &str, changes: &[Change]) -> String {
    let change = |change: &Change| {
        json!({
            "kind": change.id.kind.name(),
            "name": change.id.name,
            "action": change.action.word(),
            "paths": change.paths,
            "before": change.before,
            "after": change.after,
        })
    };
    let value = json!({"schema": "lsdeploy/v1", "env": env, "changes": changes.iter().map(change).collect::<Vec<_>>()});
    format!("{value:#}\n")
}

fn document(object: &Value) -> Result<String> {
    if object.is_null() {
        return Ok(String::new());
    }
    yaml::write(object).map_err(|error| CommandError::new(format!("cannot show an object as YAML: {error}")))
}

fn lines(before: &str, after: &str) -> Vec<String> {
    let difference = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for (number, group) in difference.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            lines.push("  ...".to_owned());
        }
        for change in group.iter().flat_map(|operation| difference.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let line = change.value().trim_end_matches('\n');
            let cut = line.char_indices().nth(CONTEXT_WIDTH).filter(|_| sign == ' ');
            lines.push(cut.map_or_else(|| format!("{sign} {line}"), |(at, _)| format!("{sign} {}...", &line[..at])));
        }
    }
    lines
}

fn paint(line: &str, colour: AnsiColor, on: bool) -> String {
    let line = printable(line);
    if !on {
        return line;
    }
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{style}{line}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Writing;
    use crate::manifest::Kind;

    #[test]
    fn a_field_that_goes_is_named_and_one_that_changes_is_not_named_as_if_it_went() {
        let pod =
            |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "e", "image": image}]}}}});
        let mut there = pod("old");
        there["metadata"] = json!({"managedFields": [{"manager": "lsdeploy", "operation": "Apply", "fieldsV1": {
            "f:spec": {"f:paused": {}}}}]});
        there["spec"]["paused"] = true.into();
        let id = ObjectId::new(Kind::Deployment, "emulator");
        let changes = vec!["/spec/template/spec/containers[\"e\"]/image".to_owned(), "/spec/paused".to_owned()];
        let step = Step { id: id.clone(), action: Action::Update, desired: pod("new"), changes, uid: None };
        let plan = Plan { steps: vec![step], writing: Writing::Applied };
        let live = LiveState { objects: [(id, there)].into(), ..LiveState::default() };
        let text = text("a", &super::changes(&plan, &live).unwrap(), false);
        assert!(text.contains("image: old") && text.contains("image: new"), "{text}");
        assert!(text.contains("- /spec/paused") && !text.contains("- /spec/template"), "{text}");
    }

    #[test]
    fn a_long_line_is_cut_where_it_does_not_change() {
        let long = "x".repeat(500);
        let shown = lines(&format!("a: {long}\nb: 1\n"), &format!("a: {long}\nb: {long}\n"));
        assert_eq!(shown.iter().map(String::len).collect::<Vec<_>>(), [2 + CONTEXT_WIDTH + 3, 6, 5 + 500], "{shown:?}");
    }
}
