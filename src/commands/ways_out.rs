//! What to do where a right is missing: the ways that would really help, as commands to paste. Pure.

use super::Context;
use crate::cli::again::again;
use crate::environment::{Environment, SccChoice, Tenure};
use crate::error::CommandError;
use crate::manifest::ObjectId;
use crate::render::bundle::takes_admin;
use crate::render::names;
use crate::rights::{Need, Preflight, Verdict, is_of_scc};

/// Adds the ways out to a refusal.
pub(super) fn with_ways_out(error: CommandError, context: &Context, environment: &Environment) -> CommandError {
    let Some(preflight) = error.preflight.clone() else { return error };
    let env = environment.name.as_str();
    let up = |flag: &str, value: &str| again(&context.argv, "up", &[(flag, value)]);
    let mut error = error;
    for way in ways(&preflight, environment) {
        error = error.hint(match way {
            Way::NoScc => format!("run under the platform's own SCC, as an arbitrary user: `{}`", up("scc", "none")),
            Way::Existing => format!(
                "or under an SCC that a cluster-admin has made and granted to ServiceAccount {} in {}: `{}`",
                names::EMULATOR,
                environment.namespace,
                up("scc", "existing:NAME")
            ),
            Way::Grant(scc) => format!(
                "or a cluster-admin lets the pod use it: `oc adm policy add-scc-to-user {scc} -z {} -n {}`",
                names::EMULATOR,
                environment.namespace
            ),
            Way::Bundle(user) => {
                let mut set = vec![("env", env)];
                set.extend(user.iter().map(|user| ("for", user.as_str())));
                format!(
                    "have a cluster-admin apply what this prints, then run `up` again: `{} > for-admin.yaml`",
                    again(&context.argv, "admin-bundle", &set)
                )
            }
            Way::Generated => "leave --apps-domain out: the hosts that the cluster makes need no right".to_owned(),
            Way::Elsewhere => {
                format!("or use a namespace that exists and that you administer: `{}`", up("namespace", "NAME"))
            }
            Way::Ask => format!(
                "ask a cluster-admin for the rights marked `no`; `kubectl auth can-i VERB RESOURCE -n {}` tests one",
                environment.namespace
            ),
        });
    }
    error
}

/// One thing that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    NoScc,
    Existing,
    Grant(String),
    /// For whom it must give rights in the namespace.
    Bundle(Option<String>),
    Generated,
    Elsewhere,
    Ask,
}

fn ways(preflight: &Preflight, environment: &Environment) -> Vec<Way> {
    let missing = preflight.missing();
    let concerns = |is: fn(&ObjectId) -> bool| move |need: &&&Need| need.needed_for.iter().all(is);
    let of_scc = missing.iter().filter(concerns(is_of_scc)).count();
    let only_scc = of_scc == missing.len();
    let needs_namespace = missing.iter().any(|need| need.right.resource == "namespaces" && need.right.verb == "create");
    let hosts = missing.iter().any(|need| need.right.resource == "routes/custom-host");
    let mut ways = Vec::new();
    if only_scc && environment.scc != SccChoice::None {
        ways.push(Way::NoScc);
    }
    match &environment.scc {
        SccChoice::Custom if only_scc => ways.push(Way::Existing),
        SccChoice::Existing(name) if of_scc > 0 => ways.push(Way::Grant(name.clone())),
        _ => {}
    }
    if hosts {
        ways.push(Way::Generated);
    }
    // A cluster-admin's bundle makes namespace, SCC, grant and bounds; the rest are a project administrator's rights.
    let given = |need: &&Need| need.needed_for.iter().all(takes_admin);
    let rest = missing.iter().any(|need| !given(need));
    // The namespace is then the bundle's, and no project that brings rights.
    let has_no_place = needs_namespace || preflight.answers.iter().any(|one| one.verdict == Verdict::WithProject);
    let user = preflight.user.clone().filter(|_| rest || has_no_place);
    // Rights in a namespace that is not the environment's own would reach everything else in it.
    let reaches_others = user.is_some() && environment.tenure == Tenure::Guest;
    if !hosts && !reaches_others && (user.is_some() || !rest) {
        ways.push(Way::Bundle(user));
    } else {
        ways.push(Way::Ask);
    }
    if needs_namespace {
        ways.push(Way::Elsewhere);
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::tests::environment;
    use crate::manifest::Kind;
    use crate::rights::{Answer, Right};
    use crate::settings::Choices;

    #[track_caller]
    fn check(scc: &str, missing: &[(&str, &str, Kind, &str)], expected: &[Way]) {
        check_in(Tenure::Own, scc, missing, expected);
    }

    #[track_caller]
    fn check_in(tenure: Tenure, scc: &str, missing: &[(&str, &str, Kind, &str)], expected: &[Way]) {
        let choices = Choices { scc: Some(scc.to_owned()), ..Choices::default() };
        let answers = missing.iter().map(|(verb, resource, kind, name)| Answer {
            need: Need {
                right: Right {
                    verb: (*verb).into(),
                    group: String::new(),
                    resource: (*resource).into(),
                    name: None,
                    namespaced: kind.is_namespaced(),
                },
                instead: Vec::new(),
                needed_for: vec![ObjectId::new(*kind, *name)],
                comes_with_project: false,
                only_server_knows: false,
            },
            verdict: Verdict::No,
        });
        let preflight = Preflight { user: Some("dev".into()), answers: answers.collect(), ..Preflight::default() };
        let environment = Environment { tenure, ..environment("a", choices).unwrap() };
        assert_eq!(ways(&preflight, &environment), expected);
    }

    #[test]
    fn only_what_helps_is_offered() {
        let scc = ("create", "securitycontextconstraints", Kind::SecurityContextConstraints, "lsdeploy-a");
        let grant = ("use", "securitycontextconstraints", Kind::Role, "lsdeploy-scc");
        let routes = ("create", "routes", Kind::Route, "sqs");
        let place = ("create", "namespaces", Kind::Namespace, "localstack-a");
        let host = ("create", "routes/custom-host", Kind::Route, "sqs");
        let for_dev = || Way::Bundle(Some("dev".into()));
        check("custom", &[scc, grant], &[Way::NoScc, Way::Existing, Way::Bundle(None)]);
        check("custom", &[scc, grant, routes], &[for_dev()]);
        check("custom", &[place, scc, grant], &[for_dev(), Way::Elsewhere]);
        check("none", &[routes], &[for_dev()]);
        check("existing:x", &[grant], &[Way::NoScc, Way::Grant("x".into()), Way::Bundle(None)]);
        check("none", &[host], &[Way::Generated, Way::Ask]);
        // Nobody gets other people's objects to have an environment.
        check_in(Tenure::Guest, "none", &[routes], &[Way::Ask]);
        check_in(Tenure::Guest, "existing:x", &[grant], &[Way::NoScc, Way::Grant("x".into()), Way::Bundle(None)]);
    }
}
