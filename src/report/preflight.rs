//! The preflight as a table: which rights a run needs, where, for which objects, and which the caller has. Pure.

use serde::Serialize;

use super::table;
use crate::manifest::ObjectId;
use crate::printable::printable;
use crate::rights::{Answer, Preflight, Right, Verdict, grouped, in_words};

/// Objects of one kind are named up to here, and counted beyond.
const NAMED: usize = 2;

#[derive(Serialize)]
pub(super) struct Asked<'a> {
    verb: &'a str,
    group: &'a str,
    resource: &'a str,
    name: Option<&'a str>,
    namespace: Option<&'a str>,
    instead: Vec<String>,
    allowed: Option<bool>,
    verdict: &'static str,
    needed_for: Vec<String>,
}

/// For people: a line each.
pub fn lines(preflight: &Preflight) -> Vec<String> {
    let mut lines = who(preflight);
    if !preflight.answers.is_empty() {
        let head = ["RIGHT", "NAMESPACE", "NEEDED FOR", "ALLOWED"].map(str::to_owned).to_vec();
        let rows = grouped(&preflight.answers).into_iter().filter_map(|group| row(group, preflight));
        let rows: Vec<Vec<String>> = [head].into_iter().chain(rows).collect();
        lines.extend(table::columns(&rows).lines().map(str::to_owned));
    }
    let differs = preflight.differs.iter();
    lines.extend(differs.map(|(id, paths)| printable(&format!("{id} is there, and differs at {}", paths.join(", ")))));
    lines
}

/// For programs.
pub(super) fn json(preflight: &Preflight) -> Vec<Asked<'_>> {
    preflight.answers.iter().map(|answer| asked(answer, &preflight.namespace)).collect()
}

fn asked<'a>(answer: &'a Answer, namespace: &'a str) -> Asked<'a> {
    let Answer { need, verdict } = answer;
    let right = &need.right;
    Asked {
        verb: &right.verb,
        group: &right.group,
        resource: &right.resource,
        name: right.name.as_deref(),
        namespace: right.namespaced.then_some(namespace),
        instead: need.instead.iter().map(Right::to_string).collect(),
        allowed: match verdict {
            Verdict::Yes => Some(true),
            Verdict::No => Some(false),
            Verdict::WithProject | Verdict::Open => None,
        },
        verdict: verdict.word(),
        needed_for: need.needed_for.iter().map(ObjectId::to_string).collect(),
    }
}

/// What is about to be written to, and as whom.
pub fn target(preflight: &Preflight) -> String {
    let first = who(preflight).into_iter().next().unwrap_or_default();
    format!("writing to namespace {} on {first}", printable(&preflight.namespace))
}

/// Which cluster, as whom.
fn who(preflight: &Preflight) -> Vec<String> {
    let Preflight { server, context, user, is_admin, cluster, .. } = preflight;
    let context = context.as_ref().map_or_else(String::new, |context| format!(" (context {context})"));
    let user = user.as_deref().unwrap_or("unknown");
    let role = if *is_admin { ", who may do everything" } else { "" };
    vec![printable(&format!("server {server}{context}, as user {user}{role}")), printable(cluster)]
}

fn row(group: &[Answer], preflight: &Preflight) -> Option<Vec<String>> {
    let Answer { need, verdict } = group.first()?;
    let namespace = if need.right.namespaced { preflight.namespace.as_str() } else { "(cluster)" };
    Some(vec![in_words(group), namespace.to_owned(), objects(&need.needed_for), verdict.word().to_owned()])
}

/// `Role/lsdeploy-scc`, or `36 Routes`.
fn objects(ids: &[ObjectId]) -> String {
    match ids {
        [first, ..] if ids.len() > NAMED && ids.iter().all(|id| id.kind == first.kind) => {
            format!("{} {}s", ids.len(), first.kind.name())
        }
        _ => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Kind;
    use crate::rights::Need;

    fn need(verb: &str, resource: &str, namespaced: bool, needed_for: Vec<ObjectId>) -> Need {
        Need {
            right: Right { verb: verb.into(), group: String::new(), resource: resource.into(), name: None, namespaced },
            instead: Vec::new(),
            needed_for,
            comes_with_project: false,
            only_server_knows: false,
        }
    }

    #[test]
    fn the_table_says_right_place_objects_and_answer() {
        let routes = ["s3", "sqs", "edge"].map(|name| ObjectId::new(Kind::Route, name)).to_vec();
        let scc = vec![ObjectId::new(Kind::SecurityContextConstraints, "lsdeploy-a")];
        let preflight = Preflight {
            server: "https://api:6443".into(),
            context: Some("lab".into()),
            user: Some("dev\u{1b}".into()),
            namespace: "team".into(),
            cluster: "Kubernetes v1".into(),
            answers: vec![
                Answer { need: need("create", "securitycontextconstraints", false, scc.clone()), verdict: Verdict::No },
                Answer { need: need("create", "routes", true, routes), verdict: Verdict::Yes },
            ],
            differs: vec![(scc[0].clone(), vec!["/users".into()])],
            ..Preflight::default()
        };
        let target = target(&preflight);
        assert_eq!(target, "writing to namespace team on server https://api:6443 (context lab), as user dev\\u{1b}");
        let text = lines(&preflight).join("\n");
        insta::assert_snapshot!(text, @r"
        server https://api:6443 (context lab), as user dev\u{1b}
        Kubernetes v1
        RIGHT                              NAMESPACE  NEEDED FOR                             ALLOWED
        create securitycontextconstraints  (cluster)  SecurityContextConstraints/lsdeploy-a  no
        create routes                      team       3 Routes                               yes
        SecurityContextConstraints/lsdeploy-a is there, and differs at /users
        ");
        let json = serde_json::to_value(json(&preflight)).unwrap();
        assert_eq!((&json[0]["allowed"], &json[1]["allowed"]), (&false.into(), &true.into()));
        assert_eq!((&json[0]["namespace"], &json[1]["namespace"]), (&serde_json::Value::Null, &"team".into()));
    }
}
