//! `--vantage`: from where is looked, as given. Pure.

use super::sessions::Wanted;
use crate::cluster::dns::PodName;
use crate::error::{CommandError, Result};

/// Where questions are asked from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Vantage {
    /// This machine.
    Workstation,
    /// A container of a pod, through the API.
    Pod(PodName),
    /// A node, through a pod in its network.
    Node(String),
    /// Whatever place a command leads to.
    Command {
        /// Its name.
        name: String,
        /// The command to which a command line is added.
        prefix: String,
    },
}

impl Vantage {
    /// The name of the place in what is reported.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Workstation => "workstation",
            Self::Pod(_) => "pod",
            Self::Node(_) => "node",
            Self::Command { name, .. } => name,
        }
    }
}

/// Reads the values of `--vantage`.
pub(super) fn read(given: &[String]) -> Result<Vec<Vantage>> {
    let mut read: Vec<Vantage> = Vec::new();
    for one in given {
        let vantage = parse(one)?;
        if read.contains(&vantage) {
            return Err(CommandError::new(format!("--vantage names `{}` twice", one.escape_debug()))
                .hint("name each place once"));
        }
        read.push(vantage);
    }
    Ok(read)
}

/// Reads one value of `--vantage`.
pub(super) fn parse(given: &str) -> Result<Vantage> {
    let refuse = |why: &str| {
        CommandError::new(format!("--vantage cannot be `{}`: {why}", given.escape_debug())).hint(
            "use workstation, pod=NAMESPACE/POD, node=NODE, or NAME=exec:'COMMAND', e.g. node1=exec:'ssh core@node1'",
        )
    };
    if given == "workstation" {
        return Ok(Vantage::Workstation);
    }
    let (name, place) = given.split_once('=').ok_or_else(|| refuse("it is no place that is known"))?;
    if let Some(prefix) = place.strip_prefix("exec:") {
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        return match (is_name(name), prefix.trim()) {
            (false, _) => Err(refuse("its name is letters, digits, `-`, `_` and `.`")),
            (_, "") => Err(refuse("the command is empty")),
            (true, prefix) => Ok(Vantage::Command { name: name.to_owned(), prefix: prefix.to_owned() }),
        };
    }
    match name {
        "pod" => {
            pod(place).map(Vantage::Pod).ok_or_else(|| refuse("a pod is NAMESPACE/POD or NAMESPACE/POD/CONTAINER"))
        }
        "node" if is_object(place) => Ok(Vantage::Node(place.to_owned())),
        "node" => Err(refuse("a node is the name of a node of the cluster")),
        _ => Err(refuse("it is no place that is known")),
    }
}

/// The pods among the places.
pub(super) fn pods(wanted: &[Wanted]) -> Vec<PodName> {
    let pod = |wanted: &Wanted| match &wanted.vantage {
        Vantage::Pod(pod) => Some(pod.clone()),
        _ => None,
    };
    wanted.iter().filter_map(pod).collect()
}

/// The nodes among the places.
pub(super) fn nodes(wanted: &[Wanted]) -> Vec<String> {
    let node = |wanted: &Wanted| match &wanted.vantage {
        Vantage::Node(node) => Some(node.clone()),
        _ => None,
    };
    wanted.iter().filter_map(node).collect()
}

fn pod(text: &str) -> Option<PodName> {
    let mut parts = text.split('/');
    let (namespace, name, container) = (parts.next()?, parts.next()?, parts.next());
    let fits = is_object(namespace) && is_object(name) && container.is_none_or(is_object) && parts.next().is_none();
    fits.then(|| PodName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        container: container.map(str::to_owned),
    })
}

/// A name as the API takes it.
fn is_object(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    text.len() <= 253
        && is_end(text.as_bytes().first())
        && is_end(text.as_bytes().last())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(given: &str, why: &str) {
        let error = read(&[given.to_owned()]).unwrap_err();
        assert!(error.message.contains(why), "{error}");
        assert!(!error.hints.is_empty());
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        let given = ["workstation", "pod=team1/moto-0/emulator", "node=lab", "node1=exec:ssh core@node1"];
        let read = read(&given.map(str::to_owned)).unwrap();
        let pod = PodName {
            namespace: "team1".to_owned(),
            name: "moto-0".to_owned(),
            container: Some("emulator".to_owned()),
        };
        assert_eq!(read[1], Vantage::Pod(pod));
        assert_eq!(read[2], Vantage::Node("lab".to_owned()));
        assert_eq!(read[3], Vantage::Command { name: "node1".to_owned(), prefix: "ssh core@node1".to_owned() });
    }

    #[test]
    fn what_is_no_place_is_refused() {
        refused("", "no place that is known");
        refused("laptop", "no place that is known");
        refused("pod=moto-0", "NAMESPACE/POD");
        refused("pod=a/b/c/d", "NAMESPACE/POD");
        refused("pod=../etc", "NAMESPACE/POD");
        refused("node=", "name of a node");
        refused("x=exec:", "the command is empty");
        refused("a b=exec:ls", "its name is");
        refused("x=y", "no place that is known");
        let twice = ["workstation", "workstation"].map(str::to_owned);
        assert!(read(&twice).unwrap_err().message.contains("twice"));
    }
}
