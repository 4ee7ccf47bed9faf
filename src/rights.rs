//! The rights that a plan needs, and what the server said of each. Takes a plan; returns questions, which answered are a
//! table. Pure.

use serde_json::Value;

use crate::level::Writing;
use crate::manifest::{Kind, ObjectId};
use crate::plan::{Action, Plan, Step};
use crate::render::{INVENTORY, names};

/// Something that a caller may do, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// The verb.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource, with its subresource where there is one: `routes/custom-host`.
    pub resource: String,
    /// The one object that it is about; any where there is none.
    pub name: Option<String>,
    /// It is asked for in the environment's namespace.
    pub namespaced: bool,
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { verb, resource, name, .. } = self;
        match name {
            Some(name) => write!(f, "{verb} {resource} {name}"),
            None => write!(f, "{verb} {resource}"),
        }
    }
}

/// One right that a plan needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The right.
    pub right: Right,
    /// All of these do as well, together.
    pub instead: Vec<Right>,
    /// The objects that it is needed for.
    pub needed_for: Vec<ObjectId>,
    /// Who gets a project gets this right in it.
    pub comes_with_project: bool,
    /// A no is not the last word: the server may find the same rights elsewhere.
    pub only_server_knows: bool,
}

/// What the server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is there.
    Yes,
    /// It is not.
    No,
    /// It will be there once the project is.
    WithProject,
    /// It may be there: the server decides when the object is written.
    Open,
}

impl Verdict {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::WithProject => "comes with the project",
            Self::Open => "the server decides",
        }
    }
}

/// A right, and what the server said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is needed.
    pub need: Need,
    /// What was said.
    pub verdict: Verdict,
}

/// Everything that was asked before the first write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preflight {
    /// The API server's address.
    pub server: String,
    /// The kubeconfig's context, where one was used.
    pub context: Option<String>,
    /// The caller, as the server sees it.
    pub user: Option<String>,
    /// The caller may do everything: one question stood for all.
    pub is_admin: bool,
    /// The environment's namespace.
    pub namespace: String,
    /// What the server is and serves, in words.
    pub cluster: String,
    /// The rights, in the order in which the plan needs them.
    pub answers: Vec<Answer>,
    /// Objects that are there and are not as they are to be, with the paths that differ.
    pub differs: Vec<(ObjectId, Vec<String>)>,
}

impl Preflight {
    /// What is missing, in words.
    pub fn missing_in_words(&self) -> Vec<String> {
        let groups = grouped(&self.answers).into_iter();
        let missing = groups.filter(|group| group.first().is_some_and(|answer| answer.verdict == Verdict::No));
        missing.map(in_words).collect()
    }

    /// What is missing.
    pub fn missing(&self) -> Vec<&Need> {
        self.answers.iter().filter(|answer| answer.verdict == Verdict::No).map(|answer| &answer.need).collect()
    }
}

/// Rights that go together: one after another, to the same resource in the same place for the same objects, with the same
/// answer and no substitute.
pub fn grouped(answers: &[Answer]) -> Vec<&[Answer]> {
    answers
        .chunk_by(|a, b| {
            let same = |a: &Need, b: &Need| {
                a.right.resource == b.right.resource && a.right.group == b.right.group && a.needed_for == b.needed_for
            };
            a.verdict == b.verdict && same(&a.need, &b.need) && a.need.instead.is_empty() && b.need.instead.is_empty()
        })
        .collect()
}

/// One group in words: `create, patch routes`, or `bind roles a, or use securitycontextconstraints b`.
pub fn in_words(group: &[Answer]) -> String {
    let [only] = group else {
        let verbs: Vec<&str> = group.iter().map(|answer| answer.need.right.verb.as_str()).collect();
        let resource = group.first().map_or("", |answer| answer.need.right.resource.as_str());
        return format!("{} {resource}", verbs.join(", "));
    };
    let instead: Vec<String> = only.need.instead.iter().map(ToString::to_string).collect();
    match &instead[..] {
        [] => only.need.right.to_string(),
        all => format!("{}, or {}", only.need.right, all.join(" and ")),
    }
}

/// The SCC of an environment, or the right to use it.
pub fn is_of_scc(id: &ObjectId) -> bool {
    match id.kind {
        Kind::SecurityContextConstraints => true,
        Kind::Role | Kind::RoleBinding => id.name == names::GRANT,
        _ => false,
    }
}

/// Every right that a plan needs, once, in the plan's order.
pub fn needed(plan: &Plan) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for step in plan.steps.iter().filter(|step| step.action != Action::Unchanged) {
        for need in of_step(step, plan) {
            match needs.iter_mut().find(|known| known.right == need.right && known.instead == need.instead) {
                Some(known) => known.needed_for.push(step.id.clone()),
                None => needs.push(need),
            }
        }
    }
    // A role may be limited to names, so what is needed for one object is asked by its name. What is created has none yet.
    for need in &mut needs {
        if let [only] = &need.needed_for[..]
            && need.right.resource == only.kind.plural()
            && need.right.verb != "create"
        {
            need.right.name.get_or_insert_with(|| only.name.clone());
        }
    }
    needs
}

fn of_step(step: &Step, plan: &Plan) -> Vec<Need> {
    let kind = step.id.kind;
    let whole = kind == Kind::SecurityContextConstraints;
    // Server-side apply needs `patch`, and `create` where the object does not exist; what is merged here is created by itself,
    // unless the same run writes to it again, and an SCC is then sent whole.
    let patches = plan.writing == Writing::Applied || is_written_again(step);
    let verbs: &[&str] = match (step.action, plan.writing) {
        (Action::Create, _) if patches => &["create", "patch"],
        (Action::Create, _) => &["create"],
        (Action::Update | Action::Adopt, Writing::Merged) if whole => &["update"],
        (Action::Update | Action::Adopt, _) => &["patch"],
        (Action::Replace | Action::AdoptAnew, _) if patches => &["delete", "create", "patch"],
        (Action::Replace | Action::AdoptAnew, _) => &["delete", "create"],
        (Action::Delete, _) => &["delete"],
        (Action::Unchanged, _) => &[],
    };
    let of_kind = |verb: &str, resource: &str| need(step, right(verb, kind.group(), resource, kind.is_namespaced()));
    let mut needs: Vec<Need> = verbs.iter().map(|verb| of_kind(verb, kind.plural())).collect();
    if step.action == Action::Delete {
        return needs;
    }
    match kind {
        Kind::Role => needs.extend(granting(step)),
        Kind::RoleBinding => needs.extend(binding(step, plan)),
        Kind::Route => needs.extend(host_verb(step).map(|verb| of_kind(verb, "routes/custom-host"))),
        _ => {}
    }
    needs
}

/// Whether a run writes to what it has just made: the inventory carries the lock and the result, and a `ServiceAccount` gets
/// the pull secrets beside those that the cluster has put there.
fn is_written_again(step: &Step) -> bool {
    step.id == ObjectId::new(Kind::ConfigMap, INVENTORY)
        || step.id.kind == Kind::ServiceAccount && step.desired.get("imagePullSecrets").is_some()
}

fn right(verb: &str, group: &str, resource: &str, namespaced: bool) -> Right {
    Right { verb: verb.into(), group: group.into(), resource: resource.into(), name: None, namespaced }
}

fn need(step: &Step, right: Right) -> Need {
    // A project's administrator has all of a namespace but its bounds.
    let comes_with_project = right.namespaced && !["resourcequotas", "limitranges"].contains(&right.resource.as_str());
    let needed_for = vec![step.id.clone()];
    Need { right, instead: Vec::new(), needed_for, comes_with_project, only_server_knows: false }
}

/// A Role may only grant what its writer may do, or who writes it may escalate.
fn granting(step: &Step) -> Vec<Need> {
    let escalate = Right { name: Some(step.id.name.clone()), ..right("escalate", Kind::Role.group(), "roles", true) };
    let granted = granted(&step.desired).into_iter();
    granted
        .map(|right| Need { instead: vec![escalate.clone()], comes_with_project: false, ..need(step, right) })
        .collect()
}

/// A RoleBinding may only bind a role that its writer may bind, or whose rights its writer has.
fn binding(step: &Step, plan: &Plan) -> Option<Need> {
    let role = step.desired.get("roleRef")?;
    let (kind, name) = (role["kind"].as_str()?, role["name"].as_str()?);
    let resource = if kind == "ClusterRole" { "clusterroles" } else { "roles" };
    let bind = Right { name: Some(name.to_owned()), ..right("bind", Kind::Role.group(), resource, true) };
    let of_plan = plan.steps.iter().find(|other| kind == "Role" && other.id == ObjectId::new(Kind::Role, name));
    let instead = of_plan.map(|role| granted(&role.desired)).unwrap_or_default();
    let only_server_knows = instead.is_empty();
    Some(Need { instead, only_server_knows, comes_with_project: only_server_knows, ..need(step, bind) })
}

/// The rights that a Role's rules give.
fn granted(role: &Value) -> Vec<Right> {
    let list = |rule: &Value, key: &str| -> Vec<String> {
        let items = rule[key].as_array().into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        let names = list(rule, "resourceNames");
        let names: Vec<Option<String>> =
            if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
        for group in list(rule, "apiGroups") {
            for resource in list(rule, "resources") {
                for verb in list(rule, "verbs") {
                    rights.extend(
                        names.iter().map(|name| Right { name: name.clone(), ..right(&verb, &group, &resource, true) }),
                    );
                }
            }
        }
    }
    rights
}

/// The right to write a Route's host; none where the cluster makes it.
fn host_verb(step: &Step) -> Option<&'static str> {
    step.desired.pointer("/spec/host")?;
    match step.action {
        Action::Create | Action::Replace | Action::AdoptAnew => Some("create"),
        _ => step.changes.iter().any(|path| path == "/spec/host").then_some("update"),
    }
}

#[cfg(test)]
mod tests;
