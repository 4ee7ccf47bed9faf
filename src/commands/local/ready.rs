//! What `up`, `status` and `smoke` share once an environment is recorded: wait for it, name its endpoints, check them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::Context;
use super::super::reach::Reach;
use super::super::serving::Checks;
use crate::endpoints::{self, Endpoint, Scheme};
use crate::environment::local::local_host;
use crate::environment::{EDGE, EnvName, Environment};
use crate::error::{CommandError, Result};
use crate::events::{Events, What};
use crate::exit::ExitStatus;
use crate::local::life::Life;
use crate::local::state::{Home, Inventory};
use crate::local::watch;
use crate::report::{EnvReport, Machine};
use crate::smoke::Tenant;

/// What the local target does not have, said wherever an environment is shown.
const PLAIN: &str = "no SCC, no Routes: every user of this machine reaches the emulator";

/// The C library asks DNS for these names unless a module of it knows better; curl and browsers know them by themselves.
const UNKNOWN_NAMES: &str = "note: this machine's C library knows no *.localhost (libnss-myhostname adds it);";

/// An environment as it is recorded.
pub(super) struct Recorded {
    pub(super) home: Home,
    pub(super) inventory: Inventory,
    pub(super) environment: Environment,
}

impl Recorded {
    /// Reads it; it must be there.
    pub(super) fn find(home: Home) -> Result<Self> {
        let inventory = home.inventory()?.ok_or_else(|| {
            CommandError::new(format!("there is no environment {} on this machine", home.env))
                .hint(format!("`lsdeploy up --env {} --target local` makes it; `lsdeploy list --target local` shows those there are", home.env))
                .hint("environments of a cluster are found without `--target local`")
        })?;
        Self::of(home, inventory)
    }

    /// Validates what was read.
    pub(super) fn of(home: Home, inventory: Inventory) -> Result<Self> {
        let environment = Environment::local(&EnvName::parse(&home.env)?, inventory.choices.clone())?;
        Ok(Self { home, inventory, environment })
    }

    /// A report of it about which nothing is known yet.
    pub(super) fn report(&self, run_id: &str, action: &'static str) -> EnvReport {
        let local = self.environment.profile.local.as_ref();
        let version = local.map_or_else(String::new, |local| format!(" {}", local.version));
        let url = self.inventory.emulator_url.as_ref();
        let ours = format!("{}{version}", self.environment.profile.name);
        EnvReport {
            namespace: None,
            image: None,
            machine: Some(Machine {
                emulator: url.map_or(ours, |url| format!("{url}, which is not ours")),
                action,
                port: self.inventory.port,
                supervisor: None,
                process: None,
                restarts: 0,
                log: url.is_none().then(|| self.home.emulator_log()),
            }),
            access: None,
            notes: vec![PLAIN.to_owned()],
            ..EnvReport::of(&self.environment, run_id)
        }
    }

    /// The URL of each service, as a cluster's Routes would have it.
    pub(super) fn endpoints(&self) -> Vec<Endpoint> {
        let name = &self.environment.name;
        let host = |route: String| (route.clone(), format!("{}:{}", local_host(name, &route), self.inventory.port));
        let hosts: BTreeMap<String, String> = self.environment.routes().into_iter().map(host).collect();
        endpoints::endpoints(&self.environment, &hosts, Scheme::Http)
    }

    /// The same for clients of this machine: where its C library does not know names below `localhost`, `localhost`
    /// itself, which reaches the gateway for every service, and the advice to do so.
    pub(super) async fn client_endpoints(&self) -> (Vec<Endpoint>, Option<String>) {
        if resolves(&local_host(&self.environment.name, EDGE)).await {
            return (self.endpoints(), None);
        }
        let url = format!("http://localhost:{}", self.inventory.port);
        let plain = |endpoint: Endpoint| Endpoint { url: url.clone(), ..endpoint };
        // Lines of at most 80 columns; the first is the same for all environments.
        let advice = format!("{UNKNOWN_NAMES}\n      {url} always works for {}", self.home.env);
        (self.endpoints().into_iter().map(plain).collect(), Some(advice))
    }

    /// Waits until it serves; `false` where it does not, and the report then says why.
    pub(super) async fn wait(&self, patience: Duration, events: &Events, report: &mut EnvReport) -> bool {
        let work = watch::until_ready(&self.home, patience);
        match report.phases.run(events, "wait", work).await {
            Err(error) => report.lose_sight(error),
            Ok(Err(stuck)) => {
                report.stuck = Some(stuck);
                report.status = report.status.max(ExitStatus::Failure);
            }
            Ok(Ok(life)) => {
                fill(report, &life);
                report.endpoints = self.endpoints();
                if let (_, Some(advice)) = self.client_endpoints().await {
                    events.send(What::Advice(advice));
                }
                return true;
            }
        }
        if let Ok(Some(life)) = self.home.life() {
            fill(report, &life);
        }
        false
    }

    /// Checks the services (all that have a check, or the named ones) through the router.
    pub(super) async fn smoke(
        &self,
        services: Option<&[String]>,
        context: &Context,
        events: &Events,
        report: &mut EnvReport,
    ) {
        let reach = Reach::default();
        let checks = Checks { reach: &reach, environment: &self.environment, events, admitted: false };
        checks.run(services, context, report).await;
    }

    /// The environment as one of several that are compared or cleaned.
    pub(super) fn tenant(
        &self,
        services: Option<&[String]>,
        context: &Context,
        events: &Events,
        report: &EnvReport,
    ) -> Tenant {
        let reach = Reach::default();
        let checks = Checks { reach: &reach, environment: &self.environment, events, admitted: false };
        checks.tenant(services, context, report)
    }
}

fn fill(report: &mut EnvReport, life: &Life) {
    let Some(machine) = &mut report.machine else { return };
    machine.supervisor = Some(life.supervisor.pid);
    machine.process = life.emulator.as_ref().map(|process| process.pid);
    machine.restarts = life.restarts;
    if let Some(end) = life.last_end.as_ref().filter(|_| life.restarts > 0) {
        report.notes.push(format!("the emulator was started again, and lost what it held: it ended with {end}"));
    }
}

/// Whether programs that ask this machine's C library find a name.
async fn resolves(host: &str) -> bool {
    let found = tokio::time::timeout(Duration::from_secs(2), tokio::net::lookup_host((host, 80))).await;
    found.is_ok_and(|found| found.is_ok_and(|mut addresses| addresses.all(|address| address.ip().is_loopback())))
}
