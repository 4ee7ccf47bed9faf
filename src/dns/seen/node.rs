//! How rules look at an OpenShift 3 node: its dnsmasq, the node process behind it, the servers it asks for all else. Pure.

use std::net::{IpAddr, SocketAddr};

use super::{At, Counted, Seen};
use crate::dns::chain::{Hop, Place, PlaceKind, Role, is_below};
use crate::dns::files::dnsmasq::DnsmasqConf;
use crate::dns::files::proc;
use crate::dns::observation::{Observation, Transport, Trouble};

impl<'a> Seen<'a> {
    /// The vantage that stands on the node of a hop.
    pub fn node_of(&self, hop: &Hop) -> Option<&'a Place> {
        let node = hop.node.as_deref()?;
        self.places(PlaceKind::Node).find(|place| place.name == node || place.node.as_deref() == Some(node))
    }

    /// The addresses that a vantage has itself, as far as its kernel was asked.
    pub fn own_addresses(&self, vantage: &str) -> Vec<IpAddr> {
        let text = |path: &str| self.file(vantage, path).map_or("", |(_, text)| text);
        let v4 = proc::ipv4_addresses(text("/proc/net/fib_trie")).into_iter().map(IpAddr::V4);
        v4.chain(proc::ipv6_addresses(text("/proc/net/if_inet6")).into_iter().map(IpAddr::V6)).collect()
    }

    /// Where programs of a vantage wait for UDP queries on port 53, and where that was read; `None` when it was not.
    pub fn waiting(&self, vantage: &str) -> Option<(Vec<usize>, Vec<SocketAddr>)> {
        let tables: Vec<(At<'a>, &'a str)> =
            ["/proc/net/udp", "/proc/net/udp6"].into_iter().filter_map(|path| self.file(vantage, path)).collect();
        let found = tables.iter().flat_map(|(_, text)| proc::udp_listeners(text, 53)).collect();
        (!tables.is_empty()).then(|| (tables.iter().map(|(at, _)| at.index).collect(), found))
    }

    /// The hops that are dnsmasq of a node.
    pub fn dnsmasqs(&self) -> impl Iterator<Item = &'a Hop> + use<'a> {
        self.role(Role::Dnsmasq)
    }

    /// The node process (SkyDNS) on the node of a dnsmasq.
    pub fn node_process(&self, dnsmasq: &Hop) -> Option<&'a Hop> {
        self.role(Role::Node).find(|hop| hop.node == dnsmasq.node)
    }

    /// What the files and arguments of this dnsmasq say, and where they were seen.
    pub fn conf_of(&self, dnsmasq: &Hop) -> Option<(Vec<usize>, DnsmasqConf)> {
        self.dnsmasq_conf(&self.node_of(dnsmasq)?.name)
    }

    /// The hops that a hop asks for names outside of the cluster.
    pub fn upstreams(&self, hop: &Hop) -> Vec<&'a Hop> {
        self.asks_for(hop, ".").into_iter().filter(|next| next.role == Role::Upstream).collect()
    }

    /// Queries to a hop for addresses of names outside of the cluster, by UDP: targets, and names that must be sought there.
    pub fn outside(&self, hop: &Hop) -> Vec<At<'a>> {
        let fits = |at: &At<'_>| at.transport == Transport::Udp && (at.kind == "A" || at.kind == "AAAA");
        self.asked(&hop.id).filter(fits).filter(|at| at.name.contains('.') && !self.is_cluster_name(&at.name)).collect()
    }

    /// Queries to a hop for the address of a Service that is there: the one that every cluster has, and targets with known
    /// addresses.
    pub fn services(&self, hop: &Hop) -> Vec<At<'a>> {
        let known = self.evidence.known_service();
        let is_there = |name: &str| {
            name.eq_ignore_ascii_case(&known)
                || self.targets().any(|target| {
                    target.name.eq_ignore_ascii_case(name) && !target.expected.is_empty() && self.is_cluster_name(name)
                })
        };
        let fits = |at: &At<'_>| at.transport == Transport::Udp && at.kind == "A" && is_there(&at.name);
        self.asked(&hop.id).filter(fits).collect()
    }

    /// The servers that dnsmasq says it asks, without the node process: those for names outside of the cluster.
    pub fn outside_servers(&self, dnsmasq: &Hop) -> Option<(At<'a>, Vec<Counted>)> {
        let (at, mut servers) = self.dnsmasq_servers(&dnsmasq.id)?;
        servers.retain(|server| server.address.is_none_or(|address| !self.is_for_cluster(address)));
        Some((at, servers))
    }

    /// Where dnsmasq sends names of the cluster, and what says so: its own words, else its files. `None`: nothing says it.
    pub fn cluster_servers(&self, dnsmasq: &Hop) -> Option<(Vec<usize>, Vec<SocketAddr>)> {
        if let Some((at, servers)) = self.dnsmasq_servers(&dnsmasq.id) {
            let addresses = servers.iter().filter_map(|server| server.address);
            return Some((vec![at.index], addresses.filter(|address| self.is_for_cluster(*address)).collect()));
        }
        let (rests, conf) = self.conf_of(dnsmasq)?;
        let domain = &self.evidence.chain.cluster_domain;
        let rules = conf.servers.iter().filter(|server| server.domains.iter().any(|zone| is_below(zone, domain)));
        let addresses: Vec<SocketAddr> = rules.filter_map(|server| server.address).collect();
        (!addresses.is_empty()).then_some((rests, addresses))
    }

    /// Every query to a hop, when each was refused (nothing listens) and each place that may ask it did.
    pub fn refused_everywhere(&self, hop: &Hop) -> Option<Vec<At<'a>>> {
        let all: Vec<Vec<At<'a>>> =
            hop.asked_from.iter().filter_map(|place| self.always(place, &hop.id, Trouble::Refused)).collect();
        (!all.is_empty() && self.answers_somewhere(&hop.id).is_none()).then(|| all.into_iter().flatten().collect())
    }

    /// True for an address at which only cluster names are asked for: loopback, a master, the Service of the API.
    pub fn is_for_cluster(&self, address: SocketAddr) -> bool {
        let known = self.evidence.known_service();
        let of_api = || {
            self.targets().filter(|target| target.name == known).any(|target| target.expected.contains(&address.ip()))
        };
        address.ip().is_loopback()
            || address.port() == 8053
            || self.role(Role::Master).any(|hop| hop.address == Some(address))
            || address.ip().to_string() == "172.30.0.1"
            || of_api()
    }

    /// True when a hop answered one of these rightly.
    pub fn any_right(&self, queries: &[At<'_>]) -> bool {
        queries.iter().any(|at| self.is_right(at))
    }
}

/// True for a refusal in the words of dnsmasq itself: REFUSED with the recursion bit, and nothing else.
pub fn own_refusal(at: &Observation) -> bool {
    at.said("REFUSED") && at.flag(|flags| flags.ra) && at.answers.is_empty() && at.authority.is_empty()
}

/// True for NOERROR or NXDOMAIN without any record: what a resolver makes up itself.
pub fn bare_denial(at: &Observation) -> bool {
    (at.said("NXDOMAIN") || at.said("NOERROR")) && at.answers.is_empty() && at.authority.is_empty()
}

/// Short words for what came back: `REFUSED in 0.3 ms`, `no reply within 2000 ms`.
pub fn outcome(at: &Observation) -> String {
    match (&at.rcode, &at.error) {
        (Some(rcode), _) if at.has_answer() => {
            let data: Vec<&str> =
                at.answers.iter().filter(|record| record.kind == at.kind).map(|record| record.data.as_str()).collect();
            format!("{rcode} {} in {:.1} ms", data.join(" "), at.ms)
        }
        (Some(rcode), _) => match at.soa() {
            Some(soa) => format!("{rcode} (SOA of `{}`) in {:.1} ms", soa.name, at.ms),
            None => format!("{rcode} without a SOA in {:.1} ms", at.ms),
        },
        (None, _) if at.silent() => format!("no reply within {:.0} ms", at.ms),
        (None, Some(error)) => format!("{} ({:.1} ms)", error.detail, at.ms),
        (None, None) => "nothing".to_owned(),
    }
}

/// The address of a hop, for a message.
pub fn address(hop: &Hop) -> String {
    hop.address.map(|address| address.to_string()).unwrap_or_default()
}
