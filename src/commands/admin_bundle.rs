//! `admin-bundle`: what a cluster-admin applies so that a plain user's `up` works. Reads only, and needs no cluster where
//! `--apps-domain` is given.

use serde_json::json;

use super::{Context, Outcome, target};
use crate::cli::OutputFormat;
use crate::cli::bundle::BundleArgs;
use crate::cluster::{Cluster, discover, inventory};
use crate::environment::{EnvName, Environment, Owner, Place, Tenure};
use crate::error::{CommandError, Result};
use crate::events::What;
use crate::level::Level;
use crate::manifest::Kind;
use crate::plan::foreign_owner;
use crate::render::bundle::{Bundle, bundle};
use crate::settings::Choices;

pub(super) async fn run(args: &BundleArgs, context: Context) -> Result<Outcome> {
    let name = EnvName::parse(&args.env.env)?;
    let choices = target::choices(&args.choices)?;
    let beneficiary = args.beneficiary.as_deref().map(|text| Owner::parse_one("--for", text)).transpose()?;
    Environment::check(&name, &choices, args.env.namespace.as_deref())?;
    let sought = Sought { name: &name, namespace: args.env.namespace.as_deref(), choices, context: &context };
    let (environment, notes) = sought.find().await?;
    let bundle = bundle(&environment, beneficiary.as_ref(), &notes)?;
    let (text, digest) = bundle.write()?;
    let events = context.events(name.as_str());
    for note in notes {
        events.send(What::Note(format!("note: {note}")));
    }
    events.send(What::Note(format!("sha256 of the bundle, to quote in the ticket: {digest}")));
    Ok(Outcome::success(match context.output {
        OutputFormat::Text => text,
        OutputFormat::Json => json(&environment, &bundle, &text, &digest),
    }))
}

/// What is looked for.
struct Sought<'a> {
    name: &'a EnvName,
    namespace: Option<&'a str>,
    choices: Choices,
    context: &'a Context,
}

impl Sought<'_> {
    /// The environment as it is to be, as far as the caller can see, and what could not be seen.
    async fn find(self) -> Result<(Environment, Vec<String>)> {
        let Self { name, namespace, mut choices, context } = self;
        let mut notes = Vec::new();
        // No object of a bundle says the domain of the Routes.
        let domain = Some("apps.invalid".to_owned());
        let mut place = Place {
            namespace: namespace.map(str::to_owned),
            tenure: Tenure::Own,
            cluster_domain: domain,
            has_sccs: true,
            level: Level::NEWEST,
        };
        if choices.apps_domain.is_some() {
            place.tenure = if namespace.is_some() { Tenure::Guest } else { Tenure::Own };
            notes.extend(namespace.map(unseen));
        } else {
            let cluster = context.connect().await.map_err(offline)?;
            let facts = discover::discover(&cluster).await.map_err(offline)?;
            place.has_sccs = facts.has_sccs;
            place.level = facts.level;
            match inventory::find(&cluster, name, namespace).await?.found() {
                Some(found) => {
                    choices = choices.over(found.choices);
                    place.namespace = Some(found.namespace);
                    place.tenure = found.tenure;
                }
                None => place.tenure = tenure(&cluster, name, namespace, &mut notes).await?,
            }
        }
        // A project's own namespace is the platform's: its labels are not ours to write.
        Ok((Environment::validate(name, choices, place)?, notes))
    }
}

/// Whose the namespace is to be. One that was named is never labelled as ours unless it carries our labels already.
async fn tenure(cluster: &Cluster, name: &EnvName, namespace: Option<&str>, notes: &mut Vec<String>) -> Result<Tenure> {
    let home = namespace.map_or_else(|| name.default_namespace(), str::to_owned);
    let found = match cluster.get(Kind::Namespace, "", &home).await {
        Ok(found) => found,
        Err(fault) if fault.code() == Some(403) && namespace.is_some() => {
            notes.push(unseen(&home));
            return Ok(Tenure::Guest);
        }
        Err(fault) if fault.code() == Some(403) => return Ok(Tenure::Own),
        Err(fault) => return Err(fault.explain(&format!("read the namespace {home}"))),
    };
    match found.map(|object| foreign_owner(name.as_str(), &home, &object)) {
        None | Some(None) => Ok(Tenure::Own),
        Some(Some(owner)) if namespace.is_some() && !owner.starts_with("the environment") => Ok(Tenure::Guest),
        Some(Some(owner)) => Err(CommandError::new(format!("the namespace {home} exists and belongs to {owner}"))
            .hint(format!("choose another name, or use it as it is with --namespace {home}"))),
    }
}

fn unseen(namespace: &str) -> String {
    format!("the namespace {namespace} is taken to be there already, and not to be made")
}

fn offline(error: CommandError) -> CommandError {
    error.hint("`admin-bundle` needs no cluster when --apps-domain names the domain of the Routes")
}

fn json(environment: &Environment, bundle: &Bundle, text: &str, digest: &str) -> String {
    let objects: Vec<_> = bundle
        .objects
        .iter()
        .map(|(manifest, why)| json!({"kind": manifest.id.kind.name(), "name": manifest.id.name, "why": why}))
        .collect();
    let value = json!({"schema": "lsdeploy/v1", "env": environment.name.as_str(),
        "namespace": environment.namespace.as_str(), "digest": format!("sha256:{digest}"), "objects": objects,
        "yaml": text});
    format!("{value:#}\n")
}
