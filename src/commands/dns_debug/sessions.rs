//! Puts a probe at each vantage, all at once. What comes in: vantages, the cluster. What goes out: sessions, and why there is
//! none where a place that nobody insisted on cannot be looked from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;

use super::places::Vantage;
use crate::cluster::Cluster;
use crate::cluster::dns::pods::{self, Container};
use crate::cluster::dns::session::{self, Way};
use crate::dns::chain::{Place, PlaceKind};
use crate::dns::vantage::{Session, VantageError};
use crate::error::{CommandError, Result};

/// How long it may take to put a probe somewhere.
const PLACING: Duration = Duration::from_secs(20);
/// The program that is sent, as it is called.
const PROBE: &str = "lsdeploy-dns-probe";

/// A place that is to be looked from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) vantage: Vantage,
    /// What it is, where a chain file says so.
    pub(super) place: Option<Place>,
    /// A run without it is an error; else it is only said.
    pub(super) insisted: bool,
}

/// How to get there.
pub(super) struct Ways<'a> {
    pub(super) cluster: Option<&'a Cluster>,
    pub(super) probe: Option<&'a Path>,
    pub(super) image: Option<&'a str>,
    /// Names what is made for this run.
    pub(super) run_id: &'a str,
}

/// The sessions that could be begun, and sentences about those that could not.
///
/// # Errors
/// The first place that was insisted on and cannot be looked from.
pub(super) async fn begin(wanted: &[Wanted], ways: &Ways<'_>) -> Result<(Vec<Session>, Vec<String>)> {
    let names = unique(wanted.iter().map(|one| one.vantage.name()));
    let begun = join_all(wanted.iter().zip(&names).map(|(one, name)| begin_one(one, name, ways))).await;
    let (mut sessions, mut unseen, mut failed) = (Vec::new(), Vec::new(), None);
    for (wanted, begun) in wanted.iter().zip(begun) {
        match begun {
            Ok(session) => {
                unseen.extend(session.stage().unseen(&session.place().name));
                sessions.push(session);
            }
            Err(error) if wanted.insisted => failed = failed.or(Some(error)),
            Err(error) => unseen.push(error.message),
        }
    }
    let Some(error) = failed else { return Ok((sessions, unseen)) };
    // What was begun elsewhere is taken back.
    join_all(sessions.into_iter().map(Session::close)).await;
    Err(error)
}

/// The second of the same name gets a number.
fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut given: Vec<String> = Vec::new();
    for name in names {
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !given.contains(name));
        given.extend(free);
    }
    given
}

async fn begin_one(wanted: &Wanted, name: &str, ways: &Ways<'_>) -> Result<Session> {
    let place = |kind, how: &str| match &wanted.place {
        Some(written) => Place { how: how.to_owned(), ..written.clone() },
        None => Place { name: name.to_owned(), kind, how: how.to_owned(), pod: None, node: None },
    };
    match &wanted.vantage {
        Vantage::Workstation => Ok(Session::here(place(PlaceKind::Workstation, "this machine"))),
        Vantage::Command { prefix, .. } => {
            let place = place(kind_of(name), prefix);
            Session::behind(place, prefix, &probe(ways.probe)?, PLACING).await.map_err(|error| explain(&error))
        }
        Vantage::Pod(pod) => {
            let cluster = through(ways, "a pod")?;
            let container = pods::of_pod(cluster, pod).await?;
            let mut place = place(PlaceKind::Pod, &format!("exec into {}", container.shown()));
            place.pod = Some(format!("{}/{}", pod.namespace, pod.name));
            place.node.clone_from(&container.node);
            into(ways, cluster, &container, place).await
        }
        Vantage::Node(node) => {
            let cluster = through(ways, "a node")?;
            let mut failed = None;
            for container in pods::of_node(cluster, node).await? {
                let how = format!("exec into {}, which is in the node's network", container.shown());
                let place = Place { node: Some(node.clone()), ..place(PlaceKind::Node, &how) };
                match into(ways, cluster, &container, place).await {
                    Ok(session) => return Ok(session),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            let error = failed.unwrap_or_else(|| CommandError::new(format!("cannot look from node {node}")));
            Err(error.hint(format!("or reach the node in another way: `--vantage node=exec:'ssh core@{node}'`")))
        }
    }
}

fn through<'a>(ways: &Ways<'a>, what: &str) -> Result<&'a Cluster> {
    ways.cluster.ok_or_else(|| {
        CommandError::new(format!("cannot look from {what}: there is no cluster that answers"))
            .hint("name one with --kubeconfig and --context")
            .hint("a place that a command leads to needs none: `--vantage node=exec:'ssh core@node1'`")
    })
}

async fn into(ways: &Ways<'_>, cluster: &Cluster, container: &Container, place: Place) -> Result<Session> {
    let path = probe(ways.probe)?;
    let program = tokio::fs::read(&path).await.map_err(|error| {
        CommandError::new(format!("cannot read the probe {}: {error}", path.display())).hint(how_to_build())
    })?;
    let way = Way { program: &program, image: ways.image, run_id: ways.run_id, within: PLACING };
    session::begin(cluster, container, place, &way).await
}

/// What kind of place a command leads to, by its name.
fn kind_of(name: &str) -> PlaceKind {
    let starts =
        |word: &str| name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic()));
    match () {
        () if starts("node") || starts("master") || starts("worker") => PlaceKind::Node,
        () if starts("pod") => PlaceKind::Pod,
        () if starts("workstation") => PlaceKind::Workstation,
        () => PlaceKind::Other,
    }
}

/// The program that is sent: the one named, else the one beside this program.
fn probe(named: Option<&Path>) -> Result<PathBuf> {
    let beside = || std::env::current_exe().ok().map(|own| own.with_file_name(PROBE));
    match named.map(Path::to_owned).or_else(beside) {
        Some(path) if path.is_file() => Ok(path),
        Some(path) => Err(CommandError::new(format!("there is no probe to send: {} is not there", path.display()))
            .hint(how_to_build())
            .hint("or look from here alone, which needs none: `--vantage workstation`")),
        None => Err(CommandError::new("there is no probe to send").hint(how_to_build())),
    }
}

fn how_to_build() -> String {
    format!("`make release` builds {PROBE} beside lsdeploy; `--probe FILE` names another")
}

fn explain(error: &VantageError) -> CommandError {
    let said = CommandError::new(format!("cannot look from {}: {}", error.place, error.message));
    error.hint.iter().fold(said, CommandError::hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_command_says_what_it_leads_to() {
        assert_eq!(kind_of("node"), PlaceKind::Node);
        assert_eq!(kind_of("node1"), PlaceKind::Node);
        assert_eq!(kind_of("master-0.example.com"), PlaceKind::Node);
        assert_eq!(kind_of("pod"), PlaceKind::Pod);
        assert_eq!(kind_of("podium"), PlaceKind::Other);
        assert_eq!(kind_of("vpn"), PlaceKind::Other);
    }

    #[test]
    fn places_of_one_name_are_told_apart() {
        assert_eq!(unique(["pod", "workstation", "pod", "pod"].into_iter()), ["pod", "workstation", "pod-2", "pod-3"]);
    }
}
