//! F51: pods ask an address at which the cluster's DNS does not stand, or to which another route leads.

use std::net::IpAddr;

use serde_json::Value;

use super::places::first_hops;
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Place, PlaceKind, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::proc::{self, Network, Route};
use crate::dns::seen::{Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F51",
    code: "wrong-dns-address",
    title: "Pods ask an address at which the cluster's DNS does not stand",
    shows: "the nameserver in resolv.conf never answers while the pods of CoreDNS do: it is not the address of the Service \
            (changed service network, kubelet with another clusterDNS), or a route of the machine's own network covers it",
    mend: "make clusterDNS of the kubelet and the Service's clusterIP the same and delete the pods; where a network overlaps \
           the service network, choose another service network (or another network for the machines)",
    stage: Stage::Files,
    explains: &["policy-blocks-5353", "node-firewall"],
    find,
    ask: nothing_more,
};

/// Services behind which the cluster's DNS stands.
const SERVICES: [&str; 3] =
    ["services/openshift-dns/dns-default", "services/kube-dns/kube-dns", "services/kube-system/kube-dns"];
/// Devices and gateways of the cluster's own network: a route to the service network through them is right.
const OWN_DEVICES: [&str; 7] = ["tun", "ovn-", "br-ex", "ovs-", "cni", "kube-ipvs", "vxlan"];
/// The service network, unless the cluster says otherwise.
const USUAL: &str = "172.30.0.0/16";

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let pods = seen.places(PlaceKind::Pod);
    pods.filter_map(|place| other_address(seen, place).or_else(|| covered(seen, place))).collect()
}

/// The address of the cluster's DNS, and where that was seen: the API, else a chain that was given.
fn right_address(seen: &Seen<'_>) -> Option<(Vec<usize>, Vec<IpAddr>, String)> {
    for name in SERVICES {
        if let Some((at, service)) = seen.object(name) {
            let many = service["spec"]["clusterIPs"].as_array().into_iter().flatten();
            let all = many.chain([&service["spec"]["clusterIP"]]).filter_map(Value::as_str);
            let all: Vec<IpAddr> = all.filter_map(|address| address.parse().ok()).collect();
            return (!all.is_empty()).then(|| (vec![at.index], all, name.trim_start_matches("services/").to_owned()));
        }
    }
    let hop =
        seen.role(Role::Coredns).find(|hop| !hop.id.contains('/') && seen.answers_somewhere(&hop.id).is_some())?;
    let at = seen.answers_somewhere(&hop.id)?;
    Some((vec![at.index], vec![hop.address?.ip()], hop.id.clone()))
}

/// resolv.conf names an address that is not the Service's, and nobody answers there.
fn other_address(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let (file, conf) = seen.resolv_conf(&place.name)?;
    let (rests, right, who) = right_address(seen)?;
    if conf.nameservers.iter().any(|address| right.contains(address))
        || !conf.search.iter().any(|suffix| suffix.starts_with("svc."))
    {
        return None;
    }
    let hops = first_hops(seen, &place.name);
    let lost: Option<Vec<_>> = hops.iter().map(|hop| seen.unreached(&place.name, &hop.id)).collect();
    let lost = lost.filter(|lost| !lost.is_empty())?;
    let kubelet = place.node.as_deref().and_then(|node| seen.object(&format!("kubelet/{node}")));
    let of_kubelet =
        kubelet.as_ref().map(|(_, kubelet)| format!("; its kubelet has clusterDNS {}", kubelet["clusterDNS"]));
    let message = format!(
        "{} asks {}, where nobody answers; {who} stands at {}{}",
        place.pod.as_deref().unwrap_or(&place.name),
        list(&conf.nameservers),
        list(&right),
        of_kubelet.unwrap_or_default(),
    );
    let sign = Sign::new(&seen.client(&place.name)?.id, Confidence::Certain, message).resting_on([file.index]);
    let sign = sign.resting_on(rests).resting_on(kubelet.map(|(at, _)| at.index));
    Some(sign.resting_on(indexes(lost.into_iter().flatten())))
}

/// The address is right, and a route that is not the cluster's leads there.
fn covered(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let hops = first_hops(seen, &place.name);
    let hop = hops.iter().find(|hop| hop.role == Role::Coredns || hop.role == Role::Node)?;
    let lost = seen.unreached(&place.name, &hop.id)?;
    let Some(IpAddr::V4(address)) = hop.address.map(|address| address.ip()) else { return None };
    let networks = service_networks(seen);
    let network = networks.iter().find(|network| network.holds(address))?;
    let foreign = |node: &Place| {
        let (file, text) = seen.file(&node.name, "/proc/net/route")?;
        let mut routes = proc::overlapping(text, *network).into_iter();
        Some((file, routes.find(|route| is_foreign(route) && route.network.holds(address))?))
    };
    let mut nodes = seen.places(PlaceKind::Node);
    let (node, (file, route)) = nodes.find_map(|node| Some((node, foreign(node)?)))?;
    let message = format!(
        "{address} lies in {}, a network that {} reaches through {}; the service network is {network}",
        route.network, node.name, route.device,
    );
    let client = seen.client(&node.name)?;
    Some(Sign::new(&client.id, Confidence::Likely, message).resting_on(indexes(lost)).resting_on([file.index]))
}

fn is_foreign(route: &Route) -> bool {
    !OWN_DEVICES.iter().any(|own| route.device.starts_with(own)) && !route.gateway.is_link_local()
}

fn service_networks(seen: &Seen<'_>) -> Vec<Network> {
    let object = seen.object("networks.config.openshift.io/cluster").map(|(_, object)| object);
    let said = object.as_ref().and_then(|object| object.pointer("/status/serviceNetwork")?.as_array());
    let said: Vec<Network> =
        said.into_iter().flatten().filter_map(|network| Network::parse(network.as_str()?)).collect();
    if said.is_empty() { Network::parse(USUAL).into_iter().collect() } else { said }
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::openshift4;
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;
    use crate::dns::observation::Observation;

    const LAN: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n\
                       eth0\t000010AC\t00000000\t0001\t0\t0\t0\t0000F0FF\n";
    const OWN: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n\
                       tun0\t00001EAC\t00000000\t0001\t0\t0\t0\t0000FFFF\n";

    fn nobody_answers_the_pod() -> Evidence {
        let mut evidence = openshift4();
        evidence.change("coredns", |at| at.vantage == "pod", Observation::set_silent);
        evidence
    }

    #[test]
    fn an_address_that_is_not_the_services_is_blamed() {
        let mut evidence = openshift4();
        let conf =
            "search team1.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.43.0.10\noptions ndots:5\n";
        evidence.file("pod", "/etc/resolv.conf", conf);
        let mut other = evidence.chain.hop("coredns").cloned().unwrap();
        (other.id, other.address) = ("upstream-2".to_owned(), "10.43.0.10:53".parse().ok());
        evidence.chain.hops.push(other);
        evidence.chain.hops[0].forwards[0].to = vec!["upstream-2".to_owned()];
        let mut lost = evidence.question("pod", "upstream-2", "github.com", "A");
        lost.set_silent();
        evidence.put(lost);
        let signs = evidence.signs("F51");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "pod", Confidence::Certain));
        assert!(
            signs[0].message.contains("10.43.0.10") && signs[0].message.contains("172.30.0.10"),
            "{}",
            signs[0].message
        );
    }

    #[test]
    fn a_network_of_the_machine_over_the_services_is_blamed() {
        let mut evidence = nobody_answers_the_pod();
        evidence.file("node1", "/proc/net/route", LAN);
        let signs = evidence.signs("F51");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "node1", Confidence::Likely));
        assert!(signs[0].message.contains("172.16.0.0/12"), "{}", signs[0].message);
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut policy = nobody_answers_the_pod();
        policy.file("node1", "/proc/net/route", OWN);
        assert_eq!(policy.signs("F51"), [], "F31: the address is right");
        let mut overlapping = openshift4();
        overlapping.file("node1", "/proc/net/route", LAN);
        assert_eq!(overlapping.signs("F51"), [], "it answers all the same");
        let mut local_cache = openshift4();
        local_cache.file("pod", "/etc/resolv.conf", "search svc.cluster.local\nnameserver 169.254.20.10\n");
        assert_eq!(local_cache.signs("F51"), [], "another address that answers");
    }
}
