//! `--report KIND=FILE`: the files are looked at before the run and written after it, whole or not at all. Does IO.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::DnsRun;
use super::run::Run;
use super::{dns, github, html, json, junit};
use crate::error::{CommandError, Result};

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Junit,
    Html,
    Json,
}

/// A report that was asked for.
#[derive(Debug)]
struct Target {
    kind: Kind,
    /// As the user named it.
    given: String,
    /// Where it is: absolute, and no link.
    path: PathBuf,
}

/// The reports of one run.
#[derive(Debug, Default)]
pub struct Files {
    targets: Vec<Target>,
}

impl Files {
    /// Reads the values of `--report` and makes sure that each file can be written. Leaves nothing behind.
    ///
    /// # Errors
    /// The first value that cannot be: its kind, its name, its directory.
    pub fn check(values: &[String]) -> Result<Self> {
        let mut targets: Vec<Target> = Vec::new();
        for value in values {
            let target = parse(value)?;
            if let Some(other) = targets.iter().find(|other| other.path == target.path) {
                return Err(CommandError::new(format!("--report names {} twice", other.given))
                    .hint("give every report a file of its own"));
            }
            targets.push(target);
        }
        for target in &targets {
            let (file, draft) = draft(&target.path).map_err(|error| cannot_write(target, &error))?;
            drop(file);
            fs::remove_file(draft).map_err(|error| cannot_write(target, &error))?;
        }
        Ok(Self { targets })
    }

    /// Writes every report, of environments or of DNS; says which could not be written.
    pub fn write(&self, run: &Run<'_>, dns: Option<&DnsRun>) -> Vec<CommandError> {
        let write = |target: &Target| {
            let text = dns.map_or_else(|| target.kind.text(run), |dns| target.kind.of_dns(dns, run));
            let error = replace(&target.path, &text).err()?;
            Some(cannot_write(target, &error))
        };
        self.targets.iter().filter_map(write).collect()
    }
}

impl Kind {
    fn of_dns(self, DnsRun { evidence, findings, is_saved }: &DnsRun, run: &Run<'_>) -> String {
        let when = dns::When { began: run.began, took: run.took };
        match self {
            Self::Junit => dns::junit(evidence, findings, when),
            Self::Html => dns::html(evidence, findings, (!is_saved).then_some(when)),
            Self::Json => dns::json(evidence, findings),
        }
    }

    fn text(self, run: &Run<'_>) -> String {
        match self {
            Self::Junit => junit::report(run),
            Self::Html => html::report(run),
            Self::Json => json::report(run),
        }
    }
}

/// Adds the job summary of a run to the file that GitHub Actions names for it.
pub fn append_summary(path: &Path, run: &Run<'_>) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(github::summary(run).as_bytes())
}

fn parse(value: &str) -> Result<Target> {
    let refuse = |why: &str| {
        Err(CommandError::new(format!("--report cannot be `{}`: {why}", value.escape_debug()))
            .hint("use junit=FILE, html=FILE or json=FILE"))
    };
    let Some((kind, given)) = value.split_once('=') else { return refuse("it names no file") };
    let kind = match kind {
        "junit" => Kind::Junit,
        "html" => Kind::Html,
        "json" => Kind::Json,
        _ => return refuse("there is no such kind of report"),
    };
    if given.is_empty() {
        return refuse("the name of the file is empty");
    }
    let path = locate(Path::new(given)).map_err(|error| {
        CommandError::new(format!("cannot write --report {given}: {error}"))
            .hint("name a file in a directory that is there")
    })?;
    Ok(Target { kind, given: given.to_owned(), path })
}

/// The file behind links, or the place where it is to be.
fn locate(given: &Path) -> io::Result<PathBuf> {
    match fs::symlink_metadata(given) {
        Ok(_) => {
            let path = fs::canonicalize(given)?;
            // A device or a pipe would be replaced by a file.
            if fs::metadata(&path)?.is_file() { Ok(path) } else { Err(io::Error::other("it is not a regular file")) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = given.file_name().filter(|_| !given.as_os_str().as_encoded_bytes().ends_with(b"/"));
            let name = name.ok_or_else(|| io::Error::other("it is not the name of a file"))?;
            let directory =
                given.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
            let directory = fs::canonicalize(directory)
                .map_err(|error| io::Error::new(error.kind(), format!("its directory: {error}")))?;
            if directory.is_dir() {
                Ok(directory.join(name))
            } else {
                Err(io::Error::other(format!("{} is not a directory", directory.display())))
            }
        }
        Err(error) => Err(error),
    }
}

/// A new file beside the one that is to be written, so that the one takes the other's place at once.
fn draft(path: &Path) -> io::Result<(File, PathBuf)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A name may have 255 bytes; the draft's must not be longer than the report's own could be.
    let name: String = name.chars().take(40).collect();
    let draft = path.with_file_name(format!(".{name}.{}.lsdeploy", std::process::id()));
    Ok((OpenOptions::new().write(true).create_new(true).open(&draft)?, draft))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let (mut file, draft) = draft(path)?;
    let written = (|| {
        file.write_all(text.as_bytes())?;
        if let Ok(before) = fs::metadata(path) {
            file.set_permissions(before.permissions())?;
        }
        // A full disk may show only here.
        file.sync_all()?;
        fs::rename(&draft, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

fn cannot_write(target: &Target, error: &io::Error) -> CommandError {
    CommandError::new(format!("cannot write --report {}: {error}", target.given))
        .hint("name a file in a directory that is there, that you may write to, and that has room")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[track_caller]
    fn refused(value: &str, why: &str) {
        let error = Files::check(&[value.to_owned()]).unwrap_err();
        assert!(error.message.contains(why), "{value}: {error}");
        assert!(!error.hints.is_empty(), "{value}");
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_the_run() {
        refused("junit", "it names no file");
        refused("junit=", "the name of the file is empty");
        refused("pdf=x.pdf", "no such kind");
        refused("junit=/nowhere/x.xml", "its directory");
        refused("junit=/dev/null", "not a regular file");
        refused("html=/etc/hostname/x.html", "Not a directory");
        let directory = tempfile::tempdir().unwrap();
        refused(&format!("json={}", directory.path().display()), "not a regular file");
        refused(&format!("json={}/new/", directory.path().display()), "not the name of a file");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_named_twice_in_two_ways_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let name = directory.path().display();
        let values =
            [format!("json={name}/a"), format!("html={name}/../{}/a", directory.path().file_name().unwrap().display())];
        assert!(Files::check(&values).unwrap_err().message.ends_with("twice"));
    }

    #[test]
    fn a_report_takes_the_place_of_the_one_before_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("a.json"), directory.path().join("link.json"));
        fs::write(&file, "before").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let files = Files::check(&[format!("json={}", link.display())]).unwrap();
        let error = CommandError::new("no cluster").hint("start one");
        let began = jiff::Timestamp::UNIX_EPOCH;
        let run = Run { command: "up", reports: &[], error: Some(&error), began, took: Duration::ZERO };
        assert_eq!(files.write(&run, None), []);
        let value: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(value["error"]["message"], "no cluster");
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
