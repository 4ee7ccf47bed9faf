//! Flags of a cluster are refused on the local target, and its own flags on a cluster: neither would do anything. Pure.

use crate::cli::{ChoiceArgs, From, LocalArgs, ReachArgs, UpArgs};
use crate::commands::Context;
use crate::error::{CommandError, Result};

/// `--kubeconfig` and `--context`.
pub(super) fn refuse_global(context: &Context) -> Result<()> {
    let client = &context.client;
    refuse(&[("--kubeconfig", client.kubeconfig.is_some()), ("--context", client.context.is_some())], "no cluster")
}

/// `--namespace`.
pub(super) fn refuse_namespace(namespace: Option<&str>) -> Result<()> {
    refuse(&[("--namespace", namespace.is_some())], "no namespaces")
}

/// `--router` and `--ca-file`.
pub(super) fn refuse_reach(reach: &ReachArgs) -> Result<()> {
    let ReachArgs { router, ca_file } = reach;
    refuse(&[("--router", router.is_some())], "no Routes: names below localhost lead to this machine")?;
    refuse(&[("--ca-file", ca_file.is_some())], "no TLS")
}

/// `--from pod`.
pub(super) fn refuse_from(from: From) -> Result<()> {
    refuse(&[("--from pod", from == From::Pod)], "no pods")
}

/// Every flag of `up` that needs a cluster, and `--port` for several environments.
pub(super) fn refuse_up(args: &UpArgs) -> Result<()> {
    refuse_namespace(args.envs.namespace.as_deref())?;
    refuse_reach(&args.reach)?;
    let ChoiceArgs { image, scc, apps_domain, tls, persistence, ttl, .. } = &args.choices;
    refuse(&[("--image", image.is_some())], "no images: the emulator is installed from PyPI")?;
    refuse(&[("--scc", scc.is_some())], "no SCCs")?;
    refuse(&[("--apps-domain", apps_domain.is_some())], "no Routes: hosts are SERVICE.ENV.localhost")?;
    refuse(&[("--tls", tls.is_some())], "no TLS")?;
    refuse(&[("--ttl", ttl.is_some())], "nobody who would remove it later")?;
    refuse(&[("--persistence", persistence.is_some())], "no volumes: what the emulator holds ends with it")?;
    refuse_tenancy(&args.choices)?;
    let own = [("--port", args.local.port.is_some()), ("--emulator-url", args.local.emulator_url.is_some())];
    match own.into_iter().find(|(_, given)| *given && args.envs.envs.len() > 1) {
        Some((flag, _)) => {
            Err(CommandError::new(format!("{flag} is for one environment, --env names {}", args.envs.envs.len()))
                .hint("every environment has a port and an emulator of its own: bring them up one by one"))
        }
        None => Ok(()),
    }
}

/// What says who may reach an environment, and how its image is had.
fn refuse_tenancy(choices: &ChoiceArgs) -> Result<()> {
    refuse(&[("--owner", choices.owner.is_some())], "no users")?;
    let routes = [("--allow-from", choices.allow_from.is_some()), ("--route-label", choices.route_label.is_some())];
    refuse(&routes, "no Routes: only this machine reaches it")?;
    let images = [
        ("--image-registry", choices.image_registry.is_some()),
        ("--allowed-registries", choices.allowed_registries.is_some()),
        ("--pull-secret", choices.pull_secret.is_some()),
    ];
    refuse(&images, "no images: the emulator is installed from PyPI")?;
    let tokens = [
        ("--auth-token-secret", choices.auth_token_secret.is_some()),
        ("--auth-token-from", choices.auth_token_from.is_some()),
    ];
    refuse(&tokens, "no Secrets: an emulator that needs a token runs on a cluster")
}

/// `--port` and `--emulator-url` without `--target local`.
pub(super) fn refuse_on_a_cluster(args: &LocalArgs) -> Result<()> {
    let LocalArgs { port, emulator_url } = args;
    let given = [("--port", port.is_some()), ("--emulator-url", emulator_url.is_some())];
    match given.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => {
            Err(CommandError::new(format!("{flag} is for the local target"))
                .hint("add `--target local`, or leave it out"))
        }
        None => Ok(()),
    }
}

fn refuse(flags: &[(&str, bool)], why: &str) -> Result<()> {
    match flags.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(CommandError::new(format!("{flag} means nothing on the local target: it has {why}"))
            .hint("leave it out, or leave out `--target local`")),
        None => Ok(()),
    }
}
