//! F18: somebody rewrote the node's resolv.conf, and dnsmasq is no longer asked.

use std::net::IpAddr;

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Place, PlaceKind, Platform, is_below};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::node::outcome;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F18",
    code: "resolv-conf-overwritten",
    title: "the node's resolv.conf was overwritten and no longer names the node's own dnsmasq",
    shows: "after a reboot, a VPN or a new lease the node resolves no cluster name; /etc/resolv.conf lacks the mark of \
            99-origin-dns.sh and lists the company's servers",
    mend: "run the dispatcher again: `nmcli connection up CONNECTION`; and keep NetworkManager's hands off: `[main]` and \
           `dns=none` in /etc/NetworkManager/conf.d/99-origin.conf, `systemctl reload NetworkManager`",
    stage: Stage::Files,
    explains: &["search-without-cluster-domain", "mixed-nameservers", "cluster-rule-missing", "host-network-pod"],
    find,
    ask: nothing_more,
};

/// What the dispatcher script signs with.
const WATERMARK: &str = "99-origin-dns.sh";

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    if seen.evidence.chain.platform != Platform::OpenShift3 {
        return Vec::new();
    }
    seen.places(PlaceKind::Node).filter_map(|place| is_overwritten(seen, place)).collect()
}

fn is_overwritten(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let (file, conf) = seen.resolv_conf(&place.name)?;
    let own = own(seen, place);
    if own.is_empty() || conf.nameservers.is_empty() || conf.nameservers.iter().any(|server| own.contains(server)) {
        return None;
    }
    let signed = conf.comments.iter().any(|comment| comment.contains(WATERMARK));
    let client = seen.client(&place.name)?;
    let (right, wrong): (Vec<At<'_>>, Vec<At<'_>>) =
        cluster_names(seen, &place.name).into_iter().partition(|at| !at.answers.is_empty());
    let denied = wrong.first().copied().filter(|_| right.is_empty());
    let confidence = match (&denied, signed) {
        // They know the cluster all the same.
        (None, _) if !right.is_empty() => Confidence::Possible,
        (Some(_), false) => Confidence::Certain,
        (Some(_), true) | (None, false) => Confidence::Likely,
        (None, true) => Confidence::Possible,
    };
    let servers: Vec<String> = conf.nameservers.iter().map(ToString::to_string).collect();
    let own: Vec<String> = own.iter().map(ToString::to_string).collect();
    let mark = if signed { "" } else { " and lacks the mark of 99-origin-dns.sh" };
    let harm = denied.map_or(String::new(), |at| format!("; there `{}` gets {}", at.name, outcome(&at)));
    let message = format!(
        "/etc/resolv.conf of {} names {} in place of the node's own dnsmasq ({}){mark}{harm}",
        place.name,
        servers.join(", "),
        own.join(", ")
    );
    let names = seen.targets().map(|target| target.name.as_str()).filter(|name| seen.is_cluster_name(name));
    Some(Sign::new(&client.id, confidence, message).about(names).resting_on(indexes([file].into_iter().chain(denied))))
}

/// Where the node's dnsmasq is, or the node's own addresses.
fn own(seen: &Seen<'_>, place: &Place) -> Vec<IpAddr> {
    let here = seen.dnsmasqs().filter(|hop| seen.node_of(hop).is_some_and(|node| node.name == place.name));
    let mut own: Vec<IpAddr> = here.filter_map(|hop| hop.address).map(|address| address.ip()).collect();
    own.extend(seen.own_addresses(&place.name).into_iter().filter(|address| !address.is_loopback()));
    own.sort_unstable();
    own.dedup();
    own
}

/// What the node gets for cluster names: from the servers of its file, or through its C library.
fn cluster_names<'a>(seen: &Seen<'a>, vantage: &str) -> Vec<At<'a>> {
    let inside = |at: &At<'_>| at.kind == "A" && is_below(&at.name, &seen.evidence.chain.cluster_domain);
    let Some(client) = seen.client(vantage) else { return Vec::new() };
    let servers = seen.asks_for(client, ".");
    let asked =
        servers.into_iter().flat_map(|hop| seen.asked(&hop.id).filter(|at| at.vantage == vantage).filter(inside));
    let looked_up = seen.targets().filter(|target| seen.is_cluster_name(&target.name));
    let looked_up = looked_up.filter_map(|target| seen.libc(vantage, &target.name)).filter(says);
    asked.chain(looked_up).collect()
}

/// True when the C library spoke: it found addresses, or said that there are none.
fn says(looked_up: &At<'_>) -> bool {
    looked_up.error.as_ref().is_none_or(|error| error.detail == "not found")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{SERVICE, flags, openshift3};
    use crate::dns::observation::{Observation, ProbeError, Transport, Trouble};

    fn overwritten(text: &str) -> Evidence {
        let mut evidence = openshift3();
        evidence.file("node1", "/etc/resolv.conf", text);
        evidence.change_hop("node1", |hop| hop.forwards[0].to = vec!["upstream-1".to_owned()]);
        evidence
    }

    #[test]
    fn a_file_that_names_the_companys_servers_is_found() {
        let mut evidence = overwritten("# Generated by NetworkManager\nsearch example.com\nnameserver 10.9.0.1\n");
        assert_eq!(evidence.signs("F18")[0].confidence, Confidence::Likely);
        let mut denied = evidence.question("node1", "upstream-1", SERVICE, "A");
        denied.set_unknown_in_the_world();
        evidence.put(denied);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F18", "node1"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        assert!(findings[0].message.contains("names 10.9.0.1 in place of the node's own dnsmasq (10.0.2.15)"));
    }

    #[test]
    fn a_c_library_that_finds_no_cluster_name_makes_it_sure() {
        let mut evidence = overwritten("nameserver 10.9.0.1\n");
        let mut denied = Observation::blank("node1", SERVICE, "ADDR", Transport::Libc);
        denied.error = Some(ProbeError { kind: Trouble::Other, detail: "not found".to_owned() });
        evidence.put(denied.clone());
        assert_eq!(evidence.signs("F18")[0].confidence, Confidence::Certain);
        denied.error = Some(ProbeError { kind: Trouble::Timeout, detail: "getent did not end in 2000 ms".to_owned() });
        evidence.put(denied);
        assert_eq!(evidence.signs("F18")[0].confidence, Confidence::Likely, "it said nothing");
    }

    #[test]
    fn servers_that_know_the_cluster_do_no_harm() {
        let mut evidence = overwritten("nameserver 127.0.0.1\n");
        let mut found = Observation::blank("node1", SERVICE, "ADDR", Transport::Libc);
        found.set_answer(&["172.30.5.6"], 0, flags(""));
        evidence.put(found);
        assert_eq!(evidence.signs("F18")[0].confidence, Confidence::Possible);
    }

    #[test]
    fn a_file_without_the_mark_that_names_dnsmasq_is_good() {
        assert_eq!(overwritten("search cluster.local\nnameserver 10.0.2.15\nnameserver 10.9.0.1\n").signs("F18"), []);
        let mut evidence = overwritten("nameserver 10.9.0.1\n");
        evidence.chain.platform = Platform::OpenShift4;
        assert_eq!(evidence.signs("F18"), [], "an OpenShift 4 node asks the company's servers");
    }
}
