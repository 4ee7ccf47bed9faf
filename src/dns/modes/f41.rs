//! F41: a node of OpenShift 4 does not ask its own resolver first.

use super::coredns::{named, outcome};
use super::lookups::Search;
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, PlaceKind, Platform, Role, Target};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::Trouble;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F41",
    code: "node-resolver-not-first",
    title: "a node's resolv.conf does not name the node's own resolver first",
    shows: "`api-int` and the apps domain do not resolve on the node, the kubelet is NotReady; the node's own CoreDNS or dnsmasq \
            knows them, but resolv.conf names another server first. `/run/resolv-prepender-kni-conf-done` is absent",
    mend: "`systemctl restart on-prem-resolv-prepender` on the node (on a single node: `nmcli networking off; nmcli networking \
           on`, which runs the dispatcher `forcedns`); `nmcli -f ipv4.dns connection show` tells who wrote the file",
    stage: Stage::Files,
    explains: &["search-amplification", "split-dns-missing", "upstreams-disagree"],
    find,
    ask: nothing_more,
};

/// Written by the dispatcher when the node's address was put first.
const DONE: &str = "/run/resolv-prepender-kni-conf-done";

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    if matches!(seen.evidence.chain.platform, Platform::OpenShift3 | Platform::Minishift) {
        return Vec::new();
    }
    let nodes = Search::all(seen).into_iter().filter(|search| search.place.kind == PlaceKind::Node);
    nodes.filter_map(|search| sign(seen, &search)).collect()
}

/// The resolver that runs on the node itself.
fn own_resolver<'a>(seen: &Seen<'a>, search: &Search<'_>) -> Option<&'a Hop> {
    let place = search.place;
    let here = |hop: &&Hop| hop.node.as_deref() == Some(place.name.as_str()) || hop.node == place.node;
    seen.role(Role::Node).find(here)
}

fn sign(seen: &Seen<'_>, search: &Search<'_>) -> Option<Sign> {
    let own = own_resolver(seen, search)?;
    let first = search.servers.first().filter(|first| first.id != own.id)?;
    let lost: Vec<(&Target, At<'_>, At<'_>)> =
        seen.targets().filter_map(|target| lost(seen, search, own, first, target)).collect();
    let place = search.place.name.as_str();
    let unfinished = seen.file_asked(place, DONE).filter(|at| at.met(Trouble::Absent));
    let confidence = match (lost.first(), unfinished) {
        (Some(_), Some(_)) => Confidence::Certain,
        (Some(_), None) => Confidence::Likely,
        // A resolver beside the list may be meant for others only.
        (None, _) => return None,
    };
    let (target, wrong, right) = lost.first()?;
    let mark = if unfinished.is_some() { format!(" ({DONE} is absent)") } else { String::new() };
    let message = format!(
        "resolv.conf of {place} names {} first and not the node's own resolver {}{mark}: `{}` gets {} there, {} here",
        named(first),
        named(own),
        target.name,
        outcome(wrong),
        outcome(right),
    );
    let rests = indexes(lost.iter().flat_map(|(_, wrong, right)| [*wrong, *right]));
    let sign = Sign::new(&search.client.id, confidence, message)
        .about(lost.iter().map(|(target, ..)| target.name.as_str()))
        .resting_on(rests)
        .resting_on([search.file.index])
        .resting_on(unfinished.map(|at| at.index));
    Some(sign)
}

/// A name that the node's own resolver knows and the one that is asked does not, or otherwise.
fn lost<'a>(
    seen: &Seen<'a>,
    search: &Search<'a>,
    own: &Hop,
    first: &Hop,
    target: &'a Target,
) -> Option<(&'a Target, At<'a>, At<'a>)> {
    let place = search.place.name.as_str();
    let right = seen.reply_at(place, &own.id, &target.name, "A").filter(|at| seen.is_right(at))?;
    let wrong = seen.reply_at(place, &first.id, &target.name, "A")?;
    let shared = right.addresses().iter().any(|address| wrong.addresses().contains(address));
    // An outside name may have other addresses elsewhere; a denial, or other addresses than the known ones, is wrong.
    let is_wrong = if target.expected.is_empty() { !wrong.has_answer() } else { !shared };
    is_wrong.then_some((target, wrong, right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{ROUTE, flags, openshift4};

    /// The node runs a resolver on 10.0.0.5 that knows the apps domain; resolv.conf names the corporate one.
    fn beside(corporate_knows: bool) -> Evidence {
        let mut evidence = openshift4();
        let mut own = evidence.chain.hop("upstream-1").unwrap().clone();
        (own.id, own.role) = ("node".to_owned(), Role::Node);
        (own.address, own.node) = ("10.0.0.5:53".parse().ok(), Some("node1".to_owned()));
        evidence.chain.hops.push(own);
        let mut known = evidence.question("node1", "node", ROUTE, "A");
        known.set_answer(&["203.0.113.7"], 60, flags("aa ra"));
        evidence.put(known);
        if !corporate_knows {
            let fits = |at: &crate::dns::observation::Observation| at.name == ROUTE;
            evidence.change("upstream-1", fits, crate::dns::observation::Observation::set_unknown_in_the_world);
        }
        evidence
    }

    #[test]
    fn a_node_that_leaves_its_own_resolver_out_is_found() {
        let mut evidence = beside(false);
        let signs = evidence.signs("F41");
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("node1", Confidence::Likely));
        assert_eq!(signs[0].names, [ROUTE]);
        evidence.no_file("node1", DONE);
        assert_eq!(evidence.signs("F41")[0].confidence, Confidence::Certain);
    }

    #[test]
    fn a_corporate_server_that_knows_the_names_too_is_fine() {
        let mut evidence = beside(true);
        evidence.no_file("node1", DONE);
        assert_eq!(evidence.signs("F41"), []);
        let mut evidence = beside(false);
        let node = evidence.chain.hops.iter_mut().find(|hop| hop.id == "node1").unwrap();
        node.forwards[0].to = ["node", "upstream-1"].map(str::to_owned).to_vec();
        assert_eq!(evidence.signs("F41"), []);
    }
}
