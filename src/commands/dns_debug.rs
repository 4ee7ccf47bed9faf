//! `dns-debug`: which hop of a name's path is wrong, seen from every vantage.

mod names;
mod places;
mod saved;
mod scope;
mod sessions;
mod short;

use std::net::IpAddr;

use self::names::Name;
use self::places::Vantage;
use self::scope::{Api, Env};
use self::sessions::{Wanted, Ways};
use super::{Context, Outcome};
use crate::cli::{DnsArgs, OutputFormat};
use crate::cluster::dns as objects;
use crate::dns::chain::given::Given;
use crate::dns::chain::{Chain, Target};
use crate::dns::classify::{Verdict, classify, verdict};
use crate::dns::evidence::Evidence;
use crate::dns::modes::mode;
use crate::dns::observation::Observation;
use crate::dns::rounds;
use crate::dns::walk::{Depth, Progress, Walk};
use crate::error::{CommandError, Result};
use crate::events::{Events, What};
use crate::exit::ExitStatus;
use crate::report::dns::Show;
use crate::report::{self, DnsRun};

pub(super) use short::explain_unresolved;

pub(super) async fn run(args: &DnsArgs, context: Context, colour: bool) -> Result<Outcome> {
    let as_json = context.output == OutputFormat::Json;
    if args.list_codes {
        return Ok(Outcome::success(report::dns::codes(as_json)));
    }
    if let Some(code) = &args.explain {
        return report::dns::explain(code, as_json).map(Outcome::success);
    }
    let run = match &args.from {
        Some(file) => {
            let evidence = saved::run(file)?;
            DnsRun { findings: classify(&evidence), evidence, is_saved: true }
        }
        None => in_time(live(args, &context), &context).await?,
    };
    Ok(conclude(run, &context, colour))
}

async fn in_time<T>(work: impl Future<Output = Result<T>>, context: &Context) -> Result<T> {
    tokio::time::timeout(context.timeout, work).await.unwrap_or_else(|_| {
        let limit = context.timeout.as_secs();
        Err(CommandError::new(format!("dns-debug did not end within {limit} s"))
            .hint("give it more time with --timeout, or look from fewer places with --vantage"))
    })
}

fn conclude(run: DnsRun, context: &Context, colour: bool) -> Outcome {
    let status = match verdict(&run.findings) {
        Verdict::Ok => ExitStatus::Success,
        Verdict::Broken => ExitStatus::Failure,
    };
    let DnsRun { evidence, findings, .. } = &run;
    let text = match context.output {
        OutputFormat::Json => report::dns::json(evidence, findings),
        OutputFormat::Text => report::dns::text(evidence, findings, Show { colour, all: context.verbose }),
    };
    Outcome { status, dns: Some(run), ..Outcome::success(text) }
}

/// Looks from everywhere that is wanted, and judges.
async fn live(args: &DnsArgs, context: &Context) -> Result<DnsRun> {
    let names = names::read(&args.names, &args.external)?;
    let given = args.chain.as_deref().map(saved::chain).transpose()?;
    let mut wanted = wanted(args, given.as_ref())?;
    let events = context.events("dns-debug");
    tell_notes(&names, &events);
    events.send(What::Waiting("asking the cluster what it says of its DNS".to_owned()));
    let api = Api::look(context).await;
    let mut evidence = begin(&api, args, context)?;
    let env = match (&args.env, api.cluster()) {
        (Some(env), Some(cluster)) => Some(scope::environment(cluster, env, args.namespace.as_deref()).await?),
        _ => None,
    };
    if args.vantages.is_empty() && given.is_none() {
        wanted.extend(pod_of(env.as_ref(), &mut evidence));
    }
    let ways = Ways {
        cluster: api.cluster(),
        probe: args.probe.as_deref(),
        image: args.probe_image.as_deref(),
        run_id: &context.run_id,
    };
    let subject = Subject { wanted: &wanted, env: env.as_ref(), names, given: given.as_ref(), api: &api };
    let (begun, looked) = tokio::join!(sessions::begin(&wanted, &ways), subject.look(evidence));
    let (sessions, unseen) = begun?;
    let walk = Walk::new(sessions);
    let mut evidence = match looked {
        Ok(evidence) => evidence,
        Err(error) => {
            walk.close().await;
            return Err(error);
        }
    };
    evidence.chain.unseen.extend(unseen);
    Ok(go(walk, evidence, given.map(|given| given.chain), &events).await)
}

/// The places that are to be looked from, as far as the command line and the chain say.
fn wanted(args: &DnsArgs, given: Option<&Given>) -> Result<Vec<Wanted>> {
    let insist = |vantage: Vantage| Wanted { vantage, place: None, insisted: true };
    if !args.vantages.is_empty() {
        return Ok(places::read(&args.vantages)?.into_iter().map(insist).collect());
    }
    let Some(given) = given else { return Ok(vec![insist(Vantage::Workstation)]) };
    let written = given.vantages.iter().map(|(place, words)| {
        let vantage = places::parse(words)?;
        Ok(Wanted { vantage, place: Some(place.clone()), insisted: true })
    });
    written.collect()
}

/// The environment's pod, from which nobody insisted to look.
fn pod_of(env: Option<&Env>, evidence: &mut Evidence) -> Option<Wanted> {
    let env = env?;
    let Some(pod) = env.pod.clone() else {
        evidence.chain.unseen.push(format!("the environment has no pod in {} to look from", env.namespace));
        return None;
    };
    Some(Wanted { vantage: Vantage::Pod(pod), place: None, insisted: false })
}

fn tell_notes(names: &[Name], events: &Events) {
    for note in names.iter().filter_map(|name| name.note.clone()) {
        events.send(What::Note(note));
    }
}

/// Evidence of nothing yet, but for whether there is a cluster.
fn begin(api: &Api, args: &DnsArgs, context: &Context) -> Result<Evidence> {
    let mut evidence = Evidence {
        label: format!("lsdeploy-{}", context.run_id),
        timeout_ms: rounds::TIMEOUT_MS,
        ..Evidence::default()
    };
    match api {
        Api::Answers(_) => {}
        Api::Silent { cluster, why } => {
            evidence.chain.unseen.push(format!("the cluster's API ({}) does not answer: {why}", cluster.server));
        }
        Api::None(error) => {
            let needs = args.env.is_some() || context.client.kubeconfig.is_some() || context.client.context.is_some();
            if needs {
                return Err(error.clone());
            }
            evidence.chain.unseen.push(format!("no cluster was asked: {}", error.message));
        }
    }
    Ok(evidence)
}

/// What a run is about.
struct Subject<'a> {
    wanted: &'a [Wanted],
    env: Option<&'a Env>,
    names: Vec<Name>,
    given: Option<&'a Given>,
    api: &'a Api,
}

impl Subject<'_> {
    /// Asks the API, and fills in what the names are.
    async fn look(self, mut evidence: Evidence) -> Result<Evidence> {
        let (pods, nodes) = (places::pods(self.wanted), places::nodes(self.wanted));
        let around = scope::around(pods, nodes, self.env);
        let mut seen: Vec<Observation> = match self.api.cluster() {
            Some(cluster) => objects::survey(cluster, &around).await,
            None => Vec::new(),
        };
        let facts = match self.given {
            Some(given) => given.chain.clone(),
            None => scope::facts(&seen),
        };
        let targets = self.targets(&facts, &evidence.label, !seen.is_empty())?;
        if let Some(cluster) = self.api.cluster() {
            let names: Vec<String> = targets.iter().map(|target| target.name.clone()).collect();
            objects::look_behind(cluster, &around, &names, &mut seen).await;
        }
        (evidence.observations, evidence.targets) = (seen, targets);
        Ok(evidence)
    }

    /// The names given; else those of the chain file; else what everybody wants to know.
    fn targets(&self, facts: &Chain, label: &str, has_cluster: bool) -> Result<Vec<Target>> {
        let host = self.api.host();
        let target = |name: &Name| names::target(name, facts, host.as_deref());
        let written = self.given.map(|given| given.targets.clone()).unwrap_or_default();
        let usual = || scope::usual_names(facts, label, self.env, has_cluster, host.as_deref());
        let targets: Vec<Target> = match (self.names.is_empty(), written.is_empty()) {
            (false, _) => self.names.iter().map(target).collect(),
            (true, false) => written,
            (true, true) => usual().iter().map(target).collect(),
        };
        if targets.is_empty() {
            return Err(CommandError::new("there is no name to look into: no cluster is known that would have some")
                .hint("name it: `lsdeploy dns-debug NAME`"));
        }
        Ok(targets)
    }
}

/// The rounds.
async fn go(mut walk: Walk, mut evidence: Evidence, given: Option<Chain>, events: &Events) -> DnsRun {
    events.send(What::Waiting("reading files and processes at each place".to_owned()));
    walk.survey(&mut evidence).await;
    scope::name_nodes(&mut evidence);
    Walk::discover(&mut evidence, given);
    tell(&Progress::Found(&evidence.chain), events);
    let findings = walk.ask(&mut evidence, Depth::Full, &mut |progress| tell(&progress, events)).await;
    walk.close().await;
    DnsRun { evidence, findings, is_saved: false }
}

/// The chain in one line: it is shown before anything is said of it.
fn path(chain: &Chain) -> String {
    let hop = |id: &str, address: Option<IpAddr>| match address {
        Some(address) => format!("{id} ({address})"),
        None => id.to_owned(),
    };
    let hops: Vec<String> =
        chain.hops.iter().map(|one| hop(&one.id, one.address.map(|address| address.ip()))).collect();
    format!("the path has {} hops: {}", hops.len(), hops.join(", "))
}

fn tell(progress: &Progress<'_>, events: &Events) {
    match progress {
        Progress::Found(chain) => events.send(What::Note(path(chain))),
        Progress::First { questions } => {
            events.send(What::Waiting(format!("asking every hop: {questions} questions at once")));
        }
        Progress::Second { questions, suspects } => {
            let named = suspects
                .iter()
                .map(|code| mode(code).map_or_else(|| code.clone(), |mode| format!("{} {code}", mode.id)));
            let suspects: Vec<String> = named.collect();
            let because = match suspects.as_slice() {
                [] => "to tell causes apart".to_owned(),
                some => format!("because of {}", some.join(", ")),
            };
            let more =
                if *questions == 1 { "one more question".to_owned() } else { format!("{questions} more questions") };
            events.send(What::Note(format!("asking {more} {because}; this takes up to 6 s")));
        }
    }
}
