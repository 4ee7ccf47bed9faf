//! What several rules ask of the places that names are asked from. Pure.

use serde_json::Value;

use crate::dns::chain::{Hop, Place, PlaceKind, Platform, Role};
use crate::dns::files::proc;
use crate::dns::seen::{At, Seen};

/// The hops that the client of a vantage asks first.
pub(super) fn first_hops<'a>(seen: &Seen<'a>, vantage: &str) -> Vec<&'a Hop> {
    seen.client(vantage).map(|client| seen.asks_for(client, ".")).unwrap_or_default()
}

/// Only servers outside of the cluster, or of a node, are asked first, and none says that it knows the cluster's names. Says
/// where that was seen.
pub(super) fn without_cluster_dns(seen: &Seen<'_>, vantage: &str) -> Option<Vec<usize>> {
    let hops = first_hops(seen, vantage);
    let known = seen.evidence.known_service();
    let mut rests = Vec::new();
    if hops.is_empty() || !hops.iter().all(|hop| is_outside(seen, hop)) {
        return None;
    }
    for hop in hops {
        match seen.reply_at(vantage, &hop.id, &known, "A") {
            Some(at) if at.replied() && !at.has_answer() && !at.said("SERVFAIL") => rests.push(at.index),
            // Names of the cluster are not asked of resolvers outside.
            None if seen.unreached(vantage, &hop.id).is_none() => {}
            _ => return None,
        }
    }
    Some(rests)
}

/// No part of the cluster's own DNS, whatever that answers at the moment.
fn is_outside(seen: &Seen<'_>, hop: &Hop) -> bool {
    let four = !matches!(seen.evidence.chain.platform, Platform::OpenShift3 | Platform::Minishift);
    matches!(hop.role, Role::Upstream | Role::Workstation) || hop.role == Role::Node && four
}

/// The object of a pod, as the API has it.
pub(super) fn pod_object<'a>(seen: &Seen<'a>, place: &Place) -> Option<(At<'a>, Value)> {
    seen.object(&format!("pods/{}", place.pod.as_deref()?))
}

/// A pod that stands in the network of its node: the API says so, or it has the node's own addresses. Says where that was seen.
pub(super) fn in_host_network(seen: &Seen<'_>, place: &Place) -> Option<Vec<usize>> {
    if let Some((at, pod)) = pod_object(seen, place) {
        return (pod["spec"]["hostNetwork"] == true).then(|| vec![at.index]);
    }
    let (here, addresses) = addresses(seen, &place.name)?;
    let of_node = |node: &Place| {
        let (there, others) = self::addresses(seen, &node.name)?;
        (others == addresses).then(|| vec![here, there])
    };
    seen.places(PlaceKind::Node).find_map(of_node)
}

/// The addresses of a place other than 127.0.0.1; `None` when there are none, or when they could not be read.
fn addresses(seen: &Seen<'_>, vantage: &str) -> Option<(usize, Vec<std::net::Ipv4Addr>)> {
    let (at, text) = seen.file(vantage, "/proc/net/fib_trie")?;
    let mut addresses = proc::ipv4_addresses(text);
    addresses.retain(|address| !address.is_loopback());
    (!addresses.is_empty()).then_some((at.index, addresses))
}

/// The names that were asked for and that only the cluster knows.
pub(super) fn cluster_targets<'a>(seen: &Seen<'a>) -> Vec<&'a str> {
    seen.targets().map(|target| target.name.as_str()).filter(|name| seen.is_cluster_name(name)).collect()
}

/// The nameservers of a vantage, for a sentence: `10.9.0.1, 10.9.0.2`.
pub(super) fn nameservers(seen: &Seen<'_>, vantage: &str) -> String {
    let conf = seen.resolv_conf(vantage).map(|(_, conf)| conf.nameservers).unwrap_or_default();
    conf.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
