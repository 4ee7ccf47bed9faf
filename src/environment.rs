//! One environment, validated: everything `render` needs, and nothing that could still be wrong.

pub mod access;
pub mod images;
pub mod local;
pub mod names;
pub mod scripts;
pub mod token;
pub mod values;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use crate::emulator::{self, Profile};
use crate::error::{CommandError, Result};
use crate::level::Level;
use crate::settings::Choices;

pub use access::Owner;
pub use images::Registry;
pub use names::{AppsDomain, EnvName, NamespaceName};
pub use scripts::Scripts;
pub use token::TokenSource;
pub use values::{ImageRef, SccChoice, Tls};

/// The name of the one Route that reaches an emulator's gateway for any service.
pub const EDGE: &str = "edge";

/// A validated environment. Only [`Environment::validate`] makes one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Environment {
    /// Its name.
    pub name: EnvName,
    /// Where it lives.
    pub namespace: NamespaceName,
    /// Whose the namespace is.
    pub tenure: Tenure,
    /// How old its server is: what it does not know is not sent.
    pub level: Level,
    /// The emulator.
    pub profile: Profile,
    /// The image that runs.
    pub image: ImageRef,
    /// Its services, in alphabetical order; each has a Route of the same name.
    pub services: Vec<String>,
    /// The SCC it is to run under.
    pub scc: SccChoice,
    /// The domain of its Routes.
    pub apps_domain: AppsDomain,
    /// Who writes the Routes' hosts.
    pub hosts: HostSource,
    /// How its Routes speak TLS.
    pub tls: Tls,
    /// Size of its volume; `None` keeps state only as long as the pod lives.
    pub persistence: Option<String>,
    /// What fills a fresh emulator.
    pub scripts: Scripts,
    /// How long it is to stay after a run that changes it; `None` is for good.
    pub ttl: Option<SignedDuration>,
    /// AWS account, where one was chosen.
    pub account: Option<String>,
    /// AWS region.
    pub region: String,
    /// Who may change what is in its namespace.
    pub owner: Option<Owner>,
    /// The address ranges that its Routes let in; none is everybody.
    pub allow_from: Vec<String>,
    /// Labels of its Routes besides ours.
    pub route_labels: BTreeMap<String, String>,
    /// Secrets with which its images are pulled.
    pub pull_secrets: Vec<String>,
    /// Where the emulator's token is.
    pub token: Option<TokenSource>,
    /// What of all this was chosen rather than default; the inventory records it.
    pub choices: Choices,
}

/// Whose a namespace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenure {
    /// lsdeploy makes it and removes it.
    Own,
    /// lsdeploy asks OpenShift for it as a project, and removes that: the caller may not make namespaces. Its labels
    /// are the platform's.
    Project,
    /// It was there before and survives `down`.
    Guest,
}

/// Who writes the hosts of Routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostSource {
    /// The cluster, as `<route>-<namespace>.<apps domain>`; needs no special right.
    Generated,
    /// The manifest; needs the right to `routes/custom-host`.
    Written,
}

/// What the place of an environment contributes to it.
#[derive(Debug, Clone)]
pub struct Place {
    /// `--namespace`, or where the inventory was found; `None` for the default.
    pub namespace: Option<String>,
    /// Whose that namespace is.
    pub tenure: Tenure,
    /// The domain of the cluster's router, where it is known.
    pub cluster_domain: Option<String>,
    /// Whether the cluster knows SCCs.
    pub has_sccs: bool,
    /// How old the cluster is.
    pub level: Level,
}

impl Tenure {
    /// The word in the inventory.
    pub fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Project => "project",
            Self::Guest => "guest",
        }
    }

    /// Reads the word of the inventory; whatever is not known is left alone.
    pub fn of_word(word: &str) -> Self {
        match word {
            "own" => Self::Own,
            "project" => Self::Project,
            _ => Self::Guest,
        }
    }
}

impl Environment {
    /// Checks all choices against each other and fills in the defaults.
    ///
    /// # Errors
    /// The first choice that cannot be, with what is possible.
    pub fn validate(name: &EnvName, choices: Choices, place: Place) -> Result<Self> {
        let environment = Self::resolve(name, choices, place)?;
        names::check_host_labels(&environment.name, &environment.namespace, &environment.routes())?;
        let allowed = allowed_registries(&environment.choices)?;
        images::check_allowed(&allowed, &environment.image)?;
        token::check(&environment.profile, environment.token.as_ref())?;
        Ok(environment)
    }

    /// Checks choices before any cluster is asked. What an earlier run may have chosen is left open: fewer services and so
    /// shorter hosts, an allowed registry, a token.
    pub fn check(name: &EnvName, choices: &Choices, namespace: Option<&str>) -> Result<()> {
        let place = Place {
            namespace: namespace.map(str::to_owned),
            tenure: Tenure::Own,
            cluster_domain: Some("apps.invalid".to_owned()),
            has_sccs: true,
            level: Level::NEWEST,
        };
        Self::resolve(name, choices.clone(), place).map(drop)
    }

    fn resolve(name: &EnvName, choices: Choices, place: Place) -> Result<Self> {
        let profile = emulator::profile(choices.emulator())?;
        let namespace = NamespaceName::parse(&place.namespace.unwrap_or_else(|| name.default_namespace()))?;
        let services = choose_services(&profile, choices.services.as_deref())?;
        let image = choose_image(&profile, &choices)?;
        allowed_registries(&choices)?;
        let scc = match &choices.scc {
            Some(text) => SccChoice::parse(text)?,
            None => SccChoice::Custom,
        };
        let tls = choices.tls.as_deref().map_or(Ok(Tls::Edge), Tls::parse)?;
        let persistence = choices.persistence.as_deref().map_or(Ok(None), values::parse_persistence)?;
        if persistence.is_some() && profile.data.is_none() {
            return Err(CommandError::new(format!("--persistence: {} keeps everything in memory", profile.name))
                .hint("give --persistence none, or choose --emulator localstack"));
        }
        let scripts = choices.init.as_ref().map_or_else(|| Ok(Scripts::default()), Scripts::validate)?;
        if !scripts.is_empty() && !profile.runs_scripts {
            return Err(CommandError::new(format!(
                "--init: the AWS tools in the image of {} are too old to be led away from real AWS",
                profile.name
            ))
            .hint("run the scripts from outside, after `eval \"$(lsdeploy env --env ENV)\"`"));
        }
        let (apps_domain, hosts) = choose_domain(choices.apps_domain.as_deref(), place.cluster_domain.as_deref())?;
        Ok(Self {
            name: name.clone(),
            namespace,
            tenure: place.tenure,
            level: place.level,
            services,
            image,
            scc: if place.has_sccs { scc } else { SccChoice::None },
            apps_domain,
            hosts,
            tls,
            persistence,
            scripts,
            ttl: choices.ttl.as_deref().map_or(Ok(None), values::parse_ttl)?,
            account: choices.account.as_deref().map(values::parse_account).transpose()?,
            region: choices.region.as_deref().map_or_else(|| Ok("us-east-1".to_owned()), values::parse_region)?,
            owner: choices.owner.as_deref().map_or(Ok(None), Owner::parse)?,
            allow_from: choices.allow_from.as_deref().map_or_else(|| Ok(Vec::new()), access::parse_allow_from)?,
            route_labels: access::parse_route_labels(choices.route_labels.as_deref().unwrap_or_default())?,
            pull_secrets: values::parse_pull_secrets(choices.pull_secrets.as_deref().unwrap_or_default())?,
            token: token::choose(&profile, choices.auth_token.as_deref())?,
            choices,
            profile,
        })
    }

    /// The names of its Routes: one per service, and [`EDGE`] where one port answers for all services.
    pub fn routes(&self) -> Vec<String> {
        let edge = self.profile.gateway.is_some().then(|| EDGE.to_owned());
        self.services.iter().cloned().chain(edge).collect()
    }

    /// The host of a Route, generated or written.
    pub fn host(&self, route: &str) -> String {
        format!("{route}-{}.{}", self.namespace, self.apps_domain)
    }
}

/// The chosen image or the profile's, from the registry that is to be used.
fn choose_image(profile: &Profile, choices: &Choices) -> Result<ImageRef> {
    let image = ImageRef::parse(choices.image.as_deref().unwrap_or(&profile.image))?;
    match choices.image_registry.as_deref().filter(|text| *text != "none") {
        Some(mirror) => Registry::parse("--image-registry", mirror)?.mirror(&image),
        None => Ok(image),
    }
}

/// The registries that images may come from; none is all.
fn allowed_registries(choices: &Choices) -> Result<Vec<Registry>> {
    let given = choices.allowed_registries.as_deref().filter(|list| *list != ["none"]).unwrap_or_default();
    given.iter().map(|text| Registry::parse("--allowed-registries", text)).collect()
}

/// The chosen services, each one that the emulator has; all of them by default.
fn choose_services(profile: &Profile, chosen: Option<&[String]>) -> Result<Vec<String>> {
    let known = profile.service_names();
    let Some(chosen) = chosen else { return Ok(known) };
    if chosen.iter().all(String::is_empty) {
        return Err(CommandError::new("--services names no service").hint(format!(
            "{} has: {}; without the flag it gets them all",
            profile.name,
            known.join(", ")
        )));
    }
    let unknown: Vec<&str> =
        chosen.iter().map(String::as_str).filter(|name| !known.iter().any(|k| k == name)).collect();
    if !unknown.is_empty() {
        return Err(CommandError::new(format!(
            "--services: {} has no service `{}`",
            profile.name,
            unknown.join("`, `")
        ))
        .hint(format!("it has: {}", known.join(", "))));
    }
    Ok(chosen.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect())
}

/// Neither the user nor the cluster says under which domain Routes are served.
pub fn unknown_domain() -> CommandError {
    CommandError::new(
        "the domain of the cluster's Routes is not known: there is no Ingress configuration that may be read",
    )
    .hint("name it with --apps-domain, e.g. --apps-domain apps.example.com")
}

/// The chosen domain or the cluster's. A host is written only where the cluster would generate another one.
fn choose_domain(chosen: Option<&str>, cluster: Option<&str>) -> Result<(AppsDomain, HostSource)> {
    let domain = chosen.or(cluster).ok_or_else(unknown_domain)?;
    let hosts =
        if cluster.is_some_and(|cluster| cluster != domain) { HostSource::Written } else { HostSource::Generated };
    Ok((AppsDomain::parse(domain)?, hosts))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An environment as `up` would make it on a cluster whose domain is `apps.lab.test`.
    pub(crate) fn environment(name: &str, choices: Choices) -> Result<Environment> {
        let place = Place {
            namespace: None,
            tenure: Tenure::Own,
            cluster_domain: Some("apps.lab.test".to_owned()),
            has_sccs: true,
            level: Level::NEWEST,
        };
        Environment::validate(&EnvName::parse(name)?, choices, place)
    }

    #[test]
    fn defaults_give_every_service_and_the_edge_route() {
        let environment = environment("team1", Choices::default()).unwrap();
        assert_eq!(environment.routes().len(), 36);
        assert_eq!(environment.host("sqs"), "sqs-localstack-team1.apps.lab.test");
        assert_eq!(environment.hosts, HostSource::Generated);
    }

    #[test]
    fn an_unknown_service_lists_the_known_ones() {
        let choices = Choices { services: Some(vec!["sqs".into(), "sqss".into()]), ..Choices::default() };
        let error = environment("team1", choices).unwrap_err();
        assert_eq!(error.message, "--services: localstack has no service `sqss`");
        assert!(error.hints[0].starts_with("it has: acm, apigateway"));
    }

    #[test]
    fn a_domain_that_is_not_the_clusters_is_written_into_the_routes() {
        let choices = Choices { apps_domain: Some("aws.example.com".into()), ..Choices::default() };
        assert_eq!(environment("team1", choices).unwrap().hosts, HostSource::Written);
    }

    #[test]
    fn moto_cannot_keep_state() {
        let choices = Choices { emulator: Some("moto".into()), persistence: Some("1Gi".into()), ..Choices::default() };
        assert!(environment("team1", choices).is_err());
    }
}
