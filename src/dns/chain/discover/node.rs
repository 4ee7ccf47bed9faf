//! The chains that begin with a resolver of the machine itself: OpenShift 3 nodes, minishift, workstations. Pure.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::builder::{Builder, DNS, blank, everything};
use super::facts::local_addresses;
use super::{is_target_below, node_place};
use crate::dns::chain::{Chain, Forward, Hop, Place, PlaceKind, Role, Target, is_below};
use crate::dns::files::hosts::HostsFile;
use crate::dns::files::resolv::ResolvConf;
use crate::dns::seen::Seen;

/// SkyDNS in the node process.
const NODE_PROCESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DNS);
/// The VM of OpenShift Local, network mode `system`.
const CRC_VM: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 168, 130, 11)), DNS);

/// 3.6 to 3.11: dnsmasq, behind it SkyDNS on loopback and the resolvers that the node was given.
pub(super) fn openshift3(builder: &mut Builder<'_>, chain: &Chain) {
    let seen = Seen::new(builder.seen.evidence);
    for place in seen.places(PlaceKind::Node) {
        let several = seen.places(PlaceKind::Node).count() > 1;
        let free = ["dnsmasq", "node"].map(|word| builder.id(word));
        let [dnsmasq_id, node_id] = free.map(|word| if several { format!("{word}@{}", place.name) } else { word });
        let dnsmasq = builder.role(Role::Dnsmasq).into_iter().find(|hop| hop.id == dnsmasq_id);
        let dnsmasq = match dnsmasq {
            Some(hop) => builder.also_from(&hop.id, &place.name),
            // Neither the node nor its pods ask it any more: it is looked for where it should be.
            None => match unasked(&seen, &place.name) {
                Some(address) => builder.add(Hop {
                    node: Some(place.name.clone()),
                    ..blank(&dnsmasq_id, Role::Dnsmasq, &place.name, Some(SocketAddr::new(address, DNS)))
                }),
                None => continue,
            },
        };
        let node = builder.add(Hop {
            node: Some(place.name.clone()),
            software: Some("SkyDNS in the node process".to_owned()),
            ..blank(&node_id, Role::Node, &place.name, Some(NODE_PROCESS))
        });
        behind_dnsmasq(builder, chain, place, &dnsmasq, &node);
        behind_node_process(builder, place, &node);
    }
    if seen.places(PlaceKind::Node).next().is_none() {
        builder
            .unseen("what stands behind dnsmasq: give the node as a vantage (`--vantage node=exec:'ssh root@NODE'`)");
    }
}

/// Where the dnsmasq of a node should be that nobody names: where something waits, else at the node's first address.
fn unasked(seen: &Seen<'_>, place: &str) -> Option<IpAddr> {
    let waiting = seen.waiting(place).map(|(_, all)| all).unwrap_or_default().into_iter().map(|at| at.ip());
    let outer = |address: &IpAddr| !address.is_loopback() && !address.is_unspecified();
    waiting.chain(local_addresses(seen, place)).find(outer)
}

/// dnsmasq's rules as far as files tell them. The cluster's own zones come by D-Bus, so no file need name them.
fn behind_dnsmasq(builder: &mut Builder<'_>, chain: &Chain, place: &Place, dnsmasq: &str, node: &str) {
    let conf = builder.seen.dnsmasq_conf(&place.name).map(|(_, conf)| conf).unwrap_or_default();
    let mut forwards: Vec<Forward> = Vec::new();
    for server in conf.servers.iter().filter(|server| !server.domains.is_empty()) {
        let Some(address) = server.address else { continue };
        let to = match address {
            NODE_PROCESS => node.to_owned(),
            address if server.domains.iter().any(|domain| is_below(domain, &chain.cluster_domain)) => {
                let number = builder.role(Role::Master).len() + 1;
                builder.add(blank(&format!("master-{number}"), Role::Master, &place.name, Some(address)))
            }
            address => builder.upstream(&place.name, address),
        };
        forwards.push(Forward { zones: server.domains.clone(), to: vec![to] });
    }
    if !forwards.iter().any(|forward| forward.zones.iter().any(|zone| is_below(zone, &chain.cluster_domain))) {
        let zones = vec![chain.cluster_domain.clone(), "in-addr.arpa".to_owned()];
        forwards.push(Forward { zones, to: vec![node.to_owned()] });
    }
    let own = local_addresses(&builder.seen, &place.name);
    let mut servers: Vec<SocketAddr> = conf.upstreams().collect();
    if !conf.has("no-resolv") {
        let file =
            conf.values.get("resolv-file").and_then(|files| files.last()).map_or("/etc/resolv.conf", String::as_str);
        servers.extend(nameservers(builder, place, file));
    }
    // One that names itself is a fault, and asking it through itself would show nothing.
    let to = servers
        .into_iter()
        .filter(|server| !own.contains(&server.ip()))
        .map(|server| builder.upstream(&place.name, server));
    forwards.push(everything(to.collect()));
    builder.forwards(dnsmasq, forwards);
}

/// SkyDNS asks the resolvers of its own file for everything that is not the cluster's.
fn behind_node_process(builder: &mut Builder<'_>, place: &Place, node: &str) {
    let own = local_addresses(&builder.seen, &place.name);
    let servers = nameservers(builder, place, "/etc/origin/node/resolv.conf");
    let to = servers
        .into_iter()
        .filter(|server| !own.contains(&server.ip()))
        .map(|server| builder.upstream(&place.name, server));
    let forward = everything(to.collect());
    builder.forwards(node, vec![forward]);
}

/// minishift and `oc cluster up`: SkyDNS behind a Service, and what the VM's `resolv.conf` names.
pub(super) fn minishift(builder: &mut Builder<'_>, _: &Chain) {
    let Some(vm) = node_place(&builder.seen.evidence.places, None).cloned() else {
        builder.unseen("the resolvers of the VM: give it as a vantage, with `minishift ssh` as its prefix");
        return;
    };
    let servers = nameservers(builder, &vm, "/etc/resolv.conf");
    let to: Vec<String> = servers.into_iter().map(|server| builder.upstream(&vm.name, server)).collect();
    for hop in builder.role(Role::Node) {
        builder.also_from(&hop.id, &vm.name);
        builder.forwards(&hop.id, vec![everything(to.clone())]);
    }
}

/// A workstation: its stub, if it has one, and whom that asks for which domain.
pub(super) fn workstation(builder: &mut Builder<'_>, place: &Place, targets: &[Target]) {
    let stub = builder.role(Role::Workstation).into_iter().find(|hop| hop.node.as_deref() == Some(&place.name));
    if let Some(stub) = stub {
        let mut forwards = split_rules(builder, place);
        let servers = nameservers(builder, place, "/run/systemd/resolve/resolv.conf");
        let conf = builder.seen.dnsmasq_conf(&place.name).map(|(_, conf)| conf).unwrap_or_default();
        let servers: Vec<SocketAddr> = servers.into_iter().chain(conf.upstreams()).collect();
        let to: Vec<String> = servers.into_iter().map(|server| builder.upstream(&place.name, server)).collect();
        if to.is_empty() {
            builder.unseen(format!("whom the resolver of {} asks itself: no file says it", place.name));
        }
        forwards.push(everything(to));
        builder.forwards(&stub.id, forwards);
    }
    let of_crc = is_target_below(targets, "crc.testing") || is_target_below(targets, "apps-crc.testing");
    if of_crc && !is_user_mode(builder, place) && builder.at(CRC_VM).is_none() {
        builder.add(Hop {
            software: Some("dnsmasq of the VM".to_owned()),
            ..blank("crc-vm", Role::Upstream, &place.name, Some(CRC_VM))
        });
    }
}

/// In network mode `user` OpenShift Local is at the workstation's own address, and there is no dnsmasq.
fn is_user_mode(builder: &Builder<'_>, place: &Place) -> bool {
    let text = builder.seen.file(&place.name, "/etc/hosts").map_or("", |(_, text)| text);
    HostsFile::parse(text).addresses("api.crc.testing").iter().any(IpAddr::is_loopback)
}

/// `server=/DOMAIN/ADDRESS` of the workstation's own dnsmasq and of NetworkManager's.
fn split_rules(builder: &mut Builder<'_>, place: &Place) -> Vec<Forward> {
    let of_manager = builder.seen.files_below(&place.name, "/etc/NetworkManager/dnsmasq.d/").map(|(_, text)| text);
    let mut conf = crate::dns::files::dnsmasq::DnsmasqConf::parse(of_manager);
    conf.servers.extend(builder.seen.dnsmasq_conf(&place.name).map(|(_, conf)| conf.servers).unwrap_or_default());
    let rules = conf.servers.into_iter().filter(|server| !server.domains.is_empty());
    let rules: Vec<_> = rules.filter_map(|server| Some((server.domains, server.address?))).collect();
    rules
        .into_iter()
        .map(|(zones, address)| Forward { zones, to: vec![builder.upstream(&place.name, address)] })
        .collect()
}

/// The nameservers of a file of this form, if it is there.
pub(super) fn nameservers(builder: &Builder<'_>, place: &Place, path: &str) -> Vec<SocketAddr> {
    let text = builder.seen.file(&place.name, path).map_or("", |(_, text)| text);
    ResolvConf::parse(text).nameservers.into_iter().map(|address| SocketAddr::new(address, DNS)).collect()
}
