//! `admin-bundle`: what a cluster-admin applies so that a plain user's `up` works. Reads only, and needs no cluster where
//! `--apps-domain` is given.

use serde_json::json;

use super::place::{Found, Sought};
use super::{Context, Outcome, target};
use crate::cli::OutputFormat;
use crate::cli::again::handed;
use crate::cli::bundle::BundleArgs;
use crate::environment::{EnvName, Environment, Owner};
use crate::error::Result;
use crate::events::What;
use crate::render::bundle::{Bundle, Commands, bundle};

pub(super) async fn run(args: &BundleArgs, context: Context) -> Result<Outcome> {
    let name = EnvName::parse(&args.env.env)?;
    let choices = target::choices(&args.choices)?;
    let beneficiary = args.beneficiary.as_deref().map(|text| Owner::parse_one("--for", text)).transpose()?;
    Environment::check(&name, &choices, args.env.namespace.as_deref())?;
    let namespace = args.env.namespace.as_deref();
    let sought = Sought { name: &name, namespace, choices, context: &context, command: "admin-bundle" };
    let Found { choices, mut place, notes } = sought.find().await?;
    // No object of a bundle says the domain of the Routes.
    place.cluster_domain.get_or_insert_with(|| "apps.invalid".to_owned());
    // A project's own namespace is the platform's: its labels are not ours to write.
    let environment = Environment::validate(&name, choices, place)?;
    let line = |verb: &str| handed(&context.argv, verb, &[("env", name.as_str())]);
    let commands = Commands { up: line("up"), down: line("down") };
    let bundle = bundle(&environment, beneficiary.as_ref(), &commands, &notes)?;
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
