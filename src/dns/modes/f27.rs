//! F27: resolv.conf says more than a C library reads.

use serde_json::Value;

use super::lookups::Search;
use super::{Mode, Stage, nothing_more};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::Observation;
use crate::dns::search::{End, Library, NAMESERVERS};
use crate::dns::seen::{Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F27",
    code: "resolv-conf-limits",
    title: "resolv.conf has more nameservers or search suffixes than are read",
    shows: "a fourth nameserver is never asked; glibc before 2.26 and old kubelets keep six suffixes and 256 characters, musl \
            drops a longer line whole. The kubelet says so in events `DNSConfigForming`",
    mend: "keep three nameservers and six short suffixes; let a dnsmasq or CoreDNS ask the others",
    stage: Stage::Files,
    explains: &["search-amplification", "search-without-cluster-domain"],
    find,
    ask: nothing_more,
};

/// glibc before 2.26, and the kubelet before 1.22 and on nodes with an old containerd, keep no more.
const SUFFIXES: usize = 6;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs: Vec<Sign> = Search::all(seen)
        .iter()
        .flat_map(|search| [too_many_servers(seen, search), too_many_suffixes(seen, search)])
        .flatten()
        .collect();
    let (events, messages) = events(seen);
    match (signs.first_mut(), messages.first()) {
        (Some(sign), Some(message)) => {
            sign.message = format!("{}; the kubelet says: {message}", sign.message);
            sign.evidence.extend(events);
        }
        (None, Some(message)) => signs.extend(of_events(seen, message).map(|sign| sign.resting_on(events))),
        _ => {}
    }
    signs
}

fn too_many_servers(seen: &Seen<'_>, search: &Search<'_>) -> Option<Sign> {
    let count = search.conf.nameservers.len();
    let (read, left_out) = search.servers.split_at_checked(NAMESERVERS).filter(|_| count > NAMESERVERS)?;
    let place = search.place.name.as_str();
    let replies = |hop: &crate::dns::chain::Hop| seen.asked(&hop.id).any(|at| at.vantage == place && at.replied());
    let saviour = left_out.iter().find(|hop| replies(hop)).filter(|_| !read.iter().any(|hop| replies(hop)));
    let addresses: Vec<String> = search.conf.nameservers[NAMESERVERS..].iter().map(ToString::to_string).collect();
    let what = format!("resolv.conf of {place} names {count} nameservers; {} is never asked", addresses.join(", "));
    let sign = match saviour {
        Some(hop) => {
            let message = format!("{what}, and it is the only one that replies");
            Sign::new(&search.client.id, Confidence::Likely, message)
                .resting_on(indexes(seen.asked(&hop.id).filter(|at| at.vantage == place && at.replied())))
        }
        None => Sign::new(&search.client.id, Confidence::Possible, what),
    };
    Some(sign.resting_on([search.file.index]))
}

fn too_many_suffixes(seen: &Seen<'_>, search: &Search<'_>) -> Option<Sign> {
    let all = search.conf.search.len();
    let cut = |library: Library| library.suffixes(&search.conf).len() < all;
    let old = [Library::OldGlibc, Library::Musl].into_iter().find(|library| cut(*library));
    if all <= SUFFIXES && old.is_none() {
        return None;
    }
    let place = search.place.name.as_str();
    // A name that is found with the whole list, not with the list as it is cut, and not here.
    let suffers = |library: Library, name: &str| {
        let ends = |library| search.look_up(seen, library, name).end;
        let libc = seen.libc(place, name)?;
        let lost = ends(Library::Glibc) == End::Found && ends(library) != End::Found && not_found(&libc);
        lost.then_some((name.to_owned(), libc, library))
    };
    let lost: Vec<_> = seen
        .targets()
        .filter_map(|target| [Library::OldGlibc, Library::Musl].into_iter().find_map(|one| suffers(one, &target.name)))
        .collect();
    let what = format!(
        "resolv.conf of {place} has {all} search suffixes in {} characters",
        search.conf.search.join(" ").len()
    );
    let sign = match lost.first() {
        Some((name, _, library)) => {
            let kept = library.suffixes(&search.conf).len();
            let message = format!(
                "{what}, of which the C library there honours {kept} (so does {}): `{name}` is not found, with the whole list \
                 it is",
                library.word()
            );
            Sign::new(&search.client.id, Confidence::Likely, message)
        }
        None => Sign::new(
            &search.client.id,
            Confidence::Possible,
            format!("{what}; old C libraries leave some of them out"),
        ),
    };
    let sign = sign.about(lost.iter().map(|(name, ..)| name.as_str()));
    Some(sign.resting_on([search.file.index]).resting_on(lost.iter().map(|(_, libc, _)| libc.index)))
}

/// The C library says that there is no such name.
fn not_found(libc: &Observation) -> bool {
    libc.answers.is_empty() && libc.text.is_some() && !libc.silent()
}

fn events(seen: &Seen<'_>) -> (Vec<usize>, Vec<String>) {
    let limits = ["DNSConfigForming", "CheckLimitsForResolvConf"];
    let found = seen.objects("events/").filter_map(|(at, event)| {
        let reason = event["reason"].as_str()?;
        (limits.contains(&reason) && concerns(seen, &event["involvedObject"]))
            .then(|| (at.index, event["message"].as_str().unwrap_or(reason).to_owned()))
    });
    found.unzip()
}

/// Events of pods that nobody looks from say nothing of this path.
fn concerns(seen: &Seen<'_>, object: &Value) -> bool {
    let pod = format!("{}/{}", text(&object["namespace"]), text(&object["name"]));
    object["kind"] != "Pod" || seen.evidence.places.iter().any(|place| place.pod.as_deref() == Some(pod.as_str()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn of_events(seen: &Seen<'_>, message: &str) -> Option<Sign> {
    let client = seen.role(crate::dns::chain::Role::Client).next()?;
    Some(Sign::new(&client.id, Confidence::Possible, format!("the kubelet says of a pod: {message}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dns::chain::{Kind, Target};
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{flags, openshift4};
    use crate::dns::observation::{Observation, ProbeError, Transport, Trouble};

    fn long_list(evidence: &mut Evidence) {
        let suffixes: Vec<String> = (1..=7).map(|number| format!("zone{number}.example")).collect();
        let text = format!("search {} cluster.local\nnameserver 172.30.0.10\noptions ndots:5\n", suffixes.join(" "));
        evidence.file("pod", "/etc/resolv.conf", &text);
    }

    #[test]
    fn a_long_list_is_possible_until_a_name_is_lost_by_it() {
        let mut evidence = openshift4();
        long_list(&mut evidence);
        let signs = evidence.signs("F27");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "pod", Confidence::Possible));

        let name = "registry.default.svc";
        evidence.targets.push(Target {
            name: name.to_owned(),
            kind: Kind::Service,
            expected: Vec::new(),
            because: None,
        });
        let mut candidate = evidence.question("pod", "coredns", "registry.default.svc.cluster.local", "A");
        candidate.set_answer(&["172.30.9.9"], 5, flags("aa"));
        evidence.put(candidate);
        let mut libc = Observation::blank("pod", name, "ADDR", Transport::Libc);
        (libc.text, libc.error) =
            (Some(String::new()), Some(ProbeError { kind: Trouble::Other, detail: "not found".to_owned() }));
        evidence.put(libc);
        let signs = evidence.signs("F27");
        assert_eq!(signs[0].confidence, Confidence::Likely);
        assert_eq!(signs[0].names, [name]);
    }

    #[test]
    fn a_fourth_server_matters_when_the_first_three_are_dead() {
        let mut evidence = openshift4();
        let servers = ["10.9.0.91", "10.9.0.92", "10.9.0.93", "172.30.0.10"];
        evidence.file("pod", "/etc/resolv.conf", &servers.map(|server| format!("nameserver {server}\n")).concat());
        for (number, _) in servers.iter().enumerate().take(3) {
            let mut hop = evidence.chain.hop("upstream-1").unwrap().clone();
            hop.id = format!("upstream-{}", number + 2);
            evidence.chain.hops.push(hop);
        }
        let pod = evidence.chain.hops.iter_mut().find(|hop| hop.id == "pod").unwrap();
        pod.forwards[0].to = ["upstream-2", "upstream-3", "upstream-4", "coredns"].map(str::to_owned).to_vec();
        let signs = evidence.signs("F27");
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("pod", Confidence::Likely));
        assert!(signs[0].message.contains("172.30.0.10 is never asked"), "{}", signs[0].message);
    }

    #[test]
    fn six_suffixes_and_events_of_another_kind_are_fine() {
        let mut evidence = openshift4();
        let text = "search a.x b.x c.x d.x e.x cluster.local\nnameserver 172.30.0.10\noptions ndots:5\n";
        evidence.file("pod", "/etc/resolv.conf", text);
        evidence.object("events/team1/x", &json!({ "reason": "Pulled", "message": "pulled" }));
        assert_eq!(evidence.signs("F27"), []);
        let limits = "Nameserver limits were exceeded, some nameservers have been omitted";
        evidence.object("events/team1/y", &json!({ "reason": "DNSConfigForming", "message": limits }));
        let signs = evidence.signs("F27");
        assert_eq!(signs[0].confidence, Confidence::Possible);
        assert!(signs[0].message.contains(limits));
        let other = json!({ "kind": "Pod", "namespace": "elsewhere", "name": "app" });
        let event = json!({ "reason": "DNSConfigForming", "message": limits, "involvedObject": other });
        evidence.object("events/team1/y", &event);
        assert_eq!(evidence.signs("F27"), []);
    }
}
