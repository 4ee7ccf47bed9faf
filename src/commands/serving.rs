//! What `up`, `status` and `smoke` share once an environment is applied: wait for it, name its endpoints, check them.

use std::time::Duration;

use super::reach::{self, Reach};
use super::{Context, dns_debug};
use crate::cluster::Cluster;
use crate::cluster::discover::Facts;
use crate::cluster::wait::{self, Expectation, ExpectedScc, Milestone, Notice, Ready};
use crate::endpoints;
use crate::environment::{EDGE, Environment, SccChoice};
use crate::error::CommandError;
use crate::events::{Events, What};
use crate::exit::ExitStatus;
use crate::finding::Finding;
use crate::hint::Way;
use crate::render::names;
use crate::report::EnvReport;
use crate::smoke::{self, Limit, Options, Target, Tenant};

/// An applied environment, and the way to it.
pub(super) struct Serving<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) facts: &'a Facts,
    pub(super) reach: &'a Reach,
    pub(super) environment: &'a Environment,
    pub(super) events: &'a Events,
    /// The command may write to the cluster.
    pub(super) writes: bool,
}

impl Serving<'_> {
    /// Waits until the environment serves and fills in SCC, digest and endpoints. `false` where it does not serve; the
    /// report then says why.
    pub(super) async fn wait(
        &self,
        generation: Option<i64>,
        context: &Context,
        timeout: Duration,
        report: &mut EnvReport,
    ) -> bool {
        let way = context.way(self.environment.name.as_str());
        let expect = self.expectation(generation);
        let (events, tells) = (self.events.clone(), self.writes);
        let mut notify = move |notice: Notice| match notice {
            // A command that only looks tells the result, not the way to it.
            Notice::Reached(_) if !tells => {}
            Notice::Reached(Milestone::RoutesAdmitted { admitted, total }) if admitted < total => {
                events.send(What::Waiting(format!("Routes: {admitted} of {total} are admitted")));
            }
            Notice::Reached(milestone) => events.send(What::Note(reached(milestone))),
            Notice::Waiting(text) => events.send(What::Waiting(text)),
            Notice::Stuck(finding) => events.send(What::Obstacle(finding)),
        };
        let work = wait::until_ready(self.cluster.client(), &expect, timeout, &mut notify);
        match report.phases.run(self.events, "wait", work).await {
            Err(error) => {
                let look = format!("`lsdeploy status --env {}` shows how far it is", self.environment.name);
                report.lose_sight(error.explain().hint(format!("what was applied stays; {}", way.pasteable(&look))));
                false
            }
            Ok(Err(stuck)) => {
                let finding = Finding { hint: way.pasteable(&stuck.finding.hint), ..stuck.finding };
                report.stuck = Some((finding, stuck.evidence));
                report.status = report.status.max(ExitStatus::Failure);
                false
            }
            Ok(Ok(ready)) => {
                self.name_endpoints(ready, report).await;
                report.stuck = self.environment.image.digest().and_then(|pin| other_digest(pin, report));
                if report.stuck.is_some() {
                    report.status = report.status.max(ExitStatus::Failure);
                }
                report.stuck.is_none()
            }
        }
    }

    /// Checks the services (all that have a check, or the named ones) through their endpoints.
    pub(super) async fn smoke(&self, services: Option<&[String]>, context: &Context, report: &mut EnvReport) {
        self.checks().run(services, context, report).await;
    }

    /// The environment as it is checked.
    pub(super) fn checks(&self) -> Checks<'_> {
        let Self { reach, environment, events, .. } = *self;
        Checks { reach, environment, events, admitted: true }
    }

    fn expectation(&self, generation: Option<i64>) -> Expectation {
        let environment = self.environment;
        Expectation {
            namespace: environment.namespace.to_string(),
            deployment: names::EMULATOR.to_owned(),
            generation,
            service: names::EMULATOR.to_owned(),
            claim: environment.persistence.is_some().then(|| names::CLAIM.to_owned()),
            routes: environment.routes(),
            scc: match &environment.scc {
                _ if !self.facts.has_sccs => ExpectedScc::Absent,
                SccChoice::Custom => ExpectedScc::Named(environment.name.scc()),
                SccChoice::Existing(name) => ExpectedScc::Named(name.clone()),
                SccChoice::None => ExpectedScc::Any,
            },
            wake: self.writes,
            env: environment.name.to_string(),
        }
    }

    async fn name_endpoints(&self, ready: Ready, report: &mut EnvReport) {
        let sample = reach::sample_route(self.environment);
        let host = ready.hosts.get(&sample).cloned().unwrap_or_else(|| self.environment.host(&sample));
        let (scheme, note) = reach::scheme(self.environment, &host, self.reach).await;
        report.notes.extend(note);
        report.endpoints = endpoints::endpoints(self.environment, &ready.hosts, scheme);
        report.scc = ready.scc;
        report.digest = ready.digest;
    }
}

/// An environment that serves, wherever it is, and the way to it.
pub(super) struct Checks<'a> {
    pub(super) reach: &'a Reach,
    pub(super) environment: &'a Environment,
    pub(super) events: &'a Events,
    /// A cluster says that every Route is admitted.
    pub(super) admitted: bool,
}

impl Checks<'_> {
    /// Checks the services (all that have a check, or the named ones) through their endpoints.
    pub(super) async fn run(&self, services: Option<&[String]>, context: &Context, report: &mut EnvReport) {
        let targets = targets(services, report);
        let options = self.options(context, report);
        if let Some(note) = smoke::proxy_note(&targets, &options) {
            self.events.send(What::Note(note.clone()));
            report.notes.push(note);
        }
        let events = self.events.clone();
        let work = smoke::run(&targets, &options, move |result, tally| events.checked(result, tally));
        match report.phases.run(self.events, "smoke", work).await {
            Ok(mut results) => {
                if self.admitted {
                    let domain = Some(self.environment.apps_domain.as_str());
                    dns_debug::explain_unresolved(&mut results, &context.run_id, domain).await;
                }
                if results.iter().any(|result| result.status == smoke::Status::Failed) {
                    report.status = report.status.max(ExitStatus::Failure);
                    report.notes.extend(shut_out(self.environment));
                }
                report.smoke = Some(results);
            }
            Err(error) => report.lose_sight(CommandError::new(format!("cannot check the endpoints: {error}"))),
        }
    }

    /// The environment as one of several that are compared or cleaned.
    pub(super) fn tenant(&self, services: Option<&[String]>, context: &Context, report: &EnvReport) -> Tenant {
        let (targets, options) = (targets(services, report), self.options(context, report));
        if let Some(note) = smoke::proxy_note(&targets, &options) {
            self.events.send(What::Note(note));
        }
        Tenant { name: report.env.clone(), targets, options }
    }

    /// The options of a smoke run, once the environment serves.
    fn options(&self, context: &Context, report: &EnvReport) -> Options {
        let environment = self.environment;
        let limits = environment.profile.lacks.iter().map(|lack| Limit {
            service: lack.service.clone(),
            operation: lack.operation.clone(),
            reason: lack.reason.clone(),
        });
        let (account, region) = (environment.account.clone(), environment.region.clone());
        Options {
            edge: endpoints::edge(&report.endpoints).map(|edge| edge.url.clone()),
            admitted: self.admitted,
            way: context.way(environment.name.as_str()),
            env: self.admitted.then(|| environment.name.to_string()),
            ..smoke_options(self.reach, account, region, limits.collect(), context)
        }
    }
}

/// The endpoints that have a check: all, or those of the named services.
fn targets(services: Option<&[String]>, report: &EnvReport) -> Vec<Target> {
    let chosen = |service: &str| services.is_none_or(|names| names.iter().any(|name| name == service));
    let all =
        report.endpoints.iter().filter(|endpoint| endpoint.service != EDGE && smoke::has_check(&endpoint.service));
    all.filter(|endpoint| chosen(&endpoint.service))
        .map(|endpoint| Target { service: endpoint.service.clone(), url: endpoint.url.clone() })
        .collect()
}

/// The options of a smoke run.
pub(super) fn smoke_options(
    reach: &Reach,
    account: Option<String>,
    region: String,
    limits: Vec<Limit>,
    context: &Context,
) -> Options {
    Options {
        router: reach.router.clone(),
        ca_pem: reach.ca_pem.clone().map(String::into_bytes),
        account,
        region,
        deadlines: smoke::Deadlines { whole: context.timeout, ..smoke::Deadlines::default() },
        run_id: context.run_id.clone(),
        limits,
        // The first call of a service loads it, and all share one core: more at once bring each nearer to the 30 s after
        // which the router gives up, and make the whole run hardly shorter.
        concurrency: 4,
        companions: smoke::Companions::Targets,
        edge: None,
        admitted: false,
        env: None,
        proxies: reach.proxies.clone(),
        stop: context.stop.clone(),
        way: Way::default(),
    }
}

/// The router hangs up on whoever is not in its list.
fn shut_out(environment: &Environment) -> Option<String> {
    let ranges = environment.allow_from.join(", ");
    (!ranges.is_empty()).then(|| format!("the Routes let in only {ranges}: from anywhere else the router hangs up"))
}

/// What runs must be what the image is pinned to, whoever tagged, mirrored or loaded it.
fn other_digest(pin: &str, report: &EnvReport) -> Option<(Finding, Vec<String>)> {
    let runs = report.digest.as_deref().filter(|runs| *runs != pin)?;
    let image = report.image.as_deref().unwrap_or_default();
    let finding = Finding {
        code: "digest-differs",
        message: format!("the image is pinned to {pin}, and the node says that it runs {runs}"),
        hint: format!(
            "do not use it before you know why; a node may know one image by several digests (`kubectl get nodes -o json` lists \
             them under .status.images), and a pin may be a list of images (`skopeo inspect --raw docker://{image}`): then pin \
             the digest that it says"
        ),
    };
    Some((finding, vec![format!("imageID ends in {runs}")]))
}

fn reached(milestone: Milestone) -> String {
    match milestone {
        Milestone::SccChosen => "the pod was let in by its SCC".to_owned(),
        Milestone::EmulatorReady => "the emulator is ready".to_owned(),
        Milestone::RolledOut => "the rollout is complete".to_owned(),
        Milestone::Endpoints => "the Service has its pod".to_owned(),
        Milestone::RoutesAdmitted { admitted, total } => format!("{admitted} of {total} Routes are admitted"),
    }
}
