//! F45: a pod's resolv.conf is empty, or names servers that know no Service.

use super::places::{cluster_targets, in_host_network, nameservers, pod_object, without_cluster_dns};
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Place, PlaceKind};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::Seen;

pub(super) static MODE: Mode = Mode {
    id: "F45",
    code: "pod-resolv-conf-wrong",
    title: "The pod's resolv.conf names no server, or none of the cluster's",
    shows: "no nameserver line at all (the C library then asks 127.0.0.1), or only servers outside of the cluster: dnsPolicy \
            Default or None without the cluster's server, or the event MissingClusterDNS of a kubelet without clusterDNS",
    mend: "set `dnsPolicy: ClusterFirst`, or name the cluster's server in `dnsConfig.nameservers`; where the event \
           MissingClusterDNS stands, set clusterDNS in the kubelet's configuration and delete the pod",
    stage: Stage::Files,
    explains: &["search-without-cluster-domain"],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.places(PlaceKind::Pod).filter_map(|place| empty(seen, place).or_else(|| wrong(seen, place))).collect()
}

fn empty(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let (at, conf) = seen.resolv_conf(&place.name)?;
    let message = format!("/etc/resolv.conf of {} has no nameserver line{}", named(place), why(seen, place).0);
    let sign = Sign::new(&seen.client(&place.name)?.id, Confidence::Certain, message).resting_on([at.index]);
    conf.nameservers.is_empty().then(|| sign.resting_on(why(seen, place).1))
}

fn wrong(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let client = seen.client(&place.name)?;
    let lost = without_cluster_dns(seen, &place.name)?;
    if in_host_network(seen, place).is_some() {
        return None;
    }
    let names = cluster_targets(seen);
    let (why, rests) = why(seen, place);
    let confidence = match why.is_empty() {
        _ if names.is_empty() => Confidence::Possible,
        true => Confidence::Likely,
        false => Confidence::Certain,
    };
    let servers = nameservers(seen, &place.name);
    let message = format!("{} asks {servers}, where no name of the cluster is known{why}", named(place));
    let file = seen.file(&place.name, "/etc/resolv.conf").map(|(at, _)| at.index);
    Some(Sign::new(&client.id, confidence, message).about(names).resting_on(lost).resting_on(rests).resting_on(file))
}

fn named(place: &Place) -> &str {
    place.pod.as_deref().unwrap_or(&place.name)
}

/// Why the file is as it is, as the end of a sentence, and where that was seen; empty when nobody says.
fn why(seen: &Seen<'_>, place: &Place) -> (String, Vec<usize>) {
    let pod_name = place.pod.as_deref().and_then(|pod| pod.rsplit('/').next()).unwrap_or_default();
    let event = seen.objects("events/").find(|(_, event)| {
        event["reason"] == "MissingClusterDNS" && event["involvedObject"]["name"].as_str() == Some(pod_name)
    });
    if let Some((at, event)) = event {
        let words = event["message"].as_str().unwrap_or_default();
        return (format!("; the kubelet says: {words}"), vec![at.index]);
    }
    match pod_object(seen, place) {
        Some((at, pod)) => match pod["spec"]["dnsPolicy"].as_str() {
            Some(policy @ ("Default" | "None")) => (format!("; its dnsPolicy is {policy}"), vec![at.index]),
            _ => (String::new(), Vec::new()),
        },
        None => (String::new(), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixtures::{SERVICE, openshift3, openshift4};
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;
    use crate::dns::observation::Observation;

    fn outside_only() -> Evidence {
        let mut evidence = openshift4();
        evidence.file("pod", "/etc/resolv.conf", "search example.com\nnameserver 10.9.0.1\n");
        evidence.chain.hops[0].forwards[0].to = vec!["upstream-1".to_owned()];
        evidence.forget(|at| at.hop == "upstream-1" && at.name.ends_with("cluster.local"));
        evidence
    }

    #[test]
    fn a_file_without_servers_is_blamed() {
        let mut evidence = openshift4();
        evidence.file("pod", "/etc/resolv.conf", "search example.com\n");
        evidence.object("pods/team1/app", &json!({ "spec": { "dnsPolicy": "None" } }));
        let signs = evidence.signs("F45");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "pod", Confidence::Certain));
        assert!(signs[0].message.contains("dnsPolicy is None"), "{}", signs[0].message);
    }

    #[test]
    fn servers_outside_of_the_cluster_are_blamed_and_the_event_is_told() {
        let mut evidence = outside_only();
        assert_eq!(evidence.signs("F45")[0].confidence, Confidence::Likely);
        let event = json!({
            "reason": "MissingClusterDNS", "involvedObject": { "name": "app" },
            "message": "kubelet does not have ClusterDNS IP configured. Falling back to \"Default\" policy.",
        });
        evidence.object("events/team1/app.17d", &event);
        let sign = &evidence.signs("F45")[0];
        assert_eq!((sign.confidence, sign.names[0].as_str()), (Confidence::Certain, SERVICE));
        assert!(sign.message.contains("Falling back"), "{}", sign.message);
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut host = outside_only();
        host.object("pods/team1/app", &json!({ "spec": { "hostNetwork": true, "dnsPolicy": "ClusterFirst" } }));
        assert_eq!(host.signs("F45"), [], "F44: host network");
        let mut dead = openshift4();
        dead.change("coredns", |at| at.vantage == "pod", Observation::set_silent);
        assert_eq!(dead.signs("F45"), [], "F31, F51: the right server does not answer");
        let mut rule_lost = openshift3();
        rule_lost.change("dnsmasq", |at| at.name.ends_with("cluster.local"), Observation::set_unknown_in_the_world);
        assert_eq!(rule_lost.signs("F45"), [], "F3: the file is right, the server is not");
        let mut unsynced = openshift4();
        unsynced.change_all("coredns", |at| at.set_rcode("SERVFAIL", super::super::fixtures::flags("aa")));
        assert_eq!(unsynced.signs("F45"), [], "F35");
    }
}
