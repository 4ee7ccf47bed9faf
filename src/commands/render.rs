//! `render`: the manifests, nothing applied. Needs no cluster where `--apps-domain` is given.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::{Context, Outcome, target};
use crate::cli::RenderArgs;
use crate::cluster::{discover, inventory};
use crate::environment::{EnvName, Environment, Place, Tenure};
use crate::error::{CommandError, Result};
use crate::level::Level;
use crate::manifest::{Manifest, ManifestSet};
use crate::render;
use crate::yaml;

pub(super) async fn run(args: &RenderArgs, context: Context) -> Result<Outcome> {
    let name = EnvName::parse(&args.env.env)?;
    let mut choices = target::choices(&args.choices)?;
    let mut place = Place {
        namespace: args.env.namespace.clone(),
        tenure: Tenure::Own,
        cluster_domain: None,
        has_sccs: true,
        level: Level::NEWEST,
    };
    if choices.apps_domain.is_none() {
        let cluster = context.connect().await.map_err(offline)?;
        let facts = discover::discover(&cluster).await.map_err(offline)?;
        if let Some(found) = inventory::find(&cluster, &name, args.env.namespace.as_deref()).await?.found() {
            choices = choices.over(found.choices);
            place.namespace = Some(found.namespace);
            place.tenure = found.tenure;
        }
        place.cluster_domain = facts.apps_domain;
        place.has_sccs = facts.has_sccs;
        place.level = facts.level;
    }
    let environment = Environment::validate(&name, choices, place)?;
    let set = render::render(&environment)?;
    let needs = render::needs(&environment);
    match &args.output_dir {
        None => {
            let comments = needs.iter().fold(String::new(), |text, need| text + "# " + need + "\n");
            Ok(Outcome::success(comments + &render::to_yaml(&set)?))
        }
        Some(directory) => {
            let written = write_files(&set, directory)?;
            let text = needs.iter().fold(written.text, |text, need| text + need + "\n");
            Ok(Outcome::success(text))
        }
    }
}

fn offline(error: CommandError) -> CommandError {
    error.hint("`render` needs no cluster when --apps-domain names the domain of the Routes")
}

/// One file per object, numbered in apply order, so that `kubectl apply -f DIRECTORY` works. An existing directory must
/// be empty: files of an earlier, larger environment would stay and be applied again.
fn write_files(set: &ManifestSet, directory: &Path) -> Result<Outcome> {
    let shown = directory.display();
    let cannot = |what: &str, error: std::io::Error| CommandError::new(format!("cannot {what} {shown}: {error}"));
    fs::create_dir_all(directory)
        .map_err(|error| cannot("make the directory", error).hint("choose another --output-dir"))?;
    let mut entries = fs::read_dir(directory).map_err(|error| cannot("read the directory", error))?;
    if entries.next().is_some() {
        return Err(
            CommandError::new(format!("--output-dir {shown} is not empty")).hint("name a new or an empty directory")
        );
    }
    for (index, manifest) in set.manifests.iter().enumerate() {
        let path = directory.join(file_name(index, manifest));
        let text = yaml::write(&manifest.object)
            .map_err(|error| CommandError::new(format!("cannot write {}: {error}", manifest.id)))?;
        // A file or a link that somebody put there meanwhile is not written over.
        let written = fs::File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| {
            CommandError::new(format!("cannot write {}: {error}", path.display()))
                .hint("make room or choose another --output-dir")
        })?;
    }
    Ok(Outcome::success(format!("{} files in {shown}\n", set.manifests.len())))
}

fn file_name(index: usize, manifest: &Manifest) -> String {
    format!("{index:02}-{}-{}.yaml", manifest.id.kind.name().to_lowercase(), manifest.id.name)
}
