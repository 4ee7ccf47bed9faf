//! `status`: one environment as it is now.

use std::time::Duration;

use jiff::Timestamp;

use super::serving::Serving;
use super::target::{self, Target};
use super::{Context, Outcome, reach, up};
use crate::cli::StatusArgs;
use crate::cluster::discover;
use crate::error::Result;
use crate::plan;
use crate::render;
use crate::report::{EnvReport, life};

/// Long enough for the first answers of all watches; a healthy environment answers at once.
const LOOK: Duration = Duration::from_secs(3);

pub(super) async fn run(args: &StatusArgs, context: Context, colour: bool) -> Result<Outcome> {
    let cluster = context.connect().await?;
    let facts = discover::discover(&cluster).await?;
    let reach = reach::resolve(&args.reach, Some(&facts), &context.proxies)?;
    let target = target::existing(&cluster, &facts, &args.env.env, args.env.namespace.as_deref()).await?;
    let events = context.events(&args.env.env);
    let mut report = EnvReport::of(&target.environment, &context.run_id);
    report.reached_by(reach.router.as_deref());
    report.notes.extend(changed_scc(&target)?);
    report.notes.extend(target.expires.as_deref().map(|at| life::until(at, Timestamp::now())));
    report.objects = target.live.objects.keys().map(|id| (id.clone(), "unchanged")).collect();
    let serving = Serving {
        cluster: &cluster,
        facts: &facts,
        reach: &reach,
        environment: &target.environment,
        events: &events,
        writes: false,
    };
    serving.wait(None, &context, LOOK.min(context.timeout), &mut report).await;
    Ok(up::outcome(vec![report], context.output, colour))
}

/// An SCC that somebody widened by hand is said at every look.
fn changed_scc(target: &Target) -> Result<Option<String>> {
    let Target { environment, live, .. } = target;
    let differs = plan::scc_differs(&render::render(environment)?, live);
    Ok((!differs.is_empty()).then(|| {
        let (name, scc, paths) = (&environment.name, environment.name.scc(), differs.join(", "));
        format!("the SCC {scc} is not as lsdeploy wrote it, at {paths}: `lsdeploy diff --env {name}` shows it, `up` mends it")
    }))
}
