//! `up`: everything is looked at and checked for all environments before the first of them is written.

use futures::future::{join_all, try_join_all};

use super::reach::{self, Reach};
use super::serving::Serving;
use super::target::{self, Target};
use super::{Context, Outcome};
use crate::cli::{OutputFormat, UpArgs};
use crate::cluster::discover::{self, Facts};
use crate::cluster::preflight::{self, Granted, NOTHING_WRITTEN};
use crate::cluster::{Cluster, apply, project};
use crate::environment::{self, EnvName, Environment, SccChoice};
use crate::error::{CommandError, Result};
use crate::events::{Events, Phases, What};
use crate::exit::ExitStatus;
use crate::manifest::{Kind, ManifestSet, ObjectId};
use crate::plan::{self, Plan};
use crate::render;
use crate::report::{self, EnvReport};
use crate::settings::Choices;

/// What all environments of one run share.
struct Up<'a> {
    args: &'a UpArgs,
    context: &'a Context,
    cluster: &'a Cluster,
    facts: &'a Facts,
    reach: &'a Reach,
}

/// An environment that may be applied: nothing was written yet.
struct Prepared {
    draft: Draft,
    choices: Choices,
    events: Events,
    phases: Phases,
}

/// What is to be done for an environment, as far as the caller can see.
struct Draft {
    environment: Environment,
    plan: Plan,
    live: plan::LiveState,
    /// Its project is to be requested first, and what is in it to be looked at then.
    needs_project: bool,
}

pub(super) async fn run(args: &UpArgs, context: Context, colour: bool) -> Result<Outcome> {
    super::local::refuse_on_a_cluster(&args.local)?;
    let names = target::names(&args.envs.envs, args.envs.namespace.as_deref())?;
    let choices = target::choices(&args.choices)?;
    for name in &names {
        Environment::check(name, &choices, args.envs.namespace.as_deref())?;
    }
    reach::resolve(&args.reach, None, &context.proxies)?;
    let cluster = context.connect().await?;
    let facts = discover::discover(&cluster).await?;
    let reach = reach::resolve(&args.reach, Some(&facts), &context.proxies)?;
    let up = Up { args, context: &context, cluster: &cluster, facts: &facts, reach: &reach };
    let prepared = try_join_all(names.iter().map(|name| up.prepare(name, choices.clone()))).await?;
    let reports = join_all(prepared.into_iter().map(|one| up.carry_out(one))).await;
    Ok(outcome(reports, context.output, colour))
}

/// The results of several environments as one.
pub(super) fn outcome(reports: Vec<EnvReport>, output: OutputFormat, colour: bool) -> Outcome {
    let text = match output {
        OutputFormat::Json => report::json::environments(&reports),
        OutputFormat::Text => reports.iter().map(report::text::environment).collect::<Vec<_>>().join("\n"),
    };
    Outcome {
        status: reports.iter().map(|report| report.status).max().unwrap_or(ExitStatus::Success),
        text,
        problems: reports.iter().map(|report| report::text::problem(report, colour)).collect(),
        reports,
    }
}

impl Up<'_> {
    /// Looks at everything and checks it; writes nothing.
    async fn prepare(&self, name: &EnvName, choices: Choices) -> Result<Prepared> {
        let events = self.context.events(name.as_str());
        let mut phases = Phases::default();
        let draft = phases.run(&events, "preflight", self.draft(name, choices.clone())).await?;
        Ok(Prepared { draft, choices, events, phases })
    }

    /// Reads, validates, renders, compares and asks for rights.
    async fn draft(&self, name: &EnvName, choices: Choices) -> Result<Draft> {
        let Self { args, context, cluster, facts, .. } = self;
        let namespace = args.envs.namespace.as_deref();
        let target = target::find(cluster, facts, name, namespace, choices).await?;
        let Target { environment, live, domain_is_unknown, needs_project, .. } = target;
        check_existing_scc(cluster, &environment).await?;
        let mut set = render::render(&environment)?;
        complete(&mut set, &environment, &live);
        let mut plan = plan::plan(name.as_str(), environment.namespace.as_str(), set, &live)
            .map_err(|conflicts| refuse_conflicts(&environment, &conflicts))?;
        if !plan.is_empty() {
            plan::stamp(&mut plan, &run_record(context), facts.user.as_deref().unwrap_or("unknown"));
        }
        if !plan.is_empty() && !facts.is_admin {
            let granted = if needs_project { Granted::WithProject } else { Granted::Now };
            preflight::check(cluster, environment.namespace.as_str(), &plan, granted).await?;
        }
        // A Route of the project tells the domain, once there is a project.
        if domain_is_unknown && !needs_project {
            return Err(environment::unknown_domain());
        }
        Ok(Draft { environment, plan, live, needs_project })
    }

    /// Applies, waits and checks. A failure is part of the report: the other environments go on.
    async fn carry_out(&self, prepared: Prepared) -> EnvReport {
        let Self { args, context, cluster, facts, reach } = self;
        let Prepared { mut draft, choices, events, phases } = prepared;
        let mut report = EnvReport::of(&draft.environment, &context.run_id);
        report.phases = phases;
        if draft.needs_project {
            match report.phases.run(&events, "project", self.found(&draft.environment, choices, &events)).await {
                Ok(founded) => draft = founded,
                Err(error) => {
                    report.fail(error.pasteable(&context.flags(&report.env)));
                    return report;
                }
            }
            report.objects.push((ObjectId::new(Kind::Namespace, draft.environment.namespace.as_str()), "create"));
        }
        let Draft { environment, plan, live, .. } = draft;
        if environment.persistence.is_none() && target::serves(&live) && plan.steps.iter().any(starts_anew) {
            let emulator = format!("the emulator of {}", environment.name);
            let lost = format!("note: {emulator} starts anew because its pod changes: what was in it is gone");
            events.send(What::Note(lost));
        }
        report.objects.extend(plan.steps.iter().map(|step| (step.id.clone(), step.action.word())));
        let work = apply::apply(cluster, environment.namespace.as_str(), &plan, &events);
        match report.phases.run(&events, "apply", work).await {
            Err(error) => report.fail(error.pasteable(&context.flags(&report.env))),
            Ok(_) if args.no_wait => {}
            Ok(applied) => {
                let deployment = ObjectId::new(Kind::Deployment, render::names::EMULATOR);
                let stored = applied.stored.get(&deployment).or_else(|| live.objects.get(&deployment));
                let generation = stored.and_then(|object| object.pointer("/metadata/generation")?.as_i64());
                let serving =
                    Serving { cluster, facts, reach, environment: &environment, events: &events, writes: true };
                if serving.wait(generation, context.timeout, &mut report).await && !args.no_smoke {
                    serving.smoke(None, context, &mut report).await;
                }
            }
        }
        report
    }

    /// Requests the environment's project and looks at everything anew: the rights in it, its uid and the domain of its
    /// Routes were out of sight before.
    async fn found(&self, environment: &Environment, choices: Choices, events: &Events) -> Result<Draft> {
        let Environment { name, namespace, .. } = environment;
        project::request(self.cluster, name, namespace).await?;
        events.send(What::Object(ObjectId::new(Kind::Namespace, namespace.as_str()), "create", Vec::new()));
        let draft = self.draft(name, choices).await;
        draft.and_then(Draft::founded).map_err(|error| {
            let why = error.message.strip_prefix(NOTHING_WRITTEN).unwrap_or(&error.message);
            let message = format!("the project {namespace} was made, and nothing in it: {why}");
            CommandError { message, ..error }
                .hint(format!("then run this again, or remove the project: `lsdeploy down --env {name}`"))
        })
    }
}

impl Draft {
    /// The same, if its project is in sight.
    fn founded(self) -> Result<Self> {
        if self.needs_project {
            return Err(CommandError::new("you may not see it").hint("ask a cluster-admin for the rights in it"));
        }
        Ok(self)
    }
}

/// Whether a step replaces the emulator's pod.
fn starts_anew(step: &plan::Step) -> bool {
    let is_emulator = step.id == ObjectId::new(Kind::Deployment, render::names::EMULATOR);
    let changes_pod = || step.changes.iter().any(|path| path.starts_with("/spec/template"));
    is_emulator && (step.action == plan::Action::Replace || step.action == plan::Action::Update && changes_pod())
}

/// Fills in what only the live objects know: the uid of the namespace that owns the SCC, and the inventory's record of
/// earlier runs.
fn complete(set: &mut ManifestSet, environment: &Environment, live: &plan::LiveState) {
    let namespace = ObjectId::new(Kind::Namespace, environment.namespace.as_str());
    let owner = live.objects.get(&namespace).and_then(plan::uid);
    let inventory = live.objects.get(&ObjectId::new(Kind::ConfigMap, render::INVENTORY));
    for manifest in &mut set.manifests {
        match (manifest.id.kind, &owner, inventory) {
            (Kind::SecurityContextConstraints, Some(uid), _) => {
                apply::own_by_namespace(&mut manifest.object, environment.namespace.as_str(), uid);
            }
            (Kind::ConfigMap, _, Some(inventory)) if manifest.id.name == render::INVENTORY => {
                plan::keep_record(&mut manifest.object, inventory);
            }
            _ => {}
        }
    }
}

/// What the inventory says of this run.
fn run_record(context: &Context) -> String {
    format!("{} lsdeploy/{} {}", jiff::Timestamp::now(), env!("CARGO_PKG_VERSION"), context.run_id)
}

/// An SCC that the caller names must be there; one that the caller may not see is left to admission, and `wait` checks
/// which one the pod really got.
async fn check_existing_scc(cluster: &Cluster, environment: &Environment) -> Result<()> {
    let SccChoice::Existing(name) = &environment.scc else { return Ok(()) };
    match cluster.get(Kind::SecurityContextConstraints, "", name).await {
        Ok(None) => Err(CommandError::new(format!("--scc existing:{name}: the cluster has no SCC of that name"))
            .hint("`kubectl get scc` lists them; a cluster-admin makes new ones")),
        Ok(Some(_)) => Ok(()),
        Err(fault) if fault.code() == Some(403) => Ok(()),
        Err(fault) => Err(fault.explain(&format!("read the SCC {name}"))),
    }
}

fn refuse_conflicts(environment: &Environment, conflicts: &[plan::Conflict]) -> CommandError {
    let list: Vec<String> = conflicts.iter().map(|c| format!("{} (owned by {})", c.id, c.owner)).collect();
    CommandError::new(format!(
        "{NOTHING_WRITTEN}{} of the names that {} needs in {} {} taken: {}",
        conflicts.len(),
        environment.name,
        environment.namespace,
        if conflicts.len() == 1 { "is" } else { "are" },
        list.join(", ")
    ))
    .hint("remove or rename those objects, or use another environment name or --namespace")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::plan::{Action, Step};

    #[track_caller]
    fn assert_anew(kind: Kind, action: Action, change: &str, anew: bool) {
        let id = ObjectId::new(kind, render::names::EMULATOR);
        let step = Step { id, action, desired: Value::Null, changes: vec![change.to_owned()], uid: None };
        assert_eq!(starts_anew(&step), anew, "{step:?}");
    }

    #[test]
    fn another_pod_starts_the_emulator_anew() {
        assert_anew(Kind::Deployment, Action::Update, "/spec/template/spec/containers[\"emulator\"]/image", true);
        assert_anew(Kind::Deployment, Action::Replace, "/spec/selector", true);
        assert_anew(Kind::Deployment, Action::Update, "/metadata/labels/a", false);
        assert_anew(Kind::Deployment, Action::Unchanged, "", false);
        assert_anew(Kind::Service, Action::Update, "/spec/template", false);
    }
}
