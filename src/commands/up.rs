//! `up`: everything is looked at and checked for all environments before the first of them is written.

use futures::future::{join_all, try_join_all};

use super::reach::{self, Reach};
use super::serving::Serving;
use super::target::{self, Target};
use super::{Context, Outcome};
use crate::cli::{OutputFormat, UpArgs};
use crate::cluster::discover::{self, Facts};
use crate::cluster::preflight::{self, Granted};
use crate::cluster::{Cluster, apply, project};
use crate::environment::{self, EnvName, Environment, SccChoice};
use crate::error::{CommandError, Result};
use crate::events::{Events, Phases};
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
    environment: Environment,
    plan: Plan,
    live: plan::LiveState,
    needs_project: bool,
    events: Events,
    phases: Phases,
}

pub(super) async fn run(args: &UpArgs, context: Context, colour: bool) -> Result<Outcome> {
    let names = target::names(&args.envs.envs, args.envs.namespace.as_deref())?;
    let choices = target::choices(&args.choices)?;
    for name in &names {
        Environment::check(name, &choices, args.envs.namespace.as_deref())?;
    }
    reach::resolve(&args.reach, None)?;
    let cluster = context.connect().await?;
    let facts = discover::discover(&cluster).await?;
    let reach = reach::resolve(&args.reach, Some(&facts))?;
    let up = Up { args, context: &context, cluster: &cluster, facts: &facts, reach: &reach };
    let prepared = try_join_all(names.iter().map(|name| up.prepare(name, choices.clone()))).await?;
    let reports = join_all(prepared.into_iter().map(|one| up.carry_out(one))).await;
    Ok(outcome(&reports, context.output, colour))
}

/// The results of several environments as one.
pub(super) fn outcome(reports: &[EnvReport], output: OutputFormat, colour: bool) -> Outcome {
    let text = match output {
        OutputFormat::Json => report::json::environments(reports),
        OutputFormat::Text => reports.iter().map(report::text::environment).collect::<Vec<_>>().join("\n"),
    };
    Outcome {
        status: reports.iter().map(|report| report.status).max().unwrap_or(ExitStatus::Success),
        text,
        problems: reports.iter().map(|report| report::text::problem(report, colour)).collect(),
    }
}

impl Up<'_> {
    /// Reads, validates, renders, compares and asks for rights; writes nothing.
    async fn prepare(&self, name: &EnvName, choices: Choices) -> Result<Prepared> {
        let Self { args, context, cluster, facts, .. } = self;
        let events = context.events(name.as_str());
        let mut phases = Phases::default();
        let work = async {
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
                let granted = if needs_project { Granted::WithProject } else { Granted::Now };
                preflight::check(cluster, environment.namespace.as_str(), &plan, granted).await?;
            }
            if domain_is_unknown {
                return Err(environment::unknown_domain());
            }
            Ok((environment, plan, live, needs_project))
        };
        let (environment, plan, live, needs_project) = phases.run(&events, "preflight", work).await?;
        Ok(Prepared { environment, plan, live, needs_project, events, phases })
    }

    /// Applies, waits and checks. A failure is part of the report: the other environments go on.
    async fn carry_out(&self, prepared: Prepared) -> EnvReport {
        let Self { args, context, cluster, facts, reach } = self;
        let Prepared { environment, mut plan, live, needs_project, events, phases } = prepared;
        let mut report = EnvReport::of(&environment, &context.run_id);
        report.phases = phases;
        report.objects = plan.steps.iter().map(|step| (step.id.clone(), step.action.word())).collect();
        let work = async {
            if needs_project {
                request_project(cluster, &environment, &mut plan).await?;
            }
            apply::apply(cluster, environment.namespace.as_str(), &plan, &events).await
        };
        match report.phases.run(&events, "apply", work).await {
            Err(error) => report.fail(error),
            Ok(_) if args.no_wait => {}
            Ok(applied) => {
                let deployment = ObjectId::new(Kind::Deployment, render::names::EMULATOR);
                let stored = applied.stored.get(&deployment).or_else(|| live.objects.get(&deployment));
                let generation = stored.and_then(|object| object.pointer("/metadata/generation")?.as_i64());
                let serving =
                    Serving { cluster, facts, reach, environment: &environment, events: &events, writes: true };
                if serving.wait(generation, context.timeout, &mut report).await && !args.no_smoke {
                    serving.smoke(None, &context.run_id, &mut report).await;
                }
            }
        }
        report
    }
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
                plan::keep_record(&mut manifest.object, inventory)
            }
            _ => {}
        }
    }
}

/// Only the project's making gives the namespace the uid that owns the SCC.
async fn request_project(cluster: &Cluster, environment: &Environment, plan: &mut Plan) -> Result<()> {
    let namespace = environment.namespace.as_str();
    project::request(cluster, &environment.name, &environment.namespace).await?;
    let made = cluster.get(Kind::Namespace, "", namespace).await.ok().flatten();
    let Some(uid) = made.as_ref().and_then(plan::uid) else { return Ok(()) };
    for step in plan.steps.iter_mut().filter(|step| step.id.kind == Kind::SecurityContextConstraints) {
        apply::own_by_namespace(&mut step.desired, namespace, &uid);
    }
    Ok(())
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
        "nothing was written: {} of the names that {} needs in {} {} taken: {}",
        conflicts.len(),
        environment.name,
        environment.namespace,
        if conflicts.len() == 1 { "is" } else { "are" },
        list.join(", ")
    ))
    .hint("remove or rename those objects, or use another environment name or --namespace")
}
