//! Which objects say something of DNS on any generation of OpenShift, and at which path each is. Pure.

use super::{Known, Scope};
use crate::dns::chain::is_below;

/// Kubelets that are asked for their configuration besides those of the vantages.
const KUBELETS: usize = 5;
/// Reasons of events that speak of DNS.
const REASONS: [&str; 3] = ["DNSConfigForming", "MissingClusterDNS", "CheckLimitsForResolvConf"];
/// What may keep a pod's packets from a resolver.
const POLICIES: [(&str, &str); 3] = [
    ("networkpolicies", "networking.k8s.io/v1"),
    ("egressfirewalls", "k8s.ovn.org/v1"),
    ("egressnetworkpolicies", "network.openshift.io/v1"),
];

/// One thing to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Want {
    /// The name of its observation; of a list, the name under which its absence is said.
    pub(super) name: String,
    /// The first part of the name: what kind of object it is.
    pub(super) resource: String,
    /// Where it is.
    pub(super) path: String,
    /// Every item is an observation of its own.
    pub(super) is_list: bool,
}

impl Want {
    pub(super) fn one(name: impl Into<String>, path: impl Into<String>) -> Self {
        let name = name.into();
        let resource = name.split('/').next().unwrap_or_default().to_owned();
        Self { name, resource, path: path.into(), is_list: false }
    }

    pub(super) fn list(resource: &str, place: &str, path: impl Into<String>) -> Self {
        let name = if place.is_empty() { resource.to_owned() } else { format!("{resource}/{place}") };
        Self { name, resource: resource.to_owned(), path: path.into(), is_list: true }
    }
}

/// What every cluster may have, and what the vantages are.
pub(super) fn first(scope: &Scope) -> Vec<Want> {
    let mut wants = vec![
        Want::one("version", "/version"),
        Want::one("version/openshift", "/version/openshift"),
        Want::one("apis", "/apis"),
        Want::list("nodes", "", "/api/v1/nodes?limit=500"),
    ];
    wants.extend(configuration());
    wants.extend(core("services", "default", "kubernetes"));
    wants.extend(resolvers());
    wants.extend(third_generation());
    wants.extend(events(scope));
    for pod in &scope.pods {
        wants.extend(core("pods", &pod.namespace, &pod.name));
    }
    let mut namespaces: Vec<&str> = scope.pods.iter().map(|pod| pod.namespace.as_str()).collect();
    namespaces.push("openshift-dns");
    namespaces.sort_unstable();
    namespaces.dedup();
    for namespace in namespaces {
        wants.extend(POLICIES.map(|(resource, api)| {
            Want::list(resource, namespace, format!("/apis/{api}/namespaces/{namespace}/{resource}?limit=100"))
        }));
    }
    wants
}

/// The cluster's own configuration (4.x), and what stands for it on MicroShift.
fn configuration() -> Vec<Want> {
    let config = ["dnses", "ingresses", "networks", "infrastructures"].map(|resource| {
        Want::one(
            format!("{resource}.config.openshift.io/cluster"),
            format!("/apis/config.openshift.io/v1/{resource}/cluster"),
        )
    });
    let ingress = "openshift-ingress-operator";
    let mut wants = Vec::from(config);
    wants.extend([
        Want::one(
            "clusterversions.config.openshift.io/version",
            "/apis/config.openshift.io/v1/clusterversions/version",
        ),
        Want::one("clusteroperators.config.openshift.io/dns", "/apis/config.openshift.io/v1/clusteroperators/dns"),
        Want::one("dnses.operator.openshift.io/default", "/apis/operator.openshift.io/v1/dnses/default"),
        Want::one(
            "ingresscontrollers.operator.openshift.io/default",
            format!("/apis/operator.openshift.io/v1/namespaces/{ingress}/ingresscontrollers/default"),
        ),
        Want::one(
            "dnsrecords.ingress.operator.openshift.io/default-wildcard",
            format!("/apis/ingress.operator.openshift.io/v1/namespaces/{ingress}/dnsrecords/default-wildcard"),
        ),
        Want::list(
            "adminnetworkpolicies.policy.networking.k8s.io",
            "",
            "/apis/policy.networking.k8s.io/v1alpha1/adminnetworkpolicies?limit=100",
        ),
    ]);
    wants.extend(core("configmaps", "kube-public", "microshift-version"));
    wants.extend(core("services", "openshift-ingress", "router-default"));
    wants.extend(core("services", "openshift-image-registry", "image-registry"));
    wants
}

/// The cluster's resolvers: CoreDNS of 4.x and MicroShift, that of a plain cluster, SkyDNS of minishift.
fn resolvers() -> Vec<Want> {
    let mut wants = Vec::new();
    for (namespace, name) in [("openshift-dns", "dns-default"), ("kube-system", "kube-dns"), ("kube-dns", "kube-dns")] {
        wants.extend(core("services", namespace, name));
        wants.push(slices(namespace, name));
    }
    wants.extend(core("configmaps", "openshift-dns", "dns-default"));
    wants.extend(core("configmaps", "kube-system", "coredns"));
    for name in ["dns-default", "node-resolver"] {
        wants.push(Want::one(
            format!("daemonsets/openshift-dns/{name}"),
            format!("/apis/apps/v1/namespaces/openshift-dns/daemonsets/{name}"),
        ));
    }
    for namespace in ["openshift-dns", "kube-dns"] {
        wants.push(Want::list("pods", namespace, format!("/api/v1/namespaces/{namespace}/pods?limit=500")));
    }
    wants
}

/// What only OpenShift 3 has.
fn third_generation() -> Vec<Want> {
    let sets = [("openshift-sdn", "sdn"), ("kube-proxy-and-dns", "proxy-and-dns")];
    let mut wants: Vec<Want> = sets
        .iter()
        .map(|(namespace, name)| {
            Want::one(
                format!("daemonsets/{namespace}/{name}"),
                format!("/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}"),
            )
        })
        .collect();
    wants.push(Want::list("pods", "openshift-sdn", "/api/v1/namespaces/openshift-sdn/pods?limit=500"));
    wants.push(Want::list("configmaps", "openshift-node", "/api/v1/namespaces/openshift-node/configmaps?limit=50"));
    wants
}

/// Events of all namespaces, and those of the vantages' namespaces for who may not read all.
fn events(scope: &Scope) -> Vec<Want> {
    let mut wants = Vec::new();
    for reason in REASONS {
        let selector = format!("fieldSelector=reason%3D{reason}&limit=50");
        wants.push(Want::list("events", "", format!("/api/v1/events?{selector}")));
        wants.extend(scope.pods.iter().map(|pod| {
            Want::list("events", &pod.namespace, format!("/api/v1/namespaces/{}/events?{selector}", pod.namespace))
        }));
    }
    wants
}

/// What hangs on the first step: kubelets, and the Services and Routes behind the names.
pub(super) fn second(scope: &Scope, names: &[String], known: &Known) -> Vec<Want> {
    let mut nodes: Vec<&String> = scope.nodes.iter().chain(&known.nodes_of_pods).collect();
    nodes.extend(known.nodes.iter().take(KUBELETS));
    let mut wants: Vec<Want> = Vec::new();
    for node in nodes {
        let want = Want::one(format!("kubelet/{node}"), format!("/api/v1/nodes/{node}/proxy/configz"));
        if !wants.contains(&want) {
            wants.push(want);
        }
    }
    for name in names {
        match service(name, &known.cluster_domain) {
            Some((namespace, service)) => {
                wants.extend(core("services", namespace, service));
                wants.push(slices(namespace, service));
                wants.extend(core("endpoints", namespace, service));
            }
            None if !is_below(name, &known.cluster_domain) => wants.extend(routes(scope, name)),
            None => {}
        }
    }
    wants
}

/// The namespace and the name of the Service in `[pod.]service.namespace.svc.<domain>`.
fn service<'a>(name: &'a str, domain: &str) -> Option<(&'a str, &'a str)> {
    let domain = format!(".svc.{}", domain.trim_matches('.'));
    let labels = name.len().checked_sub(domain.len()).and_then(|end| name.get(..end));
    let labels = labels.filter(|start| is_below(name, domain.trim_start_matches('.')) && !start.is_empty())?;
    let mut labels = labels.rsplit('.');
    let (namespace, service) = (labels.next()?, labels.next()?);
    // `_port._protocol.service...` names a port; what stands before the Service is its pod or its port.
    (is_label(namespace) && is_label(service)).then_some((namespace, service))
}

/// Only what can be a name of an object goes into a path.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The Routes that may have this host: OpenShift's own API finds them by host, and a namespace's are few.
fn routes(scope: &Scope, host: &str) -> Vec<Want> {
    let base = "/apis/route.openshift.io/v1";
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    let by_host = Want::list("routes", "", format!("{base}/routes?fieldSelector=spec.host%3D{host}&limit=10"));
    let of_namespace =
        |namespace: &String| Want::list("routes", namespace, format!("{base}/namespaces/{namespace}/routes?limit=100"));
    plain.then_some(by_host).into_iter().chain(scope.namespaces.iter().map(of_namespace)).collect()
}

fn core(resource: &str, namespace: &str, name: &str) -> Option<Want> {
    let fits = is_label(namespace) && name.split('.').all(is_label);
    fits.then(|| {
        Want::one(format!("{resource}/{namespace}/{name}"), format!("/api/v1/namespaces/{namespace}/{resource}/{name}"))
    })
}

fn slices(namespace: &str, service: &str) -> Want {
    let selector = format!("labelSelector=kubernetes.io%2Fservice-name%3D{service}");
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?{selector}");
    Want { name: format!("endpointslices/{namespace}/{service}"), ..Want::list("endpointslices", "", path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<(&str, &str)>) {
        assert_eq!(service(name, "cluster.local"), expected, "{name}");
    }

    #[test]
    fn a_name_below_the_clusters_domain_tells_its_service() {
        check("kubernetes.default.svc.cluster.local", Some(("default", "kubernetes")));
        check("db-0.db.shop.svc.cluster.local", Some(("shop", "db")));
        check("_sql._tcp.db.shop.svc.cluster.local", Some(("shop", "db")));
        check("10-0-0-1.shop.pod.cluster.local", None);
        check("svc.cluster.local", None);
        check("shop.svc.cluster.local", None);
        check("example.com", None);
        check("kubernetes.default.svc.cluster.locale", None);
    }

    #[test]
    fn nothing_but_a_name_gets_into_a_path() {
        let names = ["a?b.default.svc.cluster.local".to_owned(), "x&y.example.com".to_owned()];
        let known = Known { cluster_domain: "cluster.local".to_owned(), ..Known::default() };
        assert_eq!(second(&Scope::default(), &names, &known), []);
    }

    #[test]
    fn each_kubelet_is_asked_once_and_the_vantages_first() {
        let scope = Scope { nodes: vec!["b".to_owned()], ..Scope::default() };
        let known = Known { nodes: vec!["a".to_owned(), "b".to_owned()], ..Known::default() };
        let names: Vec<String> = second(&scope, &[], &known).into_iter().map(|want| want.name).collect();
        assert_eq!(names, ["kubelet/b", "kubelet/a"]);
    }
}
