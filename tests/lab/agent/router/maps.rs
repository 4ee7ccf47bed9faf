//! Lookup tables from a request's host (and path) to a backend.

use super::plan::{Backend, Insecure, Termination};

/// In place of a backend's name: answer with a redirect to HTTPS.
pub(crate) const REDIRECT: &str = "redirect";

/// A table of hosts, looked up exactly, and a table of hosts with paths, tried first and from the longest path.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Tables {
    pub(crate) hosts: String,
    pub(crate) paths: String,
}

pub(crate) fn http(backends: &[Backend]) -> Tables {
    tables(backends, |backend| match (backend.termination, backend.insecure) {
        (Termination::Plain, _) | (Termination::Edge | Termination::Reencrypt, Insecure::Allow) => Some(backend.name()),
        (_, Insecure::Redirect) => Some(REDIRECT.into()),
        _ => None,
    })
}

pub(crate) fn https(backends: &[Backend]) -> Tables {
    tables(backends, |backend| {
        matches!(backend.termination, Termination::Edge | Termination::Reencrypt).then(|| backend.name())
    })
}

pub(crate) fn passthrough(backends: &[Backend]) -> String {
    tables(backends, |backend| (backend.termination == Termination::Passthrough).then(|| backend.name())).hosts
}

fn tables(backends: &[Backend], value: impl Fn(&Backend) -> Option<String>) -> Tables {
    let mut tables = Tables::default();
    let mut with_path = Vec::new();
    for backend in backends {
        let Some(value) = value(backend) else { continue };
        if backend.path.trim_end_matches('/').is_empty() {
            tables.hosts.extend([&backend.host, " ", &value, "\n"]);
        } else {
            with_path.push((backend, value));
        }
    }
    with_path.sort_by_key(|(backend, _)| std::cmp::Reverse(backend.path.len()));
    for (backend, value) in with_path {
        // A path covers what is below it, and not names that merely begin alike.
        let below = if backend.path.ends_with('/') { ".*" } else { "(/.*)?" };
        let host = quoted(&backend.host);
        // HAProxy looks at host, port and path as one text.
        tables.paths.extend(["^", &host, "\\.?(:[0-9]+)?", &quoted(&backend.path), below, "$ ", &value, "\n"]);
    }
    tables
}

/// `text` as a regular expression that stands in one word of a map file.
fn quoted(text: &str) -> String {
    let quote = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' => char::from(byte).to_string(),
        other => format!("\\x{other:02x}"),
    };
    text.bytes().map(quote).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::config::tests::backend;

    #[test]
    fn edge_answers_plain_http_as_its_policy_says() {
        let mut edge = backend("n:a", "a.test");
        edge.termination = Termination::Edge;
        assert_eq!(http(&[edge.clone()]), Tables::default());
        edge.insecure = Insecure::Allow;
        assert_eq!(http(&[edge.clone()]).hosts, "a.test be_edge_http:n:a\n");
        edge.insecure = Insecure::Redirect;
        assert_eq!(http(&[edge.clone()]).hosts, "a.test redirect\n");
        assert_eq!(https(&[edge]).hosts, "a.test be_edge_http:n:a\n");
    }

    #[test]
    fn the_longest_path_is_tried_first() {
        let mut short = backend("n:a", "a.test");
        short.path = "/x".into();
        let mut long = backend("n:b", "a.test");
        long.path = "/x/y z".into();
        let paths = http(&[short, long]).paths;
        let expected = "^a\\x2etest\\.?(:[0-9]+)?/x/y\\x20z(/.*)?$ be_http:n:b\n\
                        ^a\\x2etest\\.?(:[0-9]+)?/x(/.*)?$ be_http:n:a\n";
        assert_eq!(paths, expected);
    }
}
