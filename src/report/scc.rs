//! `scc explain`: an SCC in words. Takes an explanation; returns text or JSON. Pure.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;

use super::table;
use crate::printable::printable;
use crate::scc::explain::{Captured, Decision, Explanation};
use crate::scc::rbac::{Holder, HolderKind};

/// Columns that stand before the words which may be long.
const INDENT: &str = "  ";

/// For people.
pub fn text(env: &str, explanation: &Explanation, unseen: &[String]) -> String {
    let scc = &explanation.scc;
    let mut text = format!("SCC {} of environment {env}: {}\n\n", printable(scc), verdict(explanation));
    if !explanation.differs.is_empty() {
        let _ = writeln!(
            text,
            "It differs from what lsdeploy wrote at {}: `lsdeploy diff --env {env}` shows it, `lsdeploy up --env {env}` mends it\n",
            printable(&explanation.differs.join(", "))
        );
    }
    for field in &explanation.fields {
        let _ = writeln!(text, "{INDENT}{}: {}\n{INDENT}{INDENT}{}", field.name, printable(&field.value), field.why);
    }
    if let Some(order) = &explanation.order {
        text.push_str("\nOrder in which the cluster tries its SCCs (higher priority first, then fewer points)\n\n");
        let row = |ranked: &crate::scc::explain::Ranked| {
            let mark = if ranked.name == *scc { "<- this one" } else { "" };
            vec![
                format!("{INDENT}{}", printable(&ranked.name)),
                format!("priority {}", ranked.priority),
                format!("{} points", ranked.points),
                mark.to_owned(),
            ]
        };
        text.push_str(&table::columns(&order.iter().map(row).collect::<Vec<_>>()));
    }
    text.push('\n');
    pods(&mut text, explanation);
    if let Some(found) = &explanation.holders {
        let _ = writeln!(text, "\nWho may use it\n");
        text.push_str(&table::columns(&found.iter().map(holder).collect::<Vec<_>>()));
    }
    for line in unseen {
        let _ = writeln!(text, "\nnote: {}", printable(line));
    }
    text
}

/// What a security team asks first, in one line.
fn verdict(explanation: &Explanation) -> &'static str {
    let Explanation { actual, gets, captured, differs, .. } = explanation;
    if !differs.is_empty() {
        return "NOT as meant, somebody changed it";
    }
    match (explanation.is_as_meant(), gets.is_some() || actual.is_some(), captured.is_some()) {
        (true, true, true) => "as meant, its pod gets it and no pod elsewhere does",
        (true, true, false) => "its pod gets it; whether pods elsewhere do cannot be seen",
        (true, false, _) => "which pods get it cannot be seen",
        (false, ..) if captured.as_ref().is_some_and(|pods| !pods.is_empty()) => {
            "NOT as meant, it takes pods elsewhere"
        }
        (false, ..) => "NOT as meant, its pod does not get it",
    }
}

/// Which pods get it.
fn pods(text: &mut String, explanation: &Explanation) {
    let Explanation { scc, actual, gets, without, captured, .. } = explanation;
    let mut line = |head: &str, body: String| {
        let _ = writeln!(text, "{head}: {body}");
    };
    if let Some(actual) = actual {
        let note = if actual == scc { "" } else { ", not this one" };
        line("The running pod was given", format!("{}{note}", printable(actual)));
    }
    if let Some(decision) = gets {
        line("A new pod of the environment gets", decided(decision));
    }
    if let Some(decision) = without {
        line("If this SCC were gone it would get", decided(decision));
    }
    match captured.as_deref() {
        Some([]) => line("Pods of other namespaces that it takes", "none".to_owned()),
        Some(pods) => {
            let list: Vec<String> = pods.iter().map(taken).collect();
            line("Pods of other namespaces that it takes", list.join("; "));
        }
        None => {}
    }
}

fn decided(decision: &Decision) -> String {
    match decision {
        Ok(scc) => printable(scc),
        Err(words) => format!("none; the server refuses it:{}", broken(&printable(words))),
    }
}

/// What the server says of each SCC that was not granted.
const NOT_GRANTED: &str = "\": Forbidden: not usable by user or serviceaccount";

/// A refusal with each of its reasons on a line of its own: the server joins a dozen with commas. The SCCs that were not granted
/// share one.
fn broken(words: &str) -> String {
    let starts = ["provider ", "spec.", "pod.metadata.", ".spec."];
    let text = starts
        .into_iter()
        .fold(words.to_owned(), |text, start| text.replace(&format!(", {start}"), &format!(",\n{start}")));
    let text = text.replacen(": [", ":\n[", 1);
    let provider = |line: &str| {
        let line = line.trim_start_matches('[').trim_end_matches([',', ']']);
        line.strip_prefix("provider \"")?.strip_suffix(NOT_GRANTED).map(str::to_owned)
    };
    let refused: Vec<String> = text.lines().filter_map(provider).collect();
    let rest = text.lines().filter(|line| provider(line).is_none()).map(str::to_owned);
    let refused = (!refused.is_empty()).then(|| format!("not granted to it: {}", refused.join(", ")));
    rest.chain(refused).enumerate().fold(String::new(), |mut lines, (index, line)| {
        let indent = if index == 0 { "" } else { INDENT };
        let _ = write!(lines, "\n{INDENT}{indent}{line}");
        lines
    })
}

fn taken(captured: &Captured) -> String {
    let Captured { namespace, pod, instead_of } = captured;
    format!("{}/{} (else {})", printable(namespace), printable(pod), printable(instead_of))
}

fn holder(holder: &Holder) -> Vec<String> {
    let Holder { kind, name, inside, through, to_all } = holder;
    let kind = match kind {
        HolderKind::User if name.starts_with("system:serviceaccount:") => "service account",
        HolderKind::User => "user",
        HolderKind::Group => "group",
    };
    let place = inside.as_ref().map_or_else(|| "everywhere".to_owned(), |inside| format!("in {inside}"));
    let width = if *to_all { "as every SCC" } else { "" };
    let name =
        name.strip_prefix("system:serviceaccount:").map_or_else(|| name.clone(), |name| name.replacen(':', "/", 1));
    vec![format!("{INDENT}{kind} {}", printable(&name)), place, format!("by {}", printable(through)), width.to_owned()]
}

/// For programs.
pub fn json(env: &str, explanation: &Explanation, unseen: &[String]) -> String {
    let Explanation { scc, fields, order, actual, gets, without, captured, holders, differs } = explanation;
    let value = json!({
        "schema": "lsdeploy/v1",
        "env": env,
        "scc": scc,
        "as_meant": explanation.is_as_meant(),
        "differs": differs,
        "fields": fields.iter().map(|field| json!({"name": field.name, "value": field.value, "why": field.why})).collect::<Vec<_>>(),
        "order": order.as_ref().map(|order| order.iter().map(|ranked| {
            json!({"scc": ranked.name, "priority": ranked.priority, "points": ranked.points})
        }).collect::<Vec<_>>()),
        "actual": actual,
        "gets": gets.as_ref().map(Decided::of),
        "without": without.as_ref().map(Decided::of),
        "captured": captured.as_ref().map(|pods| pods.iter().map(|taken| {
            json!({"namespace": taken.namespace, "pod": taken.pod, "instead_of": taken.instead_of})
        }).collect::<Vec<_>>()),
        "holders": holders.as_ref().map(|holders| holders.iter().map(|holder| json!({
            "kind": match holder.kind { HolderKind::User => "user", HolderKind::Group => "group" },
            "name": holder.name,
            "namespace": holder.inside,
            "through": holder.through,
            "to_all": holder.to_all,
        })).collect::<Vec<_>>()),
        "unseen": unseen,
    });
    format!("{value:#}\n")
}

#[derive(Serialize)]
struct Decided<'a> {
    scc: Option<&'a str>,
    refusal: Option<&'a str>,
}

impl<'a> Decided<'a> {
    fn of(decision: &'a Decision) -> Self {
        match decision {
            Ok(scc) => Self { scc: Some(scc), refusal: None },
            Err(words) => Self { scc: None, refusal: Some(words) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_of_a_refusal_has_a_line_of_its_own() {
        let words = "unable to validate against any security context constraint: [provider \"a\": Forbidden: not usable by user or \
                     serviceaccount, spec.volumes[0]: Invalid value: 1, or so, provider \"b\": no, provider \"c\": Forbidden: not \
                     usable by user or serviceaccount]";
        let lines = "\n  unable to validate against any security context constraint:\n    spec.volumes[0]: Invalid value: 1, or so,\
                     \n    provider \"b\": no,\n    not granted to it: a, c";
        assert_eq!(broken(words), lines);
    }
}
