//! `--chain FILE`: a path written down as YAML (`docs/chain-file.md`). Takes the file's text, gives a chain, or an error with
//! line and column. Pure.

use std::net::IpAddr;

use serde::Deserialize;

use crate::dns::chain::given::{self, At, Fault, Given, Written, WrittenHop, WrittenName, WrittenVantage};
use crate::dns::chain::{Kind, PlaceKind, Platform, Role};
use crate::error::{CommandError, Result};
use crate::yaml::{self, Located};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    platform: Platform,
    #[serde(default = "cluster_local")]
    cluster_domain: String,
    apps_domain: Option<String>,
    #[serde(default)]
    router: Vec<IpAddr>,
    vantages: Vec<Located<Vantage>>,
    hops: Vec<Located<Hop>>,
    #[serde(default)]
    names: Vec<Located<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Vantage {
    name: String,
    kind: PlaceKind,
    exec: Option<String>,
    pod: Option<String>,
    node: Option<String>,
    asks: Vec<Located<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Hop {
    id: String,
    role: Role,
    address: Located<String>,
    software: Option<String>,
    node: Option<String>,
    asked_from: Option<Vec<Located<String>>>,
    #[serde(default)]
    forwards: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    zones: Vec<String>,
    to: Vec<Located<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    kind: Option<Kind>,
    #[serde(default)]
    expected: Vec<IpAddr>,
}

fn cluster_local() -> String {
    "cluster.local".to_owned()
}

/// Reads a chain file; `path` is its name, for errors.
///
/// # Errors
/// The first thing that is wrong, with line and column.
pub fn parse(text: &str, path: &str) -> Result<Given> {
    let file: File = yaml::parse(text).map_err(|error| {
        CommandError::new(format!("{path} is no chain: {error}")).hint("docs/chain-file.md shows the form")
    })?;
    given::check(&Written::from(file)).map_err(|Fault { at: (line, column), message, hint }| {
        CommandError::new(format!("{path}: line {line}, column {column}: {message}")).hint(hint)
    })
}

impl From<File> for Written {
    fn from(file: File) -> Self {
        Self {
            platform: file.platform,
            cluster_domain: file.cluster_domain,
            apps_domain: file.apps_domain,
            router: file.router,
            vantages: file.vantages.into_iter().map(|located| at(located, WrittenVantage::from)).collect(),
            hops: file.hops.into_iter().map(|located| at(located, WrittenHop::from)).collect(),
            names: file.names.into_iter().map(|located| at(located, WrittenName::from)).collect(),
        }
    }
}

impl From<Vantage> for WrittenVantage {
    fn from(Vantage { name, kind, exec, pod, node, asks }: Vantage) -> Self {
        Self { name, kind, exec, pod, node, asks: words(asks) }
    }
}

impl From<Hop> for WrittenHop {
    fn from(Hop { id, role, address, software, node, asked_from, forwards }: Hop) -> Self {
        let forwards = forwards.into_iter().map(|Rule { zones, to }| (zones, words(to))).collect();
        let address = at(address, std::convert::identity);
        Self { id, role, address, software, node, asked_from: asked_from.map(words), forwards }
    }
}

impl From<Entry> for WrittenName {
    fn from(Entry { name, kind, expected }: Entry) -> Self {
        Self { name, kind, expected }
    }
}

fn words(located: Vec<Located<String>>) -> Vec<At<String>> {
    located.into_iter().map(|word| at(word, std::convert::identity)).collect()
}

fn at<T, U>(located: Located<T>, into: impl Fn(T) -> U) -> At<U> {
    At { value: into(located.value), at: (located.line, located.column) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../docs/chain-file.md");

    /// The example of the documentation.
    fn example() -> &'static str {
        FILE.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap()
    }

    #[test]
    fn the_documented_example_is_a_chain() {
        let Given { chain, vantages, targets } = parse(example(), "chain.yaml").unwrap();
        assert_eq!(chain.platform, Platform::OpenShift3);
        let ids: Vec<&str> = chain.hops.iter().map(|hop| hop.id.as_str()).collect();
        assert_eq!(ids, ["pod", "node1", "dnsmasq", "node", "upstream-1", "upstream-2"]);
        let of = |id: &str| chain.hop(id).unwrap();
        assert_eq!(of("dnsmasq").address.unwrap().to_string(), "10.0.2.15:53");
        assert_eq!(of("dnsmasq").asks_for("a.svc.cluster.local"), ["node"]);
        assert_eq!(of("pod").asks_for("example.com"), ["dnsmasq"]);
        assert_eq!(
            (of("node").asked_from.join(" "), of("dnsmasq").asked_from.join(" ")),
            ("node1".into(), "pod node1".into())
        );
        let hows: Vec<&str> = vantages.iter().map(|(_, how)| how.as_str()).collect();
        assert_eq!(hows, ["pod=team1/moto-0", "node1=exec:ssh core@node1"]);
        assert_eq!(vantages[0].0.pod.as_deref(), Some("team1/moto-0"));
        let kinds: Vec<Kind> = targets.iter().map(|target| target.kind).collect();
        assert_eq!(kinds, [Kind::Service, Kind::Route]);
    }

    #[track_caller]
    fn refused(change: (&str, &str), words: &str) {
        let text = example().replacen(change.0, change.1, 1);
        assert_ne!(text, example(), "the example has no `{}`", change.0);
        let error = parse(&text, "chain.yaml").unwrap_err();
        assert!(error.message.contains(words), "{}", error.message);
        assert!(!error.hints.is_empty());
    }

    #[test]
    fn mistakes_are_named_with_line_and_column() {
        refused(("to: [node]", "to: [nod]"), "chain.yaml: line 22, column 10: there is no hop `nod`");
        refused(("id: upstream-2", "id: upstream-1"), "the id `upstream-1` stands twice");
        refused(("id: upstream-2", "id: node1"), "the id `node1` stands twice");
        refused(("10.9.0.2", "10.9.0"), "`10.9.0` is no address of a server");
        refused(("10.9.0.2", "10.9.0.1"), "hops `upstream-1` and `upstream-2` have the same address");
        refused(("10.9.0.2", "0.0.0.0"), "`0.0.0.0` is no address");
        refused(("asked-from: [node1]", "asked-from: [node2]"), "there is no vantage `node2`");
        refused(("role: dnsmasq", "role: upstream"), "platform `openshift-3` needs a hop with the role `dnsmasq`");
        refused(("role: dnsmasq", "role: client"), "hop `dnsmasq` cannot be a client");
        refused(("role: dnsmasq", "role: dns"), "line ");
        refused(("role: dnsmasq", "rule: dnsmasq"), "unknown field");
        refused(("asks: [dnsmasq]", "asks: []"), "vantage `pod` asks nobody");
        refused(("pod: team1/moto-0", "exec: oc exec moto-0 --\n  pod: team1/moto-0"), "has both `exec` and `pod`");
        refused(("  exec: ssh core@node1\n", ""), "there is no way to vantage `node1`");
        refused(("name: kubernetes.default", "name: kubernetes..default"), "is no name of a host");
        refused(("zones: [cluster.local, in-addr.arpa]", "zones: []"), "a rule of hop `dnsmasq` is empty");
        refused(("expected: [172.30.0.1]", "expected: [nowhere]"), "line ");
    }

    #[test]
    fn a_path_that_leads_in_a_circle_is_refused() {
        let change = ("10.9.0.1\n", "10.9.0.1\n  forwards: [{ zones: [.], to: [dnsmasq] }]\n");
        refused(change, "the path leads in a circle: dnsmasq -> upstream-1 -> dnsmasq");
    }

    #[test]
    fn what_is_no_chain_at_all_is_refused() {
        for text in ["", "a", "- a", "vantages: 1", "\u{0}", "hops: [", "vantages: []\nhops: []\n"] {
            assert!(parse(text, "chain.yaml").is_err(), "{text}");
        }
    }
}
