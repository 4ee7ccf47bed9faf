//! Collects hops: each server once, whoever asks it. Pure.

use std::net::{IpAddr, SocketAddr};

use super::facts::{addresses_of_node, cluster_ips, is_like_a_service, local_addresses};
use crate::dns::chain::{Chain, Forward, Hop, Place, PlaceKind, Platform, Role};
use crate::dns::observation::{Transport, Trouble};
use crate::dns::seen::{At, Seen};

/// The port of DNS.
pub(super) const DNS: u16 = 53;

/// Hops in the making.
pub(super) struct Builder<'a> {
    /// What the survey saw.
    pub(super) seen: Seen<'a>,
    hops: Vec<Hop>,
    unseen: Vec<String>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(seen: Seen<'a>) -> Self {
        Self { seen, hops: Vec::new(), unseen: Vec::new() }
    }

    /// The hops, clients first, then by role; and what could not be seen.
    pub(super) fn finish(mut self) -> (Vec<Hop>, Vec<String>) {
        let order = |role: Role| match role {
            Role::Client => 0,
            Role::Dnsmasq | Role::Workstation | Role::Coredns => 1,
            Role::Node => 2,
            Role::Master => 3,
            Role::Upstream => 4,
        };
        // A Service stands before its pods.
        self.hops.sort_by_key(|hop| (order(hop.role), hop.id.contains('/')));
        (self.hops, self.unseen)
    }

    /// Notes what could not be seen.
    pub(super) fn unseen(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.unseen.contains(&what) {
            self.unseen.push(what);
        }
    }

    /// A cluster that answers and shows nothing of its path.
    pub(super) fn closed(&mut self) {
        let unreadable = |at: &At<'_>| at.transport == Transport::Api && at.met(Trouble::Unreadable);
        let details: Vec<&str> = self
            .seen
            .all()
            .filter(unreadable)
            .filter_map(|at| Some(at.observation().error.as_ref()?.detail.as_str()))
            .collect();
        if let (true, Some(first)) = (self.seen.has_api(), details.first()) {
            let count = details.len();
            self.unseen(format!(
                "the way of names inside of the cluster: of its API {count} objects cannot be read, {first}"
            ));
        }
    }

    /// A vantage as the start of a path: whom its `resolv.conf` names.
    pub(super) fn client(&mut self, chain: &Chain, place: &Place) {
        let servers = if let Some((_, conf)) = self.seen.resolv_conf(&place.name) {
            conf.nameservers
        } else {
            self.unseen(format!("/etc/resolv.conf of {}", place.name));
            Vec::new()
        };
        let to = servers.into_iter().map(|server| self.first_hop(chain, place, server)).collect();
        let mut hop = blank(&place.name, Role::Client, &place.name, None);
        hop.node.clone_from(&place.node);
        hop.forwards = vec![Forward { zones: vec![".".to_owned()], to }];
        self.hops.push(hop);
    }

    /// The hop at an address that a `resolv.conf` names.
    fn first_hop(&mut self, chain: &Chain, place: &Place, server: IpAddr) -> String {
        let address = SocketAddr::new(server, DNS);
        let is_own = server.is_loopback() || local_addresses(&self.seen, &place.name).contains(&server);
        let (id, role, node) = match place.kind {
            _ if self.is_cluster_dns(chain, server) && chain.platform == Platform::Minishift => {
                (self.id("node"), Role::Node, None)
            }
            _ if self.is_cluster_dns(chain, server) => ("coredns".to_owned(), Role::Coredns, None),
            PlaceKind::Node | PlaceKind::Other if is_own => {
                (self.own_resolver(chain, place), own_role(chain), Some(place.name.clone()))
            }
            PlaceKind::Workstation if is_own => {
                ("workstation-dns".to_owned(), Role::Workstation, Some(place.name.clone()))
            }
            _ => match self.node_with(server) {
                Some(node) => (self.own_resolver(chain, &node), own_role(chain), Some(node.name)),
                None if chain.platform == Platform::OpenShift3 && place.kind == PlaceKind::Pod => {
                    ("dnsmasq".to_owned(), Role::Dnsmasq, place.node.clone())
                }
                None => return self.upstream(&place.name, address),
            },
        };
        self.add(Hop { node, ..blank(&id, role, &place.name, Some(address)) })
    }

    /// True for the address of the cluster's DNS Service: as the API says, else by its place in the known service networks.
    fn is_cluster_dns(&self, chain: &Chain, server: IpAddr) -> bool {
        let service =
            ["services/openshift-dns/dns-default", "services/kube-dns/kube-dns", "services/kube-system/kube-dns"];
        let said: Vec<IpAddr> = service
            .iter()
            .filter_map(|name| self.seen.object(name))
            .flat_map(|(_, object)| cluster_ips(&object))
            .collect();
        let known = match chain.platform {
            Platform::OpenShift4 | Platform::Crc => &["172.30.0.10"][..],
            Platform::MicroShift => &["10.43.0.10"],
            Platform::Minishift => &["172.30.0.1", "172.30.0.2"],
            Platform::Kubernetes => &["10.96.0.10"],
            Platform::OpenShift3 | Platform::None => &[],
        };
        let is_known = known.contains(&server.to_string().as_str());
        let by_place = chain.platform == Platform::Kubernetes && is_like_a_service(server);
        if said.is_empty() { is_known || by_place } else { said.contains(&server) }
    }

    /// The node whose address this is: one that is a vantage, or one that the API names.
    fn node_with(&self, server: IpAddr) -> Option<Place> {
        let nodes = || self.seen.places(PlaceKind::Node);
        if let Some(place) = nodes().find(|place| local_addresses(&self.seen, &place.name).contains(&server)) {
            return Some(place.clone());
        }
        let (at, _) = self.seen.objects("nodes/").find(|(_, node)| addresses_of_node(node).contains(&server))?;
        let name = at.name.trim_start_matches("nodes/").to_owned();
        Some(Place { name: name.clone(), kind: PlaceKind::Node, how: String::new(), pod: None, node: Some(name) })
    }

    /// The id of the resolver that a node runs for its pods and itself.
    pub(super) fn own_resolver(&self, chain: &Chain, place: &Place) -> String {
        let base = own_role(chain).word();
        let several = self.seen.places(PlaceKind::Node).count() > 1;
        if several { format!("{base}@{}", place.name) } else { self.id(base) }
    }

    /// The id of a hop: this word, unless a vantage, which is a hop too, is called so.
    pub(super) fn id(&self, word: &str) -> String {
        let taken = self.seen.evidence.places.iter().any(|place| place.name == word);
        if taken { format!("{word}-resolver") } else { word.to_owned() }
    }

    /// A resolver outside of the cluster, asked from a place; its id.
    pub(super) fn upstream(&mut self, place: &str, address: SocketAddr) -> String {
        if let Some(id) = self.at(address) {
            return self.also_from(&id, place);
        }
        let number = self.hops.iter().filter(|hop| hop.role == Role::Upstream).count() + 1;
        self.add(blank(&format!("upstream-{number}"), Role::Upstream, place, Some(address)))
    }

    /// Adds a hop, or the places of one that is there already; returns its id.
    pub(super) fn add(&mut self, hop: Hop) -> String {
        let id = hop.id.clone();
        match self.hops.iter_mut().find(|other| other.id == id) {
            None => self.hops.push(hop),
            Some(other) => {
                for place in hop.asked_from {
                    if !other.asked_from.contains(&place) {
                        other.asked_from.push(place);
                    }
                }
            }
        }
        id
    }

    /// Lets a hop be asked from one more place; returns its id.
    pub(super) fn also_from(&mut self, id: &str, place: &str) -> String {
        if let Some(hop) = self.hops.iter_mut().find(|hop| hop.id == id)
            && !hop.asked_from.iter().any(|other| other == place)
        {
            hop.asked_from.push(place.to_owned());
        }
        id.to_owned()
    }

    /// Says whom a hop asks; replaces what was said before.
    pub(super) fn forwards(&mut self, id: &str, forwards: Vec<Forward>) {
        if let Some(hop) = self.hops.iter_mut().find(|hop| hop.id == id) {
            hop.forwards = forwards;
        }
    }

    /// The hop that is asked at an address. Loopback addresses are another hop at every place.
    pub(super) fn at(&self, address: SocketAddr) -> Option<String> {
        let same = |hop: &&Hop| hop.address == Some(address) && !address.ip().is_loopback();
        self.hops.iter().find(same).map(|hop| hop.id.clone())
    }

    /// The hops of one role so far.
    pub(super) fn role(&self, role: Role) -> Vec<Hop> {
        self.hops.iter().filter(|hop| hop.role == role).cloned().collect()
    }
}

/// What a node's own resolver is called on this platform.
fn own_role(chain: &Chain) -> Role {
    if chain.platform == Platform::OpenShift3 { Role::Dnsmasq } else { Role::Node }
}

/// A hop that asks nobody yet.
pub(super) fn blank(id: &str, role: Role, place: &str, address: Option<SocketAddr>) -> Hop {
    Hop {
        id: id.to_owned(),
        role,
        vantage: place.to_owned(),
        address,
        software: None,
        asked_from: if role == Role::Client { Vec::new() } else { vec![place.to_owned()] },
        forwards: Vec::new(),
        node: None,
    }
}

/// Everything, as a zone.
pub(super) fn everything(to: Vec<String>) -> Forward {
    Forward { zones: vec![".".to_owned()], to }
}
