//! The chains that begin with the cluster's CoreDNS: OpenShift 4, OpenShift Local, MicroShift. Pure.

use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use super::builder::{Builder, DNS, blank, everything};
use super::facts::local_addresses;
use super::node::nameservers;
use super::node_place;
use crate::dns::chain::{Chain, Forward, Hop, Place, PlaceKind, Role};
use crate::dns::files::corefile::{Corefile, Upstream};

/// The Service, its pods, and whom these ask.
pub(super) fn cluster(builder: &mut Builder<'_>, chain: &Chain) {
    let places = builder.seen.evidence.places.clone();
    let inside: Vec<&Place> =
        places.iter().filter(|place| matches!(place.kind, PlaceKind::Pod | PlaceKind::Node)).collect();
    if let Some(service) = service_address(builder) {
        for place in &inside {
            builder.add(blank("coredns", Role::Coredns, &place.name, Some(service)));
        }
    }
    let pods = pods(builder);
    for (pod, address, node) in &pods {
        for place in &inside {
            builder.add(Hop { node: node.clone(), ..blank(pod, Role::Coredns, &place.name, Some(*address)) });
        }
    }
    let servers: Vec<(String, Option<String>)> = if pods.is_empty() {
        vec![("coredns".to_owned(), None)]
    } else {
        builder.forwards("coredns", vec![everything(pods.iter().map(|(pod, ..)| pod.clone()).collect())]);
        pods.into_iter().map(|(pod, _, node)| (pod, node)).collect()
    };
    for (server, node) in servers {
        let forwards = behind(builder, &inside, node.as_deref(), corefile(builder));
        builder.forwards(&server, forwards);
    }
    for place in places.iter().filter(|place| place.kind == PlaceKind::Node) {
        behind_node_resolver(builder, chain, place);
    }
}

/// Where the API says that the Service is.
fn service_address(builder: &Builder<'_>) -> Option<SocketAddr> {
    let (_, service) = builder.seen.object("services/openshift-dns/dns-default")?;
    Some(SocketAddr::new(super::facts::cluster_ips(&service).first().copied()?, DNS))
}

/// The pods behind the Service: id, address and node of each, as its EndpointSlices list them.
fn pods(builder: &Builder<'_>) -> Vec<(String, SocketAddr, Option<String>)> {
    let mut found = Vec::new();
    for (_, slice) in builder.seen.objects("endpointslices/openshift-dns/") {
        let service = slice.pointer("/metadata/labels/kubernetes.io~1service-name").and_then(Value::as_str);
        if service.is_some_and(|service| service != "dns-default") {
            continue;
        }
        let ports = slice["ports"].as_array().into_iter().flatten();
        let mut ports = ports.filter(|port| port["name"].as_str().is_none_or(|name| name.starts_with("dns")));
        let port =
            ports.find_map(|port| port["port"].as_u64()).and_then(|port| u16::try_from(port).ok()).unwrap_or(5353);
        for endpoint in slice["endpoints"].as_array().into_iter().flatten() {
            let address: Option<IpAddr> = endpoint["addresses"][0].as_str().and_then(|address| address.parse().ok());
            let Some(address) = address else { continue };
            let name = endpoint.pointer("/targetRef/name").and_then(Value::as_str);
            let id = format!("coredns/{}", name.map_or_else(|| address.to_string(), str::to_owned));
            found.push((id, SocketAddr::new(address, port), endpoint["nodeName"].as_str().map(str::to_owned)));
        }
    }
    found
}

/// The Corefile of the cluster's CoreDNS: the API's, or one at a node.
fn corefile(builder: &Builder<'_>) -> Option<String> {
    let object = builder.seen.object("configmaps/openshift-dns/dns-default");
    object.and_then(|(_, map)| map.pointer("/data/Corefile")?.as_str().map(str::to_owned))
}

/// Whom a CoreDNS asks: `forward` of each server block; what it does not forward it answers itself.
fn behind(builder: &mut Builder<'_>, inside: &[&Place], node: Option<&str>, corefile: Option<String>) -> Vec<Forward> {
    let places = builder.seen.evidence.places.clone();
    let node = node_place(&places, node);
    let asker = node.map_or_else(|| inside.first().map(|place| place.name.clone()), |place| Some(place.name.clone()));
    let Some(asker) = asker else { return Vec::new() };
    let Some(text) = corefile else {
        if node.is_none() {
            builder.unseen("whom CoreDNS asks: neither its Corefile nor a node could be read");
        }
        return node.map(|place| everything(of_resolv_conf(builder, place))).into_iter().collect();
    };
    let mut forwards = Vec::new();
    for block in Corefile::parse(&text).blocks {
        for forward in block.forwards() {
            let mut to = Vec::new();
            for target in &forward.to {
                match (target, node) {
                    (Upstream::Server { address, .. }, _) => to.push(builder.upstream(&asker, *address)),
                    (Upstream::Unknown(text), _) => {
                        builder.unseen(format!("`{text}`, which the Corefile forwards to and which is no address"));
                    }
                    (Upstream::File(_), Some(place)) => to.extend(of_resolv_conf(builder, place)),
                    (Upstream::File(path), None) => {
                        builder.unseen(format!("{path} of the node, which CoreDNS takes its upstreams from"));
                    }
                }
            }
            let of_block = || block.zones.iter().map(|zone| zone.name.clone()).collect();
            let zones = if forward.zone == "." { of_block() } else { vec![forward.zone.clone()] };
            forwards.push(Forward { zones, to });
        }
    }
    forwards
}

/// The resolvers that a node's `resolv.conf` names: its own one first, where it runs one.
fn of_resolv_conf(builder: &mut Builder<'_>, place: &Place) -> Vec<String> {
    let servers = nameservers(builder, place, "/etc/resolv.conf");
    servers.into_iter().map(|server| of_node(builder, place, server)).collect()
}

fn of_node(builder: &mut Builder<'_>, place: &Place, server: SocketAddr) -> String {
    let own = |builder: &Builder<'_>| {
        server.ip().is_loopback() || local_addresses(&builder.seen, &place.name).contains(&server.ip())
    };
    if own(builder) {
        let hop = builder.role(Role::Node).into_iter().find(|hop| hop.node.as_deref() == Some(&place.name));
        if let Some(hop) = hop {
            return hop.id;
        }
    }
    builder.upstream(&place.name, server)
}

/// A node's own resolver that its `resolv.conf` does not name, where its configuration is there.
fn left_out(builder: &mut Builder<'_>, chain: &Chain, place: &Place) -> Option<Hop> {
    builder.seen.file(&place.name, "/etc/coredns/Corefile")?;
    let own = local_addresses(&builder.seen, &place.name).into_iter().find(|address| !address.is_loopback())?;
    let id = builder.own_resolver(chain, place);
    let hop =
        Hop { node: Some(place.name.clone()), ..blank(&id, Role::Node, &place.name, Some(SocketAddr::new(own, DNS))) };
    builder.add(hop.clone());
    Some(hop)
}

/// A node's own resolver on platforms that give it one: a static CoreDNS, or a dnsmasq on single nodes.
fn behind_node_resolver(builder: &mut Builder<'_>, chain: &Chain, place: &Place) {
    let hop = builder.role(Role::Node).into_iter().find(|hop| hop.node.as_deref() == Some(&place.name));
    let Some(hop) = hop.or_else(|| left_out(builder, chain, place)) else { return };
    let own = local_addresses(&builder.seen, &place.name);
    let conf = builder.seen.dnsmasq_conf(&place.name).map(|(_, conf)| conf).unwrap_or_default();
    let corefile = builder.seen.file(&place.name, "/etc/coredns/Corefile").map(|(_, text)| Corefile::parse(text));
    let of_corefile = corefile.into_iter().flat_map(|file| file.blocks).flat_map(|block| block.forwards());
    let of_corefile = of_corefile.flat_map(|forward| forward.to).filter_map(|target| match target {
        Upstream::Server { address, .. } => Some(address),
        Upstream::File(_) | Upstream::Unknown(_) => None,
    });
    let mut servers: Vec<SocketAddr> = of_corefile.chain(conf.upstreams()).collect();
    if servers.is_empty() {
        servers = nameservers(builder, place, "/etc/resolv.conf");
    }
    let to = servers
        .into_iter()
        .filter(|server| !own.contains(&server.ip()))
        .map(|server| builder.upstream(&place.name, server));
    let forward = everything(to.collect());
    builder.forwards(&hop.id, vec![forward]);
}
