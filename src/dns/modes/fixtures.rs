//! Hand-made evidence in the documented form: a healthy OpenShift 3 and a healthy OpenShift 4, and short ways to break them.

mod edit;
mod lost;
pub(in crate::dns) mod workstations;

use serde_json::json;

pub(in crate::dns) use self::edit::flags;
use super::MODES;
use crate::dns::chain::{Chain, Forward, Hop, Kind, Place, PlaceKind, Platform, Role, Target, is_below};
use crate::dns::evidence::Evidence;
use crate::dns::observation::Observation;
use crate::dns::rounds;
use crate::dns::seen::Seen;

/// The names of every fixture: a Service, a Route's host, something outside; and the Service that every cluster has.
pub(in crate::dns) const SERVICE: &str = "kinesis.team1.svc.cluster.local";
pub(in crate::dns) const ROUTE: &str = "kinesis-team1.apps.example.com";
pub(in crate::dns) const OUTSIDE: &str = "github.com";
pub(in crate::dns) const KNOWN: &str = "kubernetes.default.svc.cluster.local";
/// The name of that Service's address.
pub(in crate::dns) const REVERSE: &str = "1.0.30.172.in-addr.arpa";
const ROOT_SOA: &str = "a.root-servers.net nstld.verisign-grs.com 2026112801 1800 900 604800 86400";

/// pod -> dnsmasq (10.0.2.15) -> SkyDNS (127.0.0.1, hop `node`) and two upstreams (10.9.0.1, 10.9.0.2). Vantages `pod`, `node1`.
pub(in crate::dns) fn openshift3() -> Evidence {
    let mut evidence = empty(Platform::OpenShift3);
    let outside = || forward(&["."], &["upstream-1", "upstream-2"]);
    evidence.chain.hops = vec![
        hop("pod", Role::Client, "", &[], vec![forward(&["."], &["dnsmasq"])]),
        hop("node1", Role::Client, "", &[], vec![forward(&["."], &["dnsmasq"])]),
        hop(
            "dnsmasq",
            Role::Dnsmasq,
            "10.0.2.15:53",
            &["pod", "node1"],
            vec![forward(&["cluster.local", "in-addr.arpa"], &["node"]), outside()],
        ),
        hop("node", Role::Node, "127.0.0.1:53", &["node1"], vec![outside()]),
        hop("upstream-1", Role::Upstream, "10.9.0.1:53", &["node1"], Vec::new()),
        hop("upstream-2", Role::Upstream, "10.9.0.2:53", &["node1"], Vec::new()),
    ];
    let search = "cluster.local example.com";
    let pod =
        format!("nameserver 10.0.2.15\nsearch team1.svc.cluster.local svc.cluster.local {search}\noptions ndots:5\n");
    let watermark = "# nameserver updated by /etc/NetworkManager/dispatcher.d/99-origin-dns.sh";
    evidence.file("pod", "/etc/resolv.conf", &pod);
    evidence.file("node1", "/etc/resolv.conf", &format!("{watermark}\nnameserver 10.0.2.15\nsearch {search}\n"));
    evidence.file("node1", "/etc/origin/node/resolv.conf", "nameserver 10.9.0.1\nnameserver 10.9.0.2\n");
    let config = "dnsBindAddress: 127.0.0.1:53\ndnsDomain: cluster.local\ndnsIP: 10.0.2.15\n\
                  dnsRecursiveResolvConf: /etc/origin/node/resolv.conf\n";
    evidence.file("node1", "/etc/origin/node/node-config.yaml", config);
    evidence.file("node1", "/etc/dnsmasq.conf", "conf-dir=/etc/dnsmasq.d/,.rpmnew,.rpmsave,.rpmorig\n");
    let origin = "no-resolv\ndomain-needed\nno-negcache\nmax-cache-ttl=1\nenable-dbus\ndns-forward-max=10000\ncache-size=10000\n\
                  bind-dynamic\nmin-port=1024\nexcept-interface=lo\n";
    evidence.file("node1", "/etc/dnsmasq.d/origin-dns.conf", origin);
    let upstream = "server=10.9.0.1\nserver=10.9.0.2\n";
    evidence.file("node1", "/etc/dnsmasq.d/origin-upstream-dns.conf", upstream);
    evidence.kernel("node1", &["127.0.0.1", "10.0.2.15"], &["10.0.2.15", "127.0.0.1"]);
    evidence.kernel("pod", &["127.0.0.1", "10.128.0.5"], &[]);
    evidence.process("node1", "dnsmasq", &["/usr/sbin/dnsmasq", "-k"]);
    evidence.process(
        "node1",
        "openshift",
        &["openshift", "start", "node", "--config=/etc/origin/node/node-config.yaml"],
    );
    evidence.object("services/default/kubernetes", &json!({ "spec": { "clusterIP": "172.30.0.1" } }));
    evidence.ask_all();
    let servers = ["127.0.0.1#53 12 0", "10.9.0.1#53 40 0", "10.9.0.2#53 7 0"];
    for vantage in ["pod", "node1"] {
        evidence.says(vantage, "dnsmasq", "version.bind", &["dnsmasq-2.76"]);
        evidence.says(vantage, "dnsmasq", "servers.bind", &servers);
        evidence.says(vantage, "dnsmasq", "misses.bind", &["30"]);
    }
    evidence.says("node1", "node", "hostname.bind", &["localhost"]);
    evidence
}

/// pod -> Service (172.30.0.10) -> two CoreDNS pods -> one upstream; the node asks the upstream itself. Vantages `pod`, `node1`.
pub(in crate::dns) fn openshift4() -> Evidence {
    let mut evidence = empty(Platform::OpenShift4);
    let outside = || forward(&["."], &["upstream-1"]);
    let pods = ["coredns/dns-default-a", "coredns/dns-default-b"];
    evidence.chain.hops = vec![
        hop("pod", Role::Client, "", &[], vec![forward(&["."], &["coredns"])]),
        hop("node1", Role::Client, "", &[], vec![outside()]),
        hop("coredns", Role::Coredns, "172.30.0.10:53", &["pod", "node1"], vec![forward(&["."], &pods)]),
        hop(pods[0], Role::Coredns, "10.128.0.5:5353", &["pod", "node1"], vec![outside()]),
        hop(pods[1], Role::Coredns, "10.129.0.5:5353", &["pod", "node1"], vec![outside()]),
        hop("upstream-1", Role::Upstream, "10.9.0.1:53", &["pod", "node1"], Vec::new()),
    ];
    let pod = "search team1.svc.cluster.local svc.cluster.local cluster.local example.com\nnameserver 172.30.0.10\noptions ndots:5\n";
    evidence.file("pod", "/etc/resolv.conf", pod);
    evidence.file("node1", "/etc/resolv.conf", "search example.com\nnameserver 10.9.0.1\n");
    evidence.object("services/openshift-dns/dns-default", &json!({ "spec": { "clusterIP": "172.30.0.10" } }));
    evidence.object("services/default/kubernetes", &json!({ "spec": { "clusterIP": "172.30.0.1" } }));
    evidence.ask_all();
    for vantage in ["pod", "node1"] {
        for hop in pods {
            evidence.says(vantage, hop, "hostname.bind", &[hop.trim_start_matches("coredns/")]);
        }
        evidence.says(vantage, "coredns", "hostname.bind", &["dns-default-a"]);
    }
    evidence
}

fn empty(platform: Platform) -> Evidence {
    let place = |name: &str, kind, pod: Option<&str>| Place {
        name: name.to_owned(),
        kind,
        how: format!("exec: ip netns exec {name}"),
        pod: pod.map(str::to_owned),
        node: Some("node1".to_owned()),
    };
    let target = |name: &str, kind, expected: &[&str]| Target {
        name: name.to_owned(),
        kind,
        expected: expected.iter().map(|address| address.parse().expect("an address")).collect(),
        because: (!expected.is_empty()).then(|| "the API".to_owned()),
    };
    Evidence {
        chain: Chain {
            platform,
            cluster_domain: "cluster.local".to_owned(),
            apps_domain: Some("apps.example.com".to_owned()),
            router: vec!["203.0.113.7".parse().expect("an address")],
            hops: Vec::new(),
            unseen: Vec::new(),
        },
        targets: vec![
            target(SERVICE, Kind::Service, &["172.30.5.6"]),
            target(ROUTE, Kind::Route, &["203.0.113.7"]),
            target(OUTSIDE, Kind::External, &[]),
            target(KNOWN, Kind::Service, &["172.30.0.1"]),
        ],
        places: vec![place("pod", PlaceKind::Pod, Some("team1/app")), place("node1", PlaceKind::Node, None)],
        label: "lsdeploy-qzwx".to_owned(),
        timeout_ms: 2000,
        observations: Vec::new(),
    }
}

pub(in crate::dns) fn forward(zones: &[&str], to: &[&str]) -> Forward {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Forward { zones: owned(zones), to: owned(to) }
}

fn hop(id: &str, role: Role, address: &str, from: &[&str], forwards: Vec<Forward>) -> Hop {
    Hop {
        id: id.to_owned(),
        role,
        vantage: from.first().copied().unwrap_or(id).to_owned(),
        address: address.parse().ok(),
        software: None,
        asked_from: from.iter().map(|place| (*place).to_owned()).collect(),
        forwards,
        node: (role != Role::Upstream).then(|| "node1".to_owned()),
    }
}

impl Evidence {
    /// Asks every hop what the first round asks, and lets it answer as a healthy one.
    fn ask_all(&mut self) {
        for plan in rounds::first(self) {
            for asked in plan.questions {
                let mut question = Observation::blank(&plan.vantage, &asked.name, &asked.kind, asked.transport);
                (question.hop, question.server, question.edns) = (asked.hop, Some(asked.server), asked.edns);
                (question.chaos, question.round) = (asked.chaos, 1);
                let hop = self.chain.hop(&question.hop).expect("a hop of the chain").clone();
                if question.chaos {
                    question.set_rcode("REFUSED", flags("ra"));
                } else {
                    self.answer(&hop, &mut question);
                }
                self.observations.push(question);
            }
        }
    }

    /// What a healthy hop answers.
    fn answer(&self, hop: &Hop, question: &mut Observation) {
        let name = question.name.clone();
        let inside = is_below(&name, "cluster.local") || is_below(&name, "30.172.in-addr.arpa");
        let cluster = hop.role != Role::Upstream && inside;
        let three = matches!(self.chain.platform, Platform::OpenShift3 | Platform::Minishift);
        let target = self.targets.iter().find(|target| target.name == name);
        let expected = target.and_then(|target| target.expected.first()).map(ToString::to_string);
        let (there, absent, ttl) = if three { ("aa ra", "", 30) } else { ("aa", "aa", 5) };
        let data = match (name.as_str(), question.kind.as_str(), cluster) {
            (SERVICE, "A", true) => Some(("172.30.5.6", ttl)),
            (KNOWN, "A", true) => Some(("172.30.0.1", ttl)),
            (REVERSE, "PTR", true) => Some((KNOWN, ttl)),
            (OUTSIDE, "A", false) => Some(("140.82.112.3", 60)),
            (_, "A", false) if is_below(&name, "apps.example.com") => Some(("203.0.113.7", 300)),
            (_, "A", false) if !inside => expected.as_deref().map(|address| (address, 300)),
            _ => None,
        };
        let exists = (target.is_some() || name == KNOWN) && (cluster || !inside);
        let (zone, soa) = match () {
            () if cluster => {
                ("cluster.local", "ns.dns.cluster.local hostmaster.cluster.local 495000 28800 7200 604800 60")
            }
            () if is_below(&name, "example.com") => {
                ("example.com", "ns1.example.com root.example.com 7 3600 900 604800 300")
            }
            () => (".", ROOT_SOA),
        };
        if let Some((data, ttl)) = data {
            question.set_answer(&[data], ttl, flags(if cluster { there } else { "ra" }));
        } else {
            let rcode = if exists { "NOERROR" } else { "NXDOMAIN" };
            question.set_negative(rcode, Some((zone, soa)), flags(if cluster { absent } else { "ra" }));
        }
        (question.reply_edns, question.ms) = (Some(1232), if cluster { 0.6 } else { 8.0 });
    }
}

#[test]
fn nothing_is_found_on_a_healthy_path() {
    for evidence in [openshift3(), openshift4()] {
        for mode in MODES {
            assert_eq!((mode.find)(&Seen::new(&evidence)), [], "{} blames {:?}", mode.id, evidence.chain.platform);
        }
        assert_eq!(evidence.findings(), []);
    }
}

#[test]
fn modes_stand_in_order_and_explain_modes_that_exist() {
    let codes: Vec<&str> = MODES.iter().map(|mode| mode.code).collect();
    for (mode, next) in MODES.iter().zip(MODES.iter().skip(1)) {
        let number = |mode: &super::Mode| mode.id[1..].parse::<u8>().expect("F and a number");
        assert!(number(mode) < number(next), "{} stands before {}", mode.id, next.id);
    }
    assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), codes.len());
}
