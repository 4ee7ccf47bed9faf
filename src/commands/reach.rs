//! How the caller reaches Routes from where it stands: which address, which certificates, which scheme.

use std::path::PathBuf;

use crate::cli::ReachArgs;
use crate::cluster::discover::Facts;
use crate::endpoints::Scheme;
use crate::environment::{EDGE, Environment, Tls};
use crate::error::{CommandError, Result};
use crate::finding::code;
use crate::smoke::{self, Proxies};

/// The way to the Routes.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    /// The address that stands for every host, if DNS is not to be asked.
    pub(super) router: Option<String>,
    /// Certificates (PEM) that are trusted besides the system's.
    pub(super) ca_pem: Option<String>,
    /// The file that the user named them by.
    pub(super) ca_file: Option<PathBuf>,
    /// The proxies that the process's variables name; a given router is reached without.
    pub(super) proxies: Proxies,
}

/// Reads the flags: the file is read now, so that a wrong name is an error before anything is done.
pub(super) fn resolve(args: &ReachArgs, facts: Option<&Facts>, proxies: &Proxies) -> Result<Reach> {
    if let Some(router) = &args.router {
        smoke::check_router(router)
            .map_err(|why| CommandError::new(format!("--router cannot be `{}`: {why}", router.escape_default())))
            .map_err(|error| error.hint("use an address with or without a port, e.g. 192.0.2.7 or 192.0.2.7:8443"))?;
    }
    let given = match &args.ca_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                CommandError::new(format!("cannot read --ca-file {}: {error}", path.display()))
                    .hint("name a file of PEM certificates")
            })?;
            if !text.contains("-----BEGIN CERTIFICATE-----") {
                return Err(CommandError::new(format!("--ca-file {} holds no PEM certificate", path.display()))
                    .hint("name a file with -----BEGIN CERTIFICATE----- in it"));
            }
            Some(text)
        }
    };
    let published = facts.and_then(|facts| facts.router_ca.clone());
    let ca_pem = match (given, published) {
        (Some(given), Some(published)) => Some(format!("{given}\n{published}")),
        (given, published) => given.or(published),
    };
    Ok(Reach { router: args.router.clone(), ca_pem, ca_file: args.ca_file.clone(), proxies: proxies.clone() })
}

/// https where the router's certificate verifies from here, else http with the reason.
pub(super) async fn scheme(environment: &Environment, host: &str, reach: &Reach) -> (Scheme, Option<String>) {
    if environment.tls == Tls::None {
        return (Scheme::Http, None);
    }
    let trusted = smoke::trusts(host, reach.router.as_deref(), reach.ca_pem.as_deref(), &reach.proxies).await;
    match (trusted, environment.tls) {
        (Ok(()), _) => (Scheme::Https, None),
        (Err(finding), Tls::EdgeOnly) => {
            (Scheme::Https, Some(format!("clients will not trust https here: {}; {}", finding.message, finding.hint)))
        }
        (Err(finding), _) if finding.code == code::NAME_UNRESOLVED => (
            Scheme::Http,
            Some(format!(
                "endpoints are named with http because https could not be tried from here: {}",
                finding.message
            )),
        ),
        (Err(finding), _) => (
            Scheme::Http,
            Some(format!("endpoints are http because https does not verify from here: {}", finding.message)),
        ),
    }
}

/// The Route whose host stands for all when the certificate is looked at.
pub(super) fn sample_route(environment: &Environment) -> String {
    let routes = environment.routes();
    if routes.iter().any(|route| route == EDGE) {
        EDGE.to_owned()
    } else {
        routes.into_iter().next().unwrap_or_default()
    }
}
