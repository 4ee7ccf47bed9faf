//! `/etc/hosts`. Text in, entries out. Pure.

use std::net::IpAddr;

/// How OpenShift's node-resolver signs the lines that it writes.
pub const GENERATED: &str = "openshift-generated-node-resolver";

/// One line that names an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub line: usize,
    /// The address.
    pub address: IpAddr,
    /// The names, without last dots.
    pub names: Vec<String>,
    /// What stands behind a `#`.
    pub comment: Option<String>,
}

/// What a hosts file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostsFile {
    /// In their order.
    pub entries: Vec<Entry>,
    /// Number and text of lines that name no address or no name; the C library skips them.
    pub problems: Vec<(usize, String)>,
}

impl HostsFile {
    /// Reads the text of a hosts file.
    pub fn parse(text: &str) -> Self {
        let mut file = Self::default();
        for (line, text) in text.lines().enumerate().map(|(index, text)| (index + 1, text)) {
            let (words, comment) = match text.split_once('#') {
                Some((words, comment)) => (words, Some(comment.trim().to_owned())),
                None => (text, None),
            };
            let mut words = words.split_whitespace();
            let Some(first) = words.next() else { continue };
            let names: Vec<String> = words.map(|name| name.trim_end_matches('.').to_owned()).collect();
            match address(first).filter(|_| !names.is_empty()) {
                Some(address) => file.entries.push(Entry { line, address, names, comment }),
                None => file.problems.push((line, text.trim().to_owned())),
            }
        }
        file
    }

    /// The entries that hold a name.
    pub fn naming<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> + 'a {
        let name = name.trim_end_matches('.');
        self.entries.iter().filter(move |entry| entry.names.iter().any(|other| other.eq_ignore_ascii_case(name)))
    }

    /// The addresses of a name, in the order of the file.
    pub fn addresses(&self, name: &str) -> Vec<IpAddr> {
        self.naming(name).map(|entry| entry.address).collect()
    }

    /// The entries that OpenShift's node-resolver signed.
    pub fn generated(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.comment.as_deref().is_some_and(|comment| comment.contains(GENERATED)))
    }

    /// The lines that it signed and nobody understands.
    pub fn generated_problems(&self) -> impl Iterator<Item = &(usize, String)> {
        self.problems.iter().filter(|(_, text)| text.contains(GENERATED))
    }
}

/// An address, with or without a zone.
fn address(text: &str) -> Option<IpAddr> {
    text.split('%').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node's file after `dig` failed: its words were taken for addresses.
    const NODE: &str = "127.0.0.1   localhost localhost.localdomain\n::1 localhost localhost.localdomain\n\n\
        172.30.19.84 image-registry.openshift-image-registry.svc image-registry.openshift-image-registry.svc.cluster.local # openshift-generated-node-resolver\n\
        ;; image-registry.openshift-image-registry.svc # openshift-generated-node-resolver\n\
        connection image-registry.openshift-image-registry.svc # openshift-generated-node-resolver\n\
        fe80::1%eth0 gateway.\n10.0.0.9\n# a comment\n";

    #[test]
    fn entries_are_read_and_what_is_none_is_kept() {
        let file = HostsFile::parse(NODE);
        assert_eq!(file.entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), [1, 2, 4, 7]);
        assert_eq!(file.entries[3].names, ["gateway"]);
        assert_eq!(file.problems.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5, 6, 8]);
        assert_eq!(file.generated_problems().count(), 2);
        assert_eq!(file.generated().count(), 1);
    }

    #[test]
    fn a_name_is_found_in_any_case_and_with_a_last_dot() {
        let file = HostsFile::parse(NODE);
        let registry = file.addresses("Image-Registry.openshift-image-registry.svc.");
        assert_eq!(registry, ["172.30.19.84".parse::<IpAddr>().unwrap()]);
        assert_eq!(file.addresses("localhost").len(), 2);
        assert!(file.addresses("registry").is_empty());
    }

    #[test]
    fn nonsense_is_no_error() {
        assert_eq!(HostsFile::parse(""), HostsFile::default());
        assert_eq!(HostsFile::parse("\u{0}\u{7f} %\r\n%%% x").problems.len(), 2);
    }
}
