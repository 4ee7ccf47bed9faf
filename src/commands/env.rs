//! `env`: what a client needs to use an environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::reach::{self, Reach};
use super::{Context, Outcome, target};
use crate::cli::{EnvArgs, From};
use crate::cluster::discover;
use crate::endpoints::{self, Scheme};
use crate::error::{CommandError, Result};
use crate::exports::{self, Access};

pub(super) async fn run(args: &EnvArgs, context: Context, colour: bool) -> Result<Outcome> {
    if args.from == From::Pod && (args.reach.router.is_some() || args.reach.ca_file.is_some()) {
        return Err(CommandError::new("--from pod leads past the router: --router and --ca-file have no meaning")
            .hint("leave them out"));
    }
    let cluster = context.connect().await?;
    let facts = discover::discover(&cluster).await?;
    let reach = reach::resolve(&args.reach, Some(&facts), &context.proxies)?;
    let target = target::existing(&cluster, &facts, &args.env.env, args.env.namespace.as_deref()).await?;
    let environment = &target.environment;
    let serves = target.serves();
    let outcome = |text: String| {
        let outcome = Outcome::success(text);
        if serves { outcome } else { outcome.warned(&not_ready(&args.env.env, &context), colour) }
    };
    if args.from == From::Pod {
        let endpoints = endpoints::in_cluster(environment);
        return exports::write(args.format, &Access::of(environment, &endpoints, None)).map(outcome);
    }
    let hosts: BTreeMap<String, String> = target.hosts();
    let sample = reach::sample_route(environment);
    let host = hosts.get(&sample).cloned().unwrap_or_else(|| environment.host(&sample));
    let (scheme, note) = reach::scheme(environment, &host, &reach).await;
    let bundle = if scheme == Scheme::Https { ca_bundle(&reach, &args.env.env)? } else { None };
    let endpoints = endpoints::endpoints(environment, &hosts, scheme);
    let text = exports::write(args.format, &Access::of(environment, &endpoints, bundle.as_deref()))?;
    if let Some(note) = note {
        context.events(&args.env.env).send(crate::events::What::Note(note));
    }
    Ok(outcome(text))
}

/// Clients get what they need, and no answer yet.
fn not_ready(env: &str, context: &Context) -> CommandError {
    CommandError::new(format!("{env} is not ready: its emulator does not run"))
        .hint("`lsdeploy status` says why")
        .pasteable(&context.way(env))
}

/// The file of certificates that AWS clients are to trust: the user's own, or one written from what the cluster
/// publishes; `None` where the system's certificates suffice.
fn ca_bundle(reach: &Reach, env: &str) -> Result<Option<PathBuf>> {
    if let Some(path) = &reach.ca_file {
        return std::path::absolute(path)
            .map(Some)
            .map_err(|error| CommandError::new(format!("cannot name --ca-file: {error}")));
    }
    let Some(pem) = &reach.ca_pem else { return Ok(None) };
    let directory = exports::cache_directory().ok_or_else(|| {
        CommandError::new("there is no home directory to write the router's certificate to")
            .hint("set $HOME, or give --ca-file")
    })?;
    let path = directory.join(format!("{env}-router-ca.pem"));
    std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&path, pem)).map_err(|error| {
        CommandError::new(format!("cannot write the router's certificate to {}: {error}", path.display()))
            .hint("give --ca-file")
    })?;
    Ok(Some(path))
}
