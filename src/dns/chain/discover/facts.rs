//! What objects and files say about the cluster as a whole: its generation, its domains, its addresses. Pure.

use std::net::IpAddr;

use serde_json::Value;

use crate::dns::chain::{Kind, PlaceKind, Platform, Target, is_below};
use crate::dns::files::proc;
use crate::dns::seen::Seen;

/// Host of every Route of OpenShift Local.
const CRC_APPS: &str = "apps-crc.testing";
/// What the dispatcher script of OpenShift 3 signs `resolv.conf` with.
pub(super) const WATERMARK: &str = "99-origin-dns.sh";

/// Which generation of path this is: by the API first, then by the files of nodes and pods.
pub(super) fn platform(seen: &Seen<'_>) -> Platform {
    let object = |name: &str| seen.object(name).is_some();
    let apps = |path: &str| string(seen, "ingresses.config.openshift.io/cluster", path);
    if object("configmaps/kube-public/microshift-version") {
        Platform::MicroShift
    } else if apps("/spec/domain").is_some_and(|domain| domain == CRC_APPS) {
        Platform::Crc
    } else if [
        "clusterversions.config.openshift.io/version",
        "dnses.operator.openshift.io/default",
        "infrastructures.config.openshift.io/cluster",
    ]
    .iter()
    .any(|name| object(name))
    {
        Platform::OpenShift4
    } else if object("services/kube-dns/kube-dns") {
        Platform::Minishift
    } else if object("services/openshift-dns/dns-default") {
        Platform::OpenShift4
    } else {
        by_files(seen)
    }
}

fn by_files(seen: &Seen<'_>) -> Platform {
    let nodes = || seen.places(PlaceKind::Node);
    let is_old_node = |place: &str| {
        seen.files_below(place, "/etc/dnsmasq.d/origin-").next().is_some()
            || seen.files_below(place, "/etc/origin/node/").next().is_some()
            || seen
                .resolv_conf(place)
                .is_some_and(|(_, conf)| conf.comments.iter().any(|line| line.contains(WATERMARK)))
    };
    if nodes().any(|place| is_old_node(&place.name)) {
        return Platform::OpenShift3;
    }
    let of_pods: Vec<IpAddr> = seen
        .places(PlaceKind::Pod)
        .filter_map(|place| seen.resolv_conf(&place.name))
        .filter(|(_, conf)| conf.search.iter().any(|suffix| suffix.starts_with("svc.")))
        .filter_map(|(_, conf)| conf.nameservers.first().copied())
        .collect();
    let first = of_pods.first().map(ToString::to_string);
    match first.as_deref() {
        Some("172.30.0.10") => Platform::OpenShift4,
        Some("10.43.0.10") => Platform::MicroShift,
        Some("172.30.0.1" | "172.30.0.2") => Platform::Minishift,
        Some(address)
            if nodes().any(|place| local_addresses(seen, &place.name).iter().any(|own| own.to_string() == address)) =>
        {
            Platform::OpenShift3
        }
        // Only OpenShift 3 lets pods ask their node.
        Some(_) if of_pods.iter().any(|address| is_of_a_node(seen, *address)) => Platform::OpenShift3,
        Some(_) => Platform::Kubernetes,
        None => Platform::None,
    }
}

/// True for an address of a node: as the API says, or, where it says nothing, for a private one that is no Service's.
fn is_of_a_node(seen: &Seen<'_>, address: IpAddr) -> bool {
    let mut nodes = seen.objects("nodes/").peekable();
    if nodes.peek().is_some() {
        let has = |node: &Value| addresses_of_node(node).contains(&address);
        return nodes.any(|(_, node)| has(&node));
    }
    let private = match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    };
    private && !is_like_a_service(address)
}

/// True for the tenth address of a network, which DNS Services have everywhere.
pub(super) fn is_like_a_service(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[3] == 10,
        IpAddr::V6(v6) => v6.segments()[7] == 10,
    }
}

/// The addresses of a node object.
pub(super) fn addresses_of_node(node: &Value) -> Vec<IpAddr> {
    let entries = node.pointer("/status/addresses").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(|entry| entry["address"].as_str()?.parse().ok()).collect()
}

/// The cluster's domain: the operator's word, else what pods search, else the default.
pub(super) fn cluster_domain(seen: &Seen<'_>) -> String {
    let searched = || {
        seen.places(PlaceKind::Pod).find_map(|place| {
            let (_, conf) = seen.resolv_conf(&place.name)?;
            conf.search.iter().find_map(|suffix| suffix.strip_prefix("svc.").map(str::to_owned))
        })
    };
    let said = string(seen, "dnses.operator.openshift.io/default", "/status/clusterDomain");
    said.or_else(searched).unwrap_or_else(|| "cluster.local".to_owned())
}

/// The domain of Routes.
pub(super) fn apps_domain(seen: &Seen<'_>) -> Option<String> {
    let ingress = "ingresses.config.openshift.io/cluster";
    let configured = string(seen, ingress, "/spec/appsDomain").filter(|domain| !domain.is_empty());
    let configured = configured.or_else(|| string(seen, ingress, "/spec/domain"));
    configured.or_else(|| string(seen, "ingresscontrollers.operator.openshift.io/default", "/status/domain"))
}

/// The router's addresses, as the platform publishes them.
pub(super) fn router(seen: &Seen<'_>) -> Vec<IpAddr> {
    let platform = seen.object("infrastructures.config.openshift.io/cluster").map(|(_, object)| object);
    let status = platform.as_ref().and_then(|object| object.pointer("/status/platformStatus")?.as_object());
    let of_platform =
        status.into_iter().flat_map(|status| status.values()).flat_map(|of| addresses(of.get("ingressIPs")));
    let service = seen.object("services/openshift-ingress/router-default").map(|(_, object)| object);
    let balancer = service.as_ref().and_then(|object| object.pointer("/status/loadBalancer/ingress")?.as_array());
    let of_service = balancer.into_iter().flatten().filter_map(|entry| entry["ip"].as_str()?.parse().ok());
    let mut all: Vec<IpAddr> = of_platform.chain(of_service).collect();
    all.dedup();
    all
}

/// The addresses that a name should have, and who says so.
pub(super) fn expected(seen: &Seen<'_>, target: &Target) -> Option<(Vec<IpAddr>, String)> {
    let chain = &seen.evidence.chain;
    match target.kind {
        Kind::Service => {
            let suffix = format!(".svc.{}", chain.cluster_domain);
            let short = target.name.strip_suffix(&suffix).or_else(|| target.name.strip_suffix(".svc"))?;
            let (service, namespace) = short.split_once('.')?;
            let object = format!("services/{namespace}/{service}");
            let (_, value) = seen.object(&object)?;
            let found = cluster_ips(&value);
            (!found.is_empty()).then_some((found, object))
        }
        Kind::Route if !chain.router.is_empty() => Some((chain.router.clone(), "the router's addresses".to_owned())),
        Kind::External if chain.apps_domain.as_ref().is_some_and(|apps| is_below(&target.name, apps)) => {
            (!chain.router.is_empty()).then(|| (chain.router.clone(), "the router's addresses".to_owned()))
        }
        _ => None,
    }
}

/// The cluster addresses of a Service; none for a headless one.
pub(super) fn cluster_ips(service: &Value) -> Vec<IpAddr> {
    let all = addresses(service.pointer("/spec/clusterIPs"));
    if all.is_empty() { service.pointer("/spec/clusterIP").and_then(address).into_iter().collect() } else { all }
}

/// The addresses that a place has itself.
pub(super) fn local_addresses(seen: &Seen<'_>, place: &str) -> Vec<IpAddr> {
    let text = |path: &str| seen.file(place, path).map_or("", |(_, text)| text);
    let v4 = proc::ipv4_addresses(text("/proc/net/fib_trie")).into_iter().map(IpAddr::V4);
    v4.chain(proc::ipv6_addresses(text("/proc/net/if_inet6")).into_iter().map(IpAddr::V6)).collect()
}

fn string(seen: &Seen<'_>, object: &str, path: &str) -> Option<String> {
    Some(seen.object(object)?.1.pointer(path)?.as_str()?.to_owned())
}

fn addresses(value: Option<&Value>) -> Vec<IpAddr> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(address).collect()
}

fn address(value: &Value) -> Option<IpAddr> {
    value.as_str()?.parse().ok()
}
