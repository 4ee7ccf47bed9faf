//! Small evidence for the tests of the reports: an OpenShift 3 path whose dnsmasq has lost the rule for cluster names, and
//! a healthy OpenShift 4 path.

use std::net::SocketAddr;

use crate::dns::chain::{Chain, Forward, Hop, Kind, Place, PlaceKind, Platform, Role, Target};
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::dns::observation::{Flags, Observation, ProbeError, Record, Transport, Trouble};

pub(crate) const SERVICE: &str = "kubernetes.default.svc.cluster.local";
pub(crate) const ROUTE: &str = "kinesis-localstack-team1.apps.example.com";

pub(crate) fn place(name: &str, kind: PlaceKind, how: &str, node: Option<&str>) -> Place {
    let pod = (kind == PlaceKind::Pod).then(|| "team1/moto-0".to_owned());
    Place { name: name.to_owned(), kind, how: how.to_owned(), pod, node: node.map(str::to_owned) }
}

fn address(text: &str) -> SocketAddr {
    text.parse().or_else(|_| format!("{text}:53").parse()).unwrap()
}

fn strings(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

/// A hop: `zones > hops` rules are separated by semicolons.
pub(crate) fn hop(id: &str, role: Role, at: &str, software: &str, from: &str, rules: &str) -> Hop {
    let forward = |rule: &str| {
        let (zones, to) = rule.split_once('>')?;
        Some(Forward { zones: strings(zones), to: strings(to) })
    };
    Hop {
        id: id.to_owned(),
        role,
        vantage: strings(from).first().cloned().unwrap_or_else(|| id.to_owned()),
        address: (!at.is_empty()).then(|| address(at)),
        software: (!software.is_empty()).then(|| software.to_owned()),
        asked_from: strings(from),
        forwards: rules.split(';').filter_map(forward).collect(),
        node: None,
    }
}

/// `pod dnsmasq A NAME`, and what came back: `NOERROR aa ra 192.0.2.1`, `NXDOMAIN ra SOA=corp.example`, `timeout`.
pub(crate) fn seen(question: &str, reply: &str, ms: f64) -> Observation {
    let question = strings(question);
    let [vantage, hop, kind, name] = question.as_slice() else { panic!("{question:?}") };
    let mut seen = Observation::blank(vantage, name, kind, Transport::Udp);
    (seen.hop, seen.edns, seen.round, seen.ms) = (hop.clone(), Some(1232), 1, ms);
    let record = |owner: &str, kind: &str, data: &str| Record {
        name: owner.to_owned(),
        kind: kind.to_owned(),
        ttl: 30,
        data: data.to_owned(),
    };
    for word in strings(reply) {
        let mut flags = seen.flags.unwrap_or_else(|| Flags { rd: true, ..Flags::default() });
        match word.as_str() {
            "aa" => flags.aa = true,
            "ra" => flags.ra = true,
            "tc" => flags.tc = true,
            "tcp" => seen.transport = Transport::Tcp,
            "timeout" => seen.error = Some(ProbeError { kind: Trouble::Timeout, detail: "2 s".to_owned() }),
            "refused" => {
                seen.error = Some(ProbeError { kind: Trouble::Refused, detail: "connection refused".to_owned() });
            }
            word if word.starts_with("SOA=") => seen.authority.push(record(&word[4..], "SOA", "ns. host. 1 2 3 4 5")),
            word if word.chars().all(|c| c.is_ascii_uppercase()) => seen.rcode = Some(word.to_owned()),
            data => seen.answers.push(record(name, kind, data)),
        }
        seen.flags = Some(flags);
    }
    seen.flags = seen.flags.filter(|_| seen.rcode.is_some());
    seen
}

fn file(vantage: &str, path: &str, text: &str) -> Observation {
    let mut seen = Observation::blank(vantage, path, "FILE", Transport::File);
    seen.text = Some(text.to_owned());
    seen
}

fn target(name: &str, kind: Kind, expected: &str, because: &str) -> Target {
    Target {
        name: name.to_owned(),
        kind,
        expected: expected.parse().into_iter().collect(),
        because: Some(because.to_owned()),
    }
}

/// An OpenShift 3 node whose dnsmasq does not know where cluster names belong.
pub(crate) fn broken() -> (Evidence, Vec<Finding>) {
    let hops = vec![
        hop("pod", Role::Client, "", "", "", ". > dnsmasq"),
        hop("node1", Role::Client, "", "", "", ". > dnsmasq"),
        hop("dnsmasq", Role::Dnsmasq, "10.0.2.15", "dnsmasq 2.76", "pod node1", ". > upstream-1 upstream-2"),
        hop("node", Role::Node, "127.0.0.1", "SkyDNS", "node1", ". > upstream-1"),
        hop("upstream-1", Role::Upstream, "10.9.0.1", "BIND 9.18", "pod node1", ""),
        hop("upstream-2", Role::Upstream, "10.9.0.2", "", "node1", ""),
    ];
    let observations = vec![
        file(
            "pod",
            "/etc/resolv.conf",
            "# kubelet\nnameserver 10.0.2.15\nsearch team1.svc.cluster.local\noptions ndots:5\n",
        ),
        seen(&format!("pod dnsmasq A {SERVICE}"), "NXDOMAIN ra SOA=corp.example", 14.2),
        seen(&format!("pod dnsmasq AAAA {SERVICE}"), "NXDOMAIN ra SOA=corp.example", 13.9),
        seen(&format!("node1 dnsmasq A {SERVICE}"), "NXDOMAIN ra SOA=corp.example", 12.0),
        seen(&format!("node1 dnsmasq AAAA {SERVICE}"), "NXDOMAIN ra SOA=corp.example", 12.1),
        seen(&format!("node1 node A {SERVICE}"), "NOERROR aa ra 172.30.0.1", 0.4),
        seen(&format!("node1 node AAAA {SERVICE}"), "NOERROR aa ra", 0.4),
        seen(&format!("pod upstream-1 A {SERVICE}"), "NXDOMAIN aa ra SOA=corp.example", 11.0),
        seen(&format!("node1 upstream-2 A {SERVICE}"), "timeout", 2000.0),
        seen(&format!("pod dnsmasq A {ROUTE}"), "NOERROR ra 192.0.2.10", 15.0),
        seen(&format!("node1 dnsmasq A {ROUTE}"), "NOERROR ra 192.0.2.10", 15.0),
        seen(&format!("node1 node A {ROUTE}"), "NOERROR ra 192.0.2.10", 12.5),
        seen(&format!("pod upstream-1 A {ROUTE}"), "NOERROR aa ra 192.0.2.10", 11.0),
        seen(&format!("node1 upstream-2 A {ROUTE}"), "timeout", 2000.0),
        seen("pod dnsmasq A lsdeploy-qwxyz.default.svc.cluster.local", "NXDOMAIN ra SOA=corp.example", 14.0),
    ];
    let evidence = Evidence {
        chain: Chain {
            platform: Platform::OpenShift3,
            cluster_domain: "cluster.local".to_owned(),
            apps_domain: Some("apps.example.com".to_owned()),
            router: Vec::new(),
            hops,
            unseen: vec!["what upstream-2 is: it answered nothing from node1, and pod may not reach it".to_owned()],
        },
        targets: vec![
            target(SERVICE, Kind::Service, "172.30.0.1", "services/default/kubernetes"),
            target(ROUTE, Kind::Route, "192.0.2.10", "routes/team1/kinesis"),
        ],
        places: vec![
            place("pod", PlaceKind::Pod, "oc exec", Some("node1")),
            place("node1", PlaceKind::Node, "ssh core@node1", None),
        ],
        label: "lsdeploy-qwxyz".to_owned(),
        timeout_ms: 2000,
        observations,
    };
    (evidence, findings())
}

fn findings() -> Vec<Finding> {
    let cause = Finding {
        code: "cluster-rule-missing".to_owned(),
        id: "F3".to_owned(),
        hop: "dnsmasq".to_owned(),
        names: vec![SERVICE.to_owned()],
        confidence: Confidence::Certain,
        message: format!(
            "dnsmasq at 10.0.2.15 sends {SERVICE} to the outside: the answer is NXDOMAIN with the SOA of corp.example, while \
             the node process on 127.0.0.1 says 172.30.0.1"
        ),
        evidence: vec![1, 2, 3, 4, 5, 14],
        fix: "send the rule again: `systemctl restart atomic-openshift-node` on node1; it stays away when D-Bus was \
              restarted: `systemctl restart dbus dnsmasq`"
            .to_owned(),
        follows_from: None,
    };
    let effect = Finding {
        code: "search-without-cluster-domain".to_owned(),
        id: "F19".to_owned(),
        hop: "pod".to_owned(),
        confidence: Confidence::Likely,
        message: "short Service names do not resolve in the pod".to_owned(),
        evidence: vec![0, 1],
        fix: "add `search cluster.local`".to_owned(),
        follows_from: Some("cluster-rule-missing".to_owned()),
        ..cause.clone()
    };
    let odd = Finding {
        code: "dead-server-first".to_owned(),
        id: "F13".to_owned(),
        hop: "upstream-2".to_owned(),
        names: Vec::new(),
        confidence: Confidence::Possible,
        message: "10.9.0.2 answers nothing within 2 s; dnsmasq asks 10.9.0.1 first".to_owned(),
        evidence: vec![8, 13],
        fix: "take 10.9.0.2 out of `/etc/dnsmasq.d/origin-upstream-dns.conf`".to_owned(),
        ..cause.clone()
    };
    vec![cause, effect, odd]
}

/// An OpenShift 4 cluster, seen from a pod and from a workstation.
pub(crate) fn healthy() -> Evidence {
    let coredns = "cluster.local in-addr.arpa >; . > upstream-1 upstream-2";
    let hops = vec![
        hop("pod", Role::Client, "", "", "", ". > coredns"),
        hop("workstation", Role::Client, "", "", "", ". > upstream-1"),
        hop("coredns", Role::Coredns, "172.30.0.10", "", "pod", ". > coredns/dns-default-a coredns/dns-default-b"),
        hop("coredns/dns-default-a", Role::Coredns, "10.128.0.5:5353", "CoreDNS 1.11.3", "pod", coredns),
        hop("coredns/dns-default-b", Role::Coredns, "10.129.0.7:5353", "CoreDNS 1.11.3", "pod", coredns),
        hop("upstream-1", Role::Upstream, "10.0.0.2", "", "pod workstation", ""),
        hop("upstream-2", Role::Upstream, "10.0.0.3", "", "pod", ""),
    ];
    let mut observations = Vec::new();
    for hop in ["coredns", "coredns/dns-default-a", "coredns/dns-default-b"] {
        observations.push(seen(&format!("pod {hop} A {SERVICE}"), "NOERROR aa 172.30.0.1", 0.6));
        observations.push(seen(&format!("pod {hop} AAAA {SERVICE}"), "NOERROR aa SOA=cluster.local", 0.6));
        observations.push(seen(&format!("pod {hop} A {ROUTE}"), "NOERROR ra 192.0.2.10", 3.1));
    }
    for (place, hop) in [("pod", "upstream-1"), ("pod", "upstream-2"), ("workstation", "upstream-1")] {
        observations.push(seen(&format!("{place} {hop} A {ROUTE}"), "NOERROR ra 192.0.2.10", 2.4));
        observations.push(seen(&format!("{place} {hop} A {SERVICE}"), "NXDOMAIN ra SOA=.", 2.2));
    }
    let (broken, _) = broken();
    Evidence {
        chain: Chain { platform: Platform::OpenShift4, hops, unseen: Vec::new(), ..broken.chain },
        places: vec![
            place("pod", PlaceKind::Pod, "oc exec", Some("worker-0")),
            place("workstation", PlaceKind::Workstation, "this machine", None),
        ],
        observations,
        ..broken
    }
}

#[test]
fn a_broken_path_is_read_from_the_clients_to_the_cause() {
    let (evidence, findings) = broken();
    let text = super::text(&evidence, &findings, super::Show::default());
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(text, @r"
    The path
      OpenShift 3, cluster domain cluster.local, Routes below apps.example.com
      pod (team1/moto-0 on node1)
        asks dnsmasq at 10.0.2.15 (dnsmasq 2.76) <-- wrong: F3
          asks in this order:
            upstream-1 at 10.9.0.1 (BIND 9.18)
            upstream-2 at 10.9.0.2
      node1 (a node)
        asks dnsmasq (see above)
      asked too, though no client asks there:
        node at 127.0.0.1 (SkyDNS)
          asks upstream-1 (see above)

    What could not be seen
      - what upstream-2 is: it answered nothing from node1, and pod may not reach it

    What each hop says
      kubernetes.default.svc.cluster.local - should be 172.30.0.1
          (services/default/kubernetes)
        HOP         FROM        ASKED   RESULT     FLAGS    MS  ANSWER
      ! dnsmasq     pod, node1  A/AAAA  NXDOMAIN   ra       14  SOA corp.example
        node        node1       A       NOERROR    aa ra   0.4  172.30.0.1
        upstream-1  pod         A       NXDOMAIN   aa ra    11  SOA corp.example
        upstream-2  node1       A       no answer  -      2000
      kinesis-localstack-team1.apps.example.com - should be 192.0.2.10
          (routes/team1/kinesis)
        dnsmasq     pod, node1  A       NOERROR    ra       15  192.0.2.10
        node        node1       A       NOERROR    ra       12  192.0.2.10
        upstream-1  pod         A       NOERROR    aa ra    11  192.0.2.10
        upstream-2  node1       A       no answer  -      2000

    What is wrong
    1. wrong at dnsmasq: F3 cluster-rule-missing, certain
       dnsmasq at 10.0.2.15 sends kubernetes.default.svc.cluster.local to the
       outside: the answer is NXDOMAIN with the SOA of corp.example, while the node
       process on 127.0.0.1 says 172.30.0.1
       names  kubernetes.default.svc.cluster.local
       seen   - pod asks dnsmasq: A kubernetes.default.svc.cluster.local -> NXDOMAIN
                ra, SOA corp.example, 14 ms (and 2 more alike)
              - node1 asks dnsmasq: A kubernetes.default.svc.cluster.local ->
                NXDOMAIN ra, SOA corp.example, 12 ms (and 1 more alike)
              - node1 asks node: A kubernetes.default.svc.cluster.local -> NOERROR
                aa ra, 172.30.0.1, ttl 30, 0.4 ms
       fix    send the rule again: `systemctl restart atomic-openshift-node` on
              node1; it stays away when D-Bus was restarted:
              `systemctl restart dbus dnsmasq`
       follows from it:
       - F19 search-without-cluster-domain at pod (likely): short Service names do
         not resolve in the pod
         if it stays: add `search cluster.local`

    Possible, not proved
    2. maybe at upstream-2: F13 dead-server-first, possible
       10.9.0.2 answers nothing within 2 s; dnsmasq asks 10.9.0.1 first
       names  every name
       seen   - node1 asks upstream-2: A kubernetes.default.svc.cluster.local -> no
                answer, 2000 ms (and 1 more alike)
       fix    take 10.9.0.2 out of `/etc/dnsmasq.d/origin-upstream-dns.conf`

    broken: cluster-rule-missing at dnsmasq, certain (F3)
    more about it: `lsdeploy dns-debug --explain F3`
    ");
}

#[test]
fn a_healthy_path_is_short() {
    let evidence = healthy();
    let text = super::text(&evidence, &[], super::Show::default());
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(text, @r"
    The path
      OpenShift 4, cluster domain cluster.local, Routes below apps.example.com
      pod (team1/moto-0 on worker-0)
        asks coredns at 172.30.0.10
          asks one of these:
            coredns/dns-default-a at 10.128.0.5:5353 (CoreDNS 1.11.3)
            coredns/dns-default-b at 10.129.0.7:5353 (CoreDNS 1.11.3)
              for everything else asks in this order:
                upstream-1 at 10.0.0.2
                upstream-2 at 10.0.0.3
      workstation (this machine)
        asks upstream-1 (see above)

    What each hop says
      kubernetes.default.svc.cluster.local - should be 172.30.0.1
          (services/default/kubernetes)
        HOP         FROM         ASKED  RESULT    FLAGS   MS  ANSWER
        coredns     pod          A      NOERROR   aa     0.6  172.30.0.1
        upstream-1  workstation  A      NXDOMAIN  ra     2.2  SOA .
      kinesis-localstack-team1.apps.example.com - should be 192.0.2.10
          (routes/team1/kinesis)
        coredns     pod          A      NOERROR   ra     3.1  192.0.2.10
        upstream-1  workstation  A      NOERROR   ra     2.4  192.0.2.10

    ok: no hop is wrong; asked: 2 names at 5 hops
    ");
}
