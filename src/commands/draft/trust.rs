//! Whether what is dangerous in wrong hands may go where an inventory, or the name of a project, says. Whoever may write a ConfigMap
//! or request a project can claim an environment, so somebody else must vouch for the place. Pure.

use crate::cluster::discover::Facts;
use crate::cluster::inventory;
use crate::cluster::preflight::NOTHING_WRITTEN;
use crate::cluster::vouch::{Voucher, voucher};
use crate::environment::{Environment, SccChoice};
use crate::error::{CommandError, Result};
use crate::manifest::{Kind, ObjectId};
use crate::plan::{Action, LiveState, Plan};
use crate::render::names;
use crate::rights::is_of_scc;

/// What the command line itself says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// `--namespace`.
    pub(super) namespace: bool,
    /// `--scc`.
    pub(super) scc: bool,
}

/// Refuses to give an SCC, or the emulator's token, to whom only an inventory names.
pub(super) fn check(said: Said, facts: &Facts, environment: &Environment, live: &LiveState, plan: &Plan) -> Result<()> {
    let writes = |is: fn(&ObjectId) -> bool| {
        let is_written = |action| !matches!(action, Action::Unchanged | Action::Delete);
        plan.steps.iter().any(|step| is(&step.id) && is_written(step.action))
    };
    let (grants, gives) = (writes(is_of_scc), writes(is_token));
    if let SccChoice::Existing(scc) = &environment.scc
        && grants
        && !said.scc
    {
        return Err(CommandError::new(format!(
            "{NOTHING_WRITTEN}{} would be granted the SCC {scc}, which its inventory names and this command line does not",
            environment.name
        ))
        .hint(format!("if that is meant, say --scc existing:{scc}")));
    }
    let home = &environment.namespace;
    let place = live.objects.get(&ObjectId::new(Kind::Namespace, home.as_str()));
    let is_to_be_made = plan.steps.iter().any(|step| step.id.kind == Kind::Namespace && step.action == Action::Create);
    if said.namespace || is_to_be_made || !grants && !gives {
        return Ok(());
    }
    let scc = live.objects.get(&ObjectId::new(Kind::SecurityContextConstraints, environment.name.scc()));
    let whose = match voucher(environment.name.as_str(), home.as_str(), place, scc) {
        Voucher::Administrator => return Ok(()),
        Voucher::Requester(user) if facts.user.as_deref() == Some(user.as_str()) => return Ok(()),
        Voucher::Requester(user) => format!("a project that `{}` requested", crate::printable::printable(&user)),
        Voucher::Nobody => "which is not lsdeploy's".to_owned(),
    };
    let what = if grants { "granted an SCC" } else { "given the emulator's token" };
    Err(CommandError::new(format!(
        "{NOTHING_WRITTEN}the environment {} is in the namespace {home}, {whose}, and would be {what} there",
        environment.name
    ))
    .hint(format!("if that is meant, say --namespace {home}"))
    .hint(inventory::stray(home.as_str())))
}

fn is_token(id: &ObjectId) -> bool {
    id.kind == Kind::Secret && id.name == names::AUTH
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::discover::Router;
    use crate::environment::tests::environment;
    use crate::level::{Level, Writing};
    use crate::plan::Step;
    use crate::settings::Choices;

    const SILENT: Said = Said { namespace: false, scc: false };

    fn facts() -> Facts {
        Facts {
            version: "v1.34.4".to_owned(),
            level: Level::NEWEST,
            writing: Writing::Applied,
            has_sccs: true,
            has_projects: true,
            apps_domain: None,
            router_ca: None,
            user: Some("admin".to_owned()),
            is_admin: true,
            router: Router::Labelled,
        }
    }

    /// What is said of a run that writes these objects into a namespace that is there like this.
    fn refusal(said: Said, choices: Choices, place: Value, steps: &[(Kind, &str, Action)]) -> Option<String> {
        let environment = environment("team1", choices).unwrap();
        let home = ObjectId::new(Kind::Namespace, environment.namespace.as_str());
        let live = LiveState { objects: [(home, place)].into_iter().collect(), ..LiveState::default() };
        let steps = steps.iter().map(|(kind, name, action)| Step {
            id: ObjectId::new(*kind, *name),
            action: *action,
            desired: Value::Null,
            changes: Vec::new(),
            uid: None,
        });
        let plan = Plan { steps: steps.collect(), writing: Writing::Applied };
        check(said, &facts(), &environment, &live, &plan).err().map(|error| error.message)
    }

    const GRANT: [(Kind, &str, Action); 1] = [(Kind::RoleBinding, names::GRANT, Action::Create)];

    fn requested_by(user: &str) -> Value {
        json!({"metadata": {"annotations": {"openshift.io/requester": user,
            "openshift.io/description": "Environment team1, made by lsdeploy"}}})
    }

    #[test]
    fn nothing_dangerous_goes_where_only_an_inventory_says() {
        let told = |said, place, steps: &[_]| refusal(said, Choices::default(), place, steps);
        let plain = json!({"metadata": {"name": "evil"}});
        let refused = told(SILENT, plain.clone(), &GRANT).unwrap();
        assert!(refused.ends_with("which is not lsdeploy's, and would be granted an SCC there"), "{refused}");
        assert_eq!(told(Said { namespace: true, ..SILENT }, plain.clone(), &GRANT), None);
        let ours = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "lsdeploy",
            "app.kubernetes.io/instance": "team1"}}});
        assert_eq!(told(SILENT, ours, &GRANT), None);
        let unchanged = [(Kind::RoleBinding, names::GRANT, Action::Unchanged), (Kind::Route, "sqs", Action::Create)];
        assert_eq!(told(SILENT, plain.clone(), &unchanged), None);
        let token = told(SILENT, plain, &[(Kind::Secret, names::AUTH, Action::Create)]).unwrap();
        assert!(token.contains("given the emulator's token"), "{token}");
    }

    #[test]
    fn a_project_is_the_environments_for_who_requested_it_only() {
        let told = |user: &str| refusal(SILENT, Choices::default(), requested_by(user), &GRANT);
        assert_eq!(told("admin"), None);
        assert!(told("mallory").unwrap().contains("a project that `mallory` requested"), "{:?}", told("mallory"));
    }

    #[test]
    fn an_scc_of_others_is_granted_only_where_the_command_line_names_it() {
        let choices = || Choices { scc: Some("existing:privileged".into()), ..Choices::default() };
        let mine = requested_by("admin");
        let recorded = refusal(SILENT, choices(), mine.clone(), &GRANT).unwrap();
        assert!(recorded.contains("granted the SCC privileged, which its inventory names"), "{recorded}");
        assert_eq!(refusal(Said { scc: true, ..SILENT }, choices(), mine.clone(), &GRANT), None);
        assert_eq!(refusal(SILENT, choices(), mine, &[(Kind::Route, "sqs", Action::Create)]), None);
    }
}
