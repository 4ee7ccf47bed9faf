//! F46: the lines that OpenShift writes into a node's hosts file are missing, stale or garbage.

use std::net::{IpAddr, SocketAddr};

use super::{Mode, Stage};
use crate::dns::chain::{Place, PlaceKind, Platform, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::hosts::HostsFile;
use crate::dns::plan::Question;
use crate::dns::seen::Seen;

/// The Service whose name the node-resolver writes.
const REGISTRY: &str = "image-registry.openshift-image-registry.svc";
const REGISTRY_OBJECT: &str = "services/openshift-image-registry/image-registry";

pub(super) static MODE: Mode = Mode {
    id: "F46",
    code: "hosts-file-corrupt",
    title: "The node's /etc/hosts holds a wrong address of the image registry, none, or words that are no address",
    shows: "ImagePullBackOff from image-registry.openshift-image-registry.svc on one node, while the cluster's DNS knows its \
            address: lines signed `openshift-generated-node-resolver` are missing, stale, or hold words of a failed dig",
    mend: "delete the signed lines of /etc/hosts on the node and the pod of DaemonSet openshift-dns/node-resolver there; it \
           writes them anew within a minute",
    stage: Stage::Files,
    explains: &["libc-differs"],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.places(PlaceKind::Node)
        .flat_map(|place| [garbage(seen, place), stale(seen, place), missing(seen, place)])
        .flatten()
        .collect()
}

fn hosts(seen: &Seen<'_>, place: &Place) -> Option<(usize, HostsFile)> {
    let (at, text) = seen.file(&place.name, "/etc/hosts")?;
    Some((at.index, HostsFile::parse(text)))
}

fn garbage(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let (at, file) = hosts(seen, place)?;
    let lines: Vec<String> = file.generated_problems().map(|(line, text)| format!("line {line} `{text}`")).collect();
    let message = format!("/etc/hosts of {} holds what is no address: {}", place.name, lines.join(", "));
    let sign = Sign::new(&seen.client(&place.name)?.id, Confidence::Certain, message);
    (!lines.is_empty()).then(|| sign.resting_on([at]).about([REGISTRY]))
}

fn stale(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let (at, file) = hosts(seen, place)?;
    let (knows, right, who) = right_addresses(seen)?;
    let wrong = file.generated().find(|entry| is_registry(&entry.names) && !right.contains(&entry.address))?;
    let message = format!(
        "line {} of /etc/hosts of {} says that {REGISTRY} has the address {}; {who} says {}",
        wrong.line,
        place.name,
        wrong.address,
        right.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    );
    let client = seen.client(&place.name)?;
    Some(Sign::new(&client.id, Confidence::Certain, message).resting_on([at, knows]).about([REGISTRY]))
}

fn missing(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let four = matches!(seen.evidence.chain.platform, Platform::OpenShift4 | Platform::Crc);
    let (object, _) = seen.object(REGISTRY_OBJECT)?;
    let (at, file) = hosts(seen, place)?;
    if !four || file.naming(REGISTRY).next().is_some() || file.generated_problems().next().is_some() {
        return None;
    }
    // A file without any signed line may be seen before the first minute of a node is over.
    let confidence = if pulls_fail(seen) { Confidence::Certain } else { Confidence::Likely };
    let message =
        format!("/etc/hosts of {} has no line for {REGISTRY}; the container engine reads no other", place.name);
    let client = seen.client(&place.name)?;
    Some(Sign::new(&client.id, confidence, message).resting_on([at, object.index]).about([REGISTRY]))
}

/// An event tells of a pull that failed because the registry's name has no address.
fn pulls_fail(seen: &Seen<'_>) -> bool {
    seen.objects("events/").any(|(_, event)| {
        event["message"].as_str().is_some_and(|words| words.contains(REGISTRY) && words.contains("no such host"))
    })
}

fn is_registry(names: &[String]) -> bool {
    names.iter().any(|name| name.starts_with(REGISTRY))
}

/// The registry's addresses, where that was seen, and who says so: the API, else the cluster's DNS.
fn right_addresses(seen: &Seen<'_>) -> Option<(usize, Vec<IpAddr>, &'static str)> {
    if let Some((at, service)) = seen.object(REGISTRY_OBJECT) {
        let address = service["spec"]["clusterIP"].as_str()?.parse().ok()?;
        return Some((at.index, vec![address], "the API"));
    }
    let name = registry_name(seen);
    let answered = |hop: &str| seen.for_name(hop, &name, "A").find(|at| at.has_answer());
    let at = seen.role(Role::Coredns).find_map(|hop| answered(&hop.id))?;
    Some((at.index, at.addresses(), "the cluster's DNS"))
}

fn registry_name(seen: &Seen<'_>) -> String {
    format!("{REGISTRY}.{}", seen.evidence.chain.cluster_domain)
}

/// Where the API did not tell, the cluster's DNS is asked for the registry that the file names.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let named = |place: &Place| {
        hosts(seen, place).is_some_and(|(_, file)| file.generated().any(|entry| is_registry(&entry.names)))
    };
    if seen.object(REGISTRY_OBJECT).is_some() || !seen.places(PlaceKind::Node).any(named) {
        return Vec::new();
    }
    let name = registry_name(seen);
    let question = |(vantage, id, server): (String, &str, SocketAddr)| (vantage, Question::new(id, server, &name, "A"));
    let first = seen.role(Role::Coredns).find_map(|hop| Some((hop.vantage.clone(), hop.id.as_str(), hop.address?)));
    first.map(question).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixtures::{flags, openshift4};
    use super::{REGISTRY, REGISTRY_OBJECT};
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;
    use crate::dns::seen::Seen;

    const SIGNED: &str = "# openshift-generated-node-resolver";

    fn node_with(lines: &str) -> Evidence {
        let mut evidence = openshift4();
        evidence.file("node1", "/etc/hosts", &format!("127.0.0.1 localhost\n{lines}"));
        evidence
    }

    fn with_api(mut evidence: Evidence) -> Evidence {
        evidence.object(REGISTRY_OBJECT, &json!({ "spec": { "clusterIP": "172.30.19.84" } }));
        evidence
    }

    #[test]
    fn words_of_dig_are_blamed() {
        let evidence = node_with(&format!("connection {REGISTRY} {REGISTRY}.cluster.local {SIGNED}\n"));
        let signs = evidence.signs("F46");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "node1", Confidence::Certain));
        assert!(signs[0].message.contains("line 2 `connection"), "{}", signs[0].message);
    }

    #[test]
    fn an_old_address_and_none_are_blamed() {
        let old = with_api(node_with(&format!("172.30.1.1 {REGISTRY} {SIGNED}\n")));
        let message = &old.signs("F46")[0].message;
        assert!(message.contains("172.30.1.1") && message.contains("the API says 172.30.19.84"), "{message}");
        let none = with_api(node_with(""));
        assert_eq!(none.signs("F46")[0].confidence, Confidence::Likely);
    }

    #[test]
    fn without_the_api_the_clusters_dns_is_asked() {
        let mut evidence = node_with(&format!("172.30.1.1 {REGISTRY} {SIGNED}\n"));
        assert_eq!(evidence.signs("F46"), []);
        let asked = (super::MODE.ask)(&Seen::new(&evidence));
        assert_eq!((asked.len(), asked[0].1.hop.as_str()), (1, "coredns"));
        let mut reply = evidence.question("pod", "coredns", &format!("{REGISTRY}.cluster.local"), "A").again();
        reply.set_answer(&["172.30.19.84"], 5, flags("aa"));
        evidence.put(reply);
        assert_eq!(evidence.signs("F46").len(), 1);
    }

    #[test]
    fn neighbours_are_left_alone() {
        let right = with_api(node_with(&format!("172.30.19.84 {REGISTRY} {REGISTRY}.cluster.local {SIGNED}\n")));
        assert_eq!(right.signs("F46"), []);
        let mut own_garbage = node_with("nonsense of an administrator\n");
        assert_eq!(own_garbage.signs("F46"), [], "not signed: the C library skips it");
        own_garbage.chain.platform = crate::dns::chain::Platform::MicroShift;
        assert_eq!(with_api(own_garbage).signs("F46"), [], "no node-resolver there");
    }
}
