//! `up`: everything is looked at and checked for all environments before the first of them is written.

mod conclude;
mod locking;

use std::mem::take;

use futures::future::{join_all, try_join_all};
use serde_json::Value;

use super::draft::{self, Draft, Wanted};
use super::reach::{self, Reach};
use super::serving::Serving;
use super::ways_out::with_ways_out;
use super::{Context, Outcome, target, token};
use crate::cli::{OutputFormat, UpArgs};
use crate::cluster::apply::{self, Applied};
use crate::cluster::discover::{self, Facts};
use crate::cluster::lock::Lock;
use crate::cluster::preflight::{self, Granted, NOTHING_WRITTEN};
use crate::cluster::{Cluster, grant, project};
use crate::environment::token::Token;
use crate::environment::{self, EnvName, Environment};
use crate::error::{CommandError, Result};
use crate::events::{Events, Phases, What};
use crate::exit::ExitStatus;
use crate::manifest::{Kind, ObjectId};
use crate::plan;
use crate::plan::record::{self, RECORDED, Run, STARTED};
use crate::render;
use crate::report::{self, EnvReport, life};
use crate::rights::Preflight;
use crate::settings::Choices;

/// What all environments of one run share.
struct Up<'a> {
    args: &'a UpArgs,
    context: &'a Context,
    cluster: &'a Cluster,
    facts: &'a Facts,
    reach: &'a Reach,
    adopted: Vec<ObjectId>,
    token: Option<Token>,
}

/// An environment that may be applied: nothing was written yet.
struct Prepared {
    draft: Draft,
    choices: Choices,
    events: Events,
    phases: Phases,
}

pub(super) async fn run(args: &UpArgs, context: Context, colour: bool) -> Result<Outcome> {
    super::local::refuse_on_a_cluster(&args.local)?;
    let names = target::names(&args.envs.envs, args.envs.namespace.as_deref())?;
    let choices = target::choices(&args.choices)?;
    let adopted = draft::adopted(&args.adopt)?;
    for name in &names {
        Environment::check(name, &choices, args.envs.namespace.as_deref())?;
    }
    reach::resolve(&args.reach, None, &context.proxies)?;
    let token = token::read(args.choices.auth_token_from.as_deref())?;
    let cluster = context.connect().await?;
    let facts = discover::discover(&cluster).await?;
    let reach = reach::resolve(&args.reach, Some(&facts), &context.proxies)?;
    let up = Up { args, context: &context, cluster: &cluster, facts: &facts, reach: &reach, adopted, token };
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
        dns: None,
    }
}

impl Up<'_> {
    /// Looks at everything and checks it; writes nothing.
    async fn prepare(&self, name: &EnvName, choices: Choices) -> Result<Prepared> {
        let events = self.context.events(name.as_str());
        let mut phases = Phases::default();
        let draft = phases.run(&events, "preflight", self.draft(name, choices.clone())).await?;
        if let Some(asked) = &draft.preflight {
            events.send(What::Note(report::preflight::target(asked)));
        }
        Ok(Prepared { draft, choices, events, phases })
    }

    /// What is to be done, and whether the caller may do it.
    async fn draft(&self, name: &EnvName, choices: Choices) -> Result<Draft> {
        let Self { args, context, cluster, facts, .. } = self;
        let (namespace, token) = (args.envs.namespace.as_deref(), self.token.as_ref());
        let wanted = Wanted { name, namespace, choices, adopted: &self.adopted, token };
        let mut draft = Box::pin(draft::draft(cluster, facts, wanted)).await?;
        // Another time to live is a change by itself.
        if !draft.plan.is_empty() || args.choices.ttl.is_some() {
            let now = jiff::Timestamp::now();
            let expires = draft.environment.ttl.and_then(|ttl| now.checked_add(ttl).ok()).map(rfc3339);
            let result = if locking::only_records(&draft.plan) { RECORDED } else { STARTED };
            let run = Run { result: result.to_owned(), ..run_record(context, facts, &draft.environment, now) };
            draft.notes.extend(expires.as_deref().map(|at| life::until(at, now)));
            record::stamp(&mut draft.plan, &run, expires);
        }
        if !draft.plan.is_empty() {
            draft.preflight = Some(self.preflight(&draft).await?);
        }
        draft.notes.extend(grant::mended(&draft.plan));
        // A Route tells the domain: one of the project, once there is one, or on an old server, where nothing can be tried, the
        // first of the environment.
        if draft.domain_is_unknown && !draft.needs_project && facts.level.obeys_dry_run() {
            return Err(environment::unknown_domain());
        }
        Ok(draft)
    }

    /// Whether the caller may do what the plan needs; who wants to see everything sees what was asked.
    async fn preflight(&self, draft: &Draft) -> Result<Preflight> {
        let Draft { environment, plan, .. } = draft;
        let granted = if draft.needs_project { Granted::WithProject } else { Granted::Now };
        let asked = preflight::ask(self.cluster, self.facts, &environment.namespace, plan, granted).await?;
        if asked.missing().is_empty() {
            let events = self.context.events(environment.name.as_str());
            for line in report::preflight::lines(&asked) {
                events.send(What::Detail(line));
            }
            return Ok(asked);
        }
        Err(with_ways_out(preflight::refusal(asked), self.context, environment))
    }

    /// Applies, waits and checks. A failure is part of the report: the other environments go on.
    async fn carry_out(&self, prepared: Prepared) -> EnvReport {
        let Prepared { draft, choices, events, phases } = prepared;
        let mut report = EnvReport::of(&draft.environment, &self.context.run_id);
        report.phases = phases;
        if let Err(error) = Box::pin(self.take_place(draft, choices, &events, &mut report)).await {
            report.fail(error.pasteable(&self.context.way(&report.env)));
        }
        report
    }

    /// Makes the place where it is missing, takes the lock and does the work there.
    async fn take_place(
        &self,
        mut draft: Draft,
        choices: Choices,
        events: &Events,
        report: &mut EnvReport,
    ) -> Result<()> {
        let needs_project = draft.needs_project;
        let mut made = Vec::new();
        if needs_project || draft.domain_is_unknown {
            let what = if needs_project { "project" } else { "domain" };
            let founded = Box::pin(self.found(draft, choices.clone(), events));
            (draft, made) = report.phases.run(events, what, founded).await?;
        }
        if needs_project {
            report.objects.push((ObjectId::new(Kind::Namespace, draft.environment.namespace.as_str()), "create"));
        }
        let held = self.hold(&mut draft, choices, usize::from(needs_project) + made.len(), events).await;
        // What another run chose meanwhile counts.
        *report = EnvReport {
            phases: take(&mut report.phases),
            objects: take(&mut report.objects),
            ..EnvReport::of(&draft.environment, &self.context.run_id)
        };
        report.reached_by(self.reach.router.as_deref());
        report.preflight = draft.preflight.take();
        report.notes.append(&mut draft.notes);
        let (lock, before) = held?;
        let done = |step: &plan::Step| if made.contains(&step.id) { "create" } else { step.action.word() };
        report.objects.extend(draft.plan.steps.iter().map(|step| (step.id.clone(), done(step))));
        let recorded = self.work(&draft, (lock.as_ref(), before), events, report).await;
        // The record needs no lock: it is bound to the version that it was read in.
        tokio::join!(self.conclude(&draft.plan, recorded, report, events), locking::release(lock));
        Ok(())
    }

    /// Writes under the lock, waits and checks. Returns the inventory as this run wrote it.
    async fn work(
        &self,
        draft: &Draft,
        (lock, before): (Option<&Lock>, Applied),
        events: &Events,
        report: &mut EnvReport,
    ) -> Option<Value> {
        let Self { args, context, cluster, facts, reach, .. } = self;
        let Draft { environment, plan, live, .. } = draft;
        if environment.persistence.is_none() && target::serves(live) && plan.steps.iter().any(starts_anew) {
            let emulator = format!("the emulator of {}", environment.name);
            let lost = format!("note: {emulator} starts anew because its pod changes: what was in it is gone");
            events.send(What::Note(lost));
        }
        let work = apply::apply(cluster, environment.namespace.as_str(), plan, before, events);
        let applied = report.phases.run(events, "apply", locking::guard(lock, work)).await;
        let mut applied = match applied {
            Ok(applied) => applied,
            Err(error) => {
                report.fail(error.pasteable(&context.way(&report.env)));
                return None;
            }
        };
        let deployment = ObjectId::new(Kind::Deployment, render::names::EMULATOR);
        let stored = applied.stored.get(&deployment).or_else(|| live.objects.get(&deployment));
        let generation = stored.and_then(|object| object.pointer("/metadata/generation")?.as_i64());
        let serving = Serving { cluster, facts, reach, environment, events, writes: true };
        let is_ready = !args.no_wait && serving.wait(generation, context, context.timeout, report).await;
        if is_ready && !args.no_smoke {
            serving.smoke(None, context, report).await;
        }
        applied.stored.remove(&ObjectId::new(Kind::ConfigMap, render::INVENTORY))
    }

    /// Makes what shows the rest, and looks at everything anew: the project, for the rights in it, its uid and the domain of
    /// its Routes; a Route, where only a generated host tells the domain. Returns the objects that it made besides.
    async fn found(&self, draft: Draft, choices: Choices, events: &Events) -> Result<(Draft, Vec<ObjectId>)> {
        let before = usize::from(draft.needs_project);
        let draft =
            if draft.needs_project { self.request(&draft.environment, choices.clone(), events).await? } else { draft };
        if !draft.domain_is_unknown {
            return Ok((draft, Vec::new()));
        }
        let Environment { name, namespace, .. } = &draft.environment;
        let first = first_route(&draft.plan);
        let made = first.steps.iter().filter(|step| step.action == plan::Action::Create);
        let made = made.map(|step| step.id.clone()).collect();
        let before_it = Applied { writes: before, ..Applied::default() };
        let written = apply::apply(self.cluster, namespace.as_str(), &first, before_it, events).await?;
        let seen = match self.draft(name, choices).await {
            Ok(seen) if seen.domain_is_unknown => Err(environment::unknown_domain()),
            seen => seen,
        };
        Ok((seen.map_err(|error| apply::interrupted(error, written.writes))?, made))
    }

    /// Requests the environment's project.
    async fn request(&self, environment: &Environment, choices: Choices, events: &Events) -> Result<Draft> {
        let Environment { name, namespace, .. } = environment;
        project::request(self.cluster, name, namespace).await?;
        events.send(What::Object(ObjectId::new(Kind::Namespace, namespace.as_str()), "create", Vec::new()));
        let draft = self.draft(name, choices).await;
        draft.and_then(founded).map_err(|error| {
            let why = error.message.strip_prefix(NOTHING_WRITTEN).unwrap_or(&error.message);
            let message = format!("the project {namespace} was made, and nothing in it: {why}");
            CommandError { message, ..error }
                .hint(format!("then run this again, or remove the project: `lsdeploy down --env {name}`"))
        })
    }
}

/// The part of a plan that ends with its first Route, which needs nothing but the namespace.
fn first_route(plan: &plan::Plan) -> plan::Plan {
    let is_new = |step: &&plan::Step| step.id.kind == Kind::Route && step.action == plan::Action::Create;
    let namespace = plan.steps.iter().filter(|step| step.id.kind == Kind::Namespace);
    let steps = namespace.chain(plan.steps.iter().find(is_new)).cloned().collect();
    plan::Plan { steps, writing: plan.writing }
}

/// Whether a step replaces the emulator's pod.
fn starts_anew(step: &plan::Step) -> bool {
    let is_emulator = step.id == ObjectId::new(Kind::Deployment, render::names::EMULATOR);
    let changes_pod = || step.changes.iter().any(|path| path.starts_with("/spec/template"));
    is_emulator && (step.action.is_anew() || step.action == plan::Action::Update && changes_pod())
}

/// To the second.
fn rfc3339(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What the inventory says of this run.
fn run_record(context: &Context, facts: &Facts, environment: &Environment, now: jiff::Timestamp) -> Run {
    Run {
        run: context.run_id.clone(),
        at: rfc3339(now),
        command: "up".to_owned(),
        user: facts.user.clone().unwrap_or_else(|| "unknown".to_owned()),
        host: context.host.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        image: environment.image.as_str().to_owned(),
        digest: None,
        objects: 0,
        result: String::new(),
    }
}

/// The same, if its project is in sight.
fn founded(draft: Draft) -> Result<Draft> {
    if draft.needs_project {
        return Err(CommandError::new("you may not see it").hint("ask a cluster-admin for the rights in it"));
    }
    Ok(draft)
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
