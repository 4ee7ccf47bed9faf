//! The path as it was found: who asks whom. Takes what the survey saw, or a chain file; returns hops. Pure.

pub mod discover;
pub mod given;

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Which generation of resolver path this is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// OpenShift 3.6 to 3.11: dnsmasq on each node, SkyDNS in the node process.
    #[serde(rename = "openshift-3")]
    OpenShift3,
    /// minishift and `oc cluster up`: SkyDNS as a Service, no dnsmasq.
    Minishift,
    /// OpenShift 4: CoreDNS as a DaemonSet, kept by the DNS operator.
    #[serde(rename = "openshift-4")]
    OpenShift4,
    /// OpenShift Local: an OpenShift 4 in a VM, with names of the domain `crc.testing`.
    Crc,
    /// MicroShift: CoreDNS without an operator.
    MicroShift,
    /// A cluster with none of these APIs.
    Kubernetes,
    /// No cluster is in sight.
    #[default]
    None,
}

/// What a hop does on the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Where the name is asked for: a process with its C library and its files.
    Client,
    /// dnsmasq on an OpenShift 3 node.
    Dnsmasq,
    /// The node's own resolver: SkyDNS in the node process (3.x), or CoreDNS, dnsmasq or systemd-resolved of the node (4.x).
    Node,
    /// SkyDNS of the masters, port 8053 (up to 3.5).
    Master,
    /// The cluster's CoreDNS: its Service, or one of its pods.
    Coredns,
    /// A resolver outside of the cluster.
    Upstream,
    /// A resolver of the workstation itself: its dnsmasq, its systemd-resolved.
    Workstation,
}

impl Role {
    /// The word in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Dnsmasq => "dnsmasq",
            Self::Node => "node",
            Self::Master => "master",
            Self::Coredns => "coredns",
            Self::Upstream => "upstream",
            Self::Workstation => "workstation",
        }
    }
}

/// Names of some zones go from one hop to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    /// Zones without a last dot; `.` is everything.
    pub zones: Vec<String>,
    /// Ids of hops, in the order in which they are asked.
    pub to: Vec<String>,
}

/// One station of the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Unique and readable: `dnsmasq`, `upstream-1`, `coredns/dns-default-x7b2p`.
    pub id: String,
    /// What it does.
    pub role: Role,
    /// The first vantage that it is asked from; for a client, the vantage it is.
    pub vantage: String,
    /// Where it is asked; `None` for a client.
    pub address: Option<SocketAddr>,
    /// What it says it is, or what is known to stand there.
    pub software: Option<String>,
    /// All vantages that it is asked from.
    #[serde(default)]
    pub asked_from: Vec<String>,
    /// Whom it asks itself.
    #[serde(default)]
    pub forwards: Vec<Forward>,
    /// The node it runs on, where that is known.
    #[serde(default)]
    pub node: Option<String>,
}

/// What kind of name is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A Service or a pod, below the cluster's domain.
    Service,
    /// The host of a Route, below the apps domain.
    Route,
    /// The API's host.
    Api,
    /// A single label.
    Bare,
    /// An address to be named (PTR).
    Reverse,
    /// Anything else.
    External,
}

/// One name to be looked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Without a last dot, in ASCII.
    pub name: String,
    /// What kind it is.
    pub kind: Kind,
    /// The addresses it should have; empty where nobody knows.
    #[serde(default)]
    pub expected: Vec<IpAddr>,
    /// Who says so, e.g. `services/default/kubernetes`.
    #[serde(default)]
    pub because: Option<String>,
}

/// What kind of place a vantage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceKind {
    /// The machine on which lsdeploy runs.
    Workstation,
    /// A container of a pod.
    Pod,
    /// A node of the cluster.
    Node,
    /// Somewhere else.
    Other,
}

/// A vantage: a place from which questions are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: PlaceKind,
    /// How it is reached, for people.
    pub how: String,
    /// `NAMESPACE/POD`, for a pod.
    #[serde(default)]
    pub pod: Option<String>,
    /// The node it is or runs on, where that is known.
    #[serde(default)]
    pub node: Option<String>,
}

/// The path, and what is known around it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Which generation.
    pub platform: Platform,
    /// `cluster.local`, unless the cluster says otherwise.
    pub cluster_domain: String,
    /// The domain of Route hosts, where it is known.
    pub apps_domain: Option<String>,
    /// Addresses of the router, where they are known.
    pub router: Vec<IpAddr>,
    /// From the clients outwards.
    pub hops: Vec<Hop>,
    /// What could not be seen, and why: sentences.
    pub unseen: Vec<String>,
}

impl Chain {
    /// The hop of this id.
    pub fn hop(&self, id: &str) -> Option<&Hop> {
        self.hops.iter().find(|hop| hop.id == id)
    }
}

/// True when `name` is `zone` or below it; both without last dots. Case does not matter.
pub fn is_below(name: &str, zone: &str) -> bool {
    let zone = zone.trim_matches('.');
    if zone.is_empty() {
        return true;
    }
    let Some(start) = name.len().checked_sub(zone.len()) else { return false };
    name.is_char_boundary(start)
        && name[start..].eq_ignore_ascii_case(zone)
        && (start == 0 || name.as_bytes()[start - 1] == b'.')
}

impl Hop {
    /// The hops that this one asks for a name: those of the longest zone that holds it.
    pub fn asks_for(&self, name: &str) -> &[String] {
        let fitting = self.forwards.iter().flat_map(|forward| forward.zones.iter().map(move |zone| (zone, forward)));
        let best =
            fitting.filter(|(zone, _)| is_below(name, zone)).max_by_key(|(zone, _)| zone.trim_matches('.').len());
        best.map_or(&[], |(_, forward)| &forward.to)
    }
}
