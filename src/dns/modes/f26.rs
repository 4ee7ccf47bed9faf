//! F26: a pod asks the cluster's resolver and, beside it, one that does not know the cluster.

use super::coredns::{named, outcome};
use super::lookups::Search;
use super::{Mode, Stage};
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::Transport;
use crate::dns::plan::Question;
use crate::dns::search::NAMESERVERS;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F26",
    code: "mixed-nameservers",
    title: "resolv.conf names the cluster's resolver beside one that does not know the cluster",
    shows: "the two give different answers for a cluster name. glibc asks the second only when the first is slow or silent, \
            so names fail now and then; musl asks both and takes the first answer, so they fail at random",
    mend: "let the pod have the cluster's resolver only: `dnsPolicy: ClusterFirst` without `dnsConfig.nameservers`; on a node \
           leave the other servers to the node's own resolver",
    stage: Stage::Siblings,
    explains: &[],
    find,
    ask,
};

/// How often the server of the cluster is asked again, to see whether it answers every time.
const REPEATS: u16 = 6;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    Search::all(seen).iter().filter_map(|search| Some(sign(seen, search, &Mixed::of(seen, search)?))).collect()
}

fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let questions = |search: &Search<'_>| {
        let Some(mixed) = Mixed::of(seen, search) else { return Vec::new() };
        let names = cluster_names(seen);
        let ask = |hop: &Hop, name: &str| Some(Question::new(&hop.id, hop.address?, name, "A"));
        let other = names.iter().filter_map(|name| ask(mixed.other, name));
        let other = other.flat_map(|question| [question.clone(), question.after(500)]);
        let again =
            (0..REPEATS).filter_map(|turn| Some(ask(mixed.cluster, names.first()?)?.after(u64::from(turn) * 300)));
        other.chain(again).map(|question| (search.place.name.clone(), question)).collect()
    };
    Search::all(seen).iter().flat_map(questions).collect()
}

/// Two servers of one `resolv.conf`, of which one knows the cluster.
struct Mixed<'a> {
    cluster: &'a Hop,
    other: &'a Hop,
    /// The other one stands first.
    other_first: bool,
}

impl<'a> Mixed<'a> {
    fn of(seen: &Seen<'a>, search: &Search<'a>) -> Option<Self> {
        let asked = &search.servers[..search.servers.len().min(NAMESERVERS)];
        let knows = |hop: &&&Hop| {
            let names = cluster_names(seen);
            names.iter().any(|name| seen.asked(&hop.id).any(|at| at.name == *name && seen.is_right(&at)))
        };
        let cluster = *asked.iter().find(knows)?;
        let other = *asked.iter().find(|hop| hop.role == Role::Upstream && !knows(hop))?;
        let place = |wanted: &Hop| asked.iter().position(|hop| hop.id == wanted.id);
        Some(Self { cluster, other, other_first: place(other) < place(cluster) })
    }
}

/// The Service that every cluster has, and targets of the cluster.
fn cluster_names(seen: &Seen<'_>) -> Vec<String> {
    let targets = seen.targets().map(|target| target.name.clone()).filter(|name| seen.is_cluster_name(name));
    let known = seen.evidence.known_service();
    let mut names = vec![known.clone()];
    names.extend(targets.filter(|name| *name != known));
    names
}

fn sign(seen: &Seen<'_>, search: &Search<'_>, mixed: &Mixed<'_>) -> Sign {
    let place = search.place.name.as_str();
    let names = cluster_names(seen);
    let right = |name: &String| seen.for_name(&mixed.cluster.id, name, "A").any(|at| seen.is_right(&at));
    let wrong = |name: &String| {
        let at = seen.reply_at(place, &mixed.other.id, name, "A")?;
        (at.replied() && !seen.is_right(&at)).then_some((name.clone(), at))
    };
    let different: Vec<(String, At<'_>)> = names.iter().filter(|name| right(name)).filter_map(wrong).collect();
    let lost: Vec<At<'_>> = seen.asked(&mixed.cluster.id).filter(|at| at.vantage == place && is_lost(at)).collect();
    let harm = mixed.other_first || !lost.is_empty() || libc_differs(seen, place, &different);
    let confidence = match different.first() {
        Some(_) if harm => Confidence::Likely,
        _ => Confidence::Possible,
    };
    let said = different.first().map_or_else(
        || "which does not know the cluster".to_owned(),
        |(name, at)| format!("which says {} to `{name}`", outcome(at)),
    );
    let when = match () {
        () if mixed.other_first => "; it is asked first".to_owned(),
        () if lost.is_empty() => "; it is asked whenever the first is slow".to_owned(),
        () => format!("; it is asked whenever the first is silent, as it was to {} queries here", lost.len()),
    };
    let message = format!("{place} asks {} and also {}, {said}{when}", named(mixed.cluster), named(mixed.other));
    let rests = different.iter().map(|(_, at)| *at).chain(lost);
    Sign::new(&search.client.id, confidence, message)
        .about(
            different.iter().map(|(name, _)| name.as_str()).filter(|name| seen.targets().any(|one| one.name == **name)),
        )
        .resting_on(indexes(rests))
        .resting_on([search.file.index])
}

fn is_lost(at: &At<'_>) -> bool {
    at.silent() && at.transport == Transport::Udp
}

/// The C library had another answer than the cluster's resolver gives.
fn libc_differs(seen: &Seen<'_>, place: &str, different: &[(String, At<'_>)]) -> bool {
    different.iter().any(|(name, at)| {
        let wrong = at.addresses();
        seen.libc(place, name).is_some_and(|libc| {
            let got = libc.addresses();
            !got.is_empty() && got.iter().any(|address| wrong.contains(address))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{KNOWN, SERVICE, openshift3, openshift4};

    /// The pod asks `upstream-1` too.
    fn mixed(servers: [&str; 2]) -> Evidence {
        let mut evidence = openshift4();
        let pod = evidence.chain.hops.iter_mut().find(|hop| hop.id == "pod").unwrap();
        pod.forwards[0].to = servers.map(str::to_owned).to_vec();
        evidence
    }

    fn denied(evidence: &mut Evidence) {
        for name in [KNOWN, SERVICE] {
            let mut denied = evidence.question("pod", "upstream-1", name, "A").again();
            denied.set_unknown_in_the_world();
            evidence.put(denied);
        }
    }

    #[test]
    fn a_second_server_that_knows_nothing_does_harm_when_the_first_is_silent() {
        let mut evidence = mixed(["coredns", "upstream-1"]);
        assert_eq!(evidence.signs("F26")[0].confidence, Confidence::Possible);
        let asked = (MODE.ask)(&Seen::new(&evidence));
        assert!(asked.iter().any(|(place, one)| place == "pod" && one.hop == "upstream-1" && one.name == SERVICE));
        denied(&mut evidence);
        assert_eq!(evidence.signs("F26")[0].confidence, Confidence::Possible, "nothing was lost yet");
        let mut lost = evidence.question("pod", "coredns", KNOWN, "A").again();
        lost.set_silent();
        evidence.put(lost);
        let signs = evidence.signs("F26");
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("pod", Confidence::Likely));
        assert_eq!(signs[0].names, [SERVICE, KNOWN]);
    }

    #[test]
    fn one_that_stands_first_does_harm_at_once() {
        let mut evidence = mixed(["upstream-1", "coredns"]);
        denied(&mut evidence);
        let signs = evidence.signs("F26");
        assert_eq!(signs[0].confidence, Confidence::Likely);
        assert!(signs[0].message.contains("asked first"), "{}", signs[0].message);
    }

    #[test]
    fn two_servers_that_both_know_the_cluster_are_no_mixture() {
        assert_eq!(mixed(["coredns", "coredns/dns-default-a"]).signs("F26"), []);
        assert_eq!(openshift3().signs("F26"), []);
    }
}
