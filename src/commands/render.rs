//! `render`: the manifests, nothing applied. Needs no cluster where `--apps-domain` is given.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use super::place::{Found, Sought};
use super::{Context, Outcome, target};
use crate::cli::RenderArgs;
use crate::environment::{EnvName, Environment, ImageRef, NamespaceName};
use crate::error::{CommandError, Result};
use crate::render::{self, gc::Gc};
use crate::yaml;

pub(super) async fn run(args: &RenderArgs, context: Context) -> Result<Outcome> {
    if args.env.gc {
        return gc(args);
    }
    let name = EnvName::parse(args.env.env.as_deref().unwrap_or_default())?;
    let choices = target::choices(&args.choices)?;
    let namespace = args.env.namespace.as_deref();
    let sought = Sought { name: &name, namespace, choices, context: &context, command: "render" };
    let Found { choices, place, notes } = sought.find().await?;
    let environment = Environment::validate(&name, choices, place)?;
    let set = render::render(&environment)?;
    let needs = [notes, render::needs(&environment)].concat();
    match &args.output_dir {
        None => {
            let comments = needs.iter().fold(String::new(), |text, need| text + "# " + need + "\n");
            Ok(Outcome::success(comments + &render::to_yaml(&set)?))
        }
        Some(directory) => {
            let files = set.manifests.iter().map(|one| (one.id.kind.name(), &*one.id.name, &one.object));
            let written = write_files(files, directory)?;
            let text = needs.iter().fold(written.text, |text, need| text + need + "\n");
            Ok(Outcome::success(text))
        }
    }
}

/// What runs `gc` in the cluster.
fn gc(args: &RenderArgs) -> Result<Outcome> {
    let image = args.env.gc_image.as_deref().unwrap_or_default();
    let image = ImageRef::parse(image)
        .map_err(|error| CommandError { message: error.message.replace("--image", "--gc-image"), ..error })?;
    let namespace = args.env.namespace.as_deref().map(NamespaceName::parse).transpose()?;
    let schedule = args.env.gc_schedule.as_deref();
    if let Some(text) = schedule.filter(|text| !text.starts_with('@') && text.split_whitespace().count() != 5) {
        return Err(CommandError::new(format!("--gc-schedule cannot be `{}`", text.escape_default()))
            .hint("cron has five fields: minute, hour, day, month, weekday; e.g. `*/10 * * * *`"));
    }
    let api_version = args.env.gc_api_version.as_str();
    let objects =
        render::gc::objects(Gc { image: image.as_str(), namespace: namespace.as_ref(), schedule, api_version });
    let old = render::gc::BEFORE_1_21;
    let note = if api_version == old {
        format!("{old} is for Kubernetes before 1.21; from 1.25 on only batch/v1 is served\n")
    } else {
        format!("{api_version} is for Kubernetes 1.21 and later; render for an older one with --gc-api-version {old}\n")
    };
    match &args.output_dir {
        None => Ok(Outcome::success(format!("# {note}{}", render::stream(&objects)?))),
        Some(directory) => {
            let named = |object: &'_ Value| object["kind"].as_str().unwrap_or_default().to_owned();
            let kinds: Vec<String> = objects.iter().map(named).collect();
            let files = kinds.iter().zip(&objects).map(|(kind, object)| (kind.as_str(), render::gc::NAME, object));
            let written = write_files(files, directory)?;
            Ok(Outcome::success(written.text + &note))
        }
    }
}

/// One file per object, numbered in apply order, so that `kubectl apply -f DIRECTORY` works. An existing directory must
/// be empty: files of an earlier, larger environment would stay and be applied again.
fn write_files<'a>(files: impl Iterator<Item = (&'a str, &'a str, &'a Value)>, directory: &Path) -> Result<Outcome> {
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
    let mut count = 0;
    for (kind, name, object) in files {
        let path = directory.join(format!("{count:02}-{}-{name}.yaml", kind.to_lowercase()));
        let text =
            yaml::write(object).map_err(|error| CommandError::new(format!("cannot write {kind}/{name}: {error}")))?;
        // A file or a link that somebody put there meanwhile is not written over.
        let written = fs::File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| {
            CommandError::new(format!("cannot write {}: {error}", path.display()))
                .hint("make room or choose another --output-dir")
        })?;
        count += 1;
    }
    Ok(Outcome::success(format!("{count} files in {shown}\n")))
}
