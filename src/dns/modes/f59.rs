//! F59: an upstream does not resolve for others: it knows its own zones only, or not for us.

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F59",
    code: "upstream-no-recursion",
    title: "An upstream does not resolve names of the world: it offers no recursion",
    shows: "its replies have ra=0, and are REFUSED or empty with a referral for every name outside of its own zones; dnsmasq \
            logs \"nameserver refused to do a recursive query\"; names fail whenever that upstream is the one that is asked",
    mend: "take the server out of the upstreams, name a resolver instead, or allow recursion there for these clients",
    stage: Stage::Next,
    explains: &["upstream-servfail", "upstreams-disagree", "no-outside-dns"],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.role(Role::Upstream).filter(|hop| is_asked_for_all(seen, hop)).filter_map(|hop| judge(seen, hop)).collect()
}

/// A server of some zones only need not know any other.
fn is_asked_for_all(seen: &Seen<'_>, hop: &Hop) -> bool {
    let mut forwards = seen.askers(&hop.id).flat_map(|asker| &asker.forwards);
    forwards.any(|forward| {
        forward.to.contains(&hop.id) && forward.zones.iter().any(|zone| zone.trim_matches('.').is_empty())
    })
}

fn judge(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let replies: Vec<At<'_>> = seen.asked(&hop.id).filter(|at| at.replied()).collect();
    if replies.is_empty() || replies.iter().any(|at| at.flag(|flags| flags.ra)) {
        return None;
    }
    let names = seen.outside_names();
    let refers = |at: &At<'_>| at.said("NOERROR") && at.answers.is_empty() && !at.flag(|flags| flags.aa);
    let outside = |at: &&At<'_>| {
        names.iter().any(|name| name.eq_ignore_ascii_case(&at.name)) || at.name == seen.evidence.nowhere()
    };
    let lost: Vec<At<'_>> =
        replies.iter().filter(outside).filter(|at| refers(at) || at.said("REFUSED")).copied().collect();
    let first = lost.first()?;
    // REFUSED to everything may also mean "not for you".
    let own_zone = replies.iter().any(|at| at.flag(|flags| flags.aa)) || lost.iter().any(refers);
    let suffers = |at: &At<'_>| names.iter().any(|name| name.eq_ignore_ascii_case(&at.name));
    let confidence = match own_zone {
        _ if !lost.iter().any(suffers) => Confidence::Possible,
        true => Confidence::Certain,
        false => Confidence::Likely,
    };
    let said = if first.said("REFUSED") { "REFUSED" } else { "NOERROR without an answer" };
    let message = format!(
        "{}{} offers no recursion (ra=0 in all {} replies) and says {said} to {}",
        hop.id,
        hop.address.map(|address| format!(" ({address})")).unwrap_or_default(),
        replies.len(),
        first.name,
    );
    let suffer: Vec<String> =
        lost.iter().map(|at| at.name.clone()).filter(|name| names.contains(&name.as_str())).collect();
    Some(Sign::new(&hop.id, confidence, message).about(suffer).resting_on(indexes(lost)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{OUTSIDE, ROUTE, flags, openshift4};
    use crate::dns::classify::Confidence;
    use crate::dns::observation::{Observation, Record};

    fn referral(at: &mut Observation) {
        at.set_rcode("NOERROR", flags(""));
        at.authority = vec![Record { name: ".".into(), kind: "NS".into(), ttl: 60, data: "a.root-servers.net".into() }];
    }

    #[test]
    fn a_server_without_recursion_is_blamed() {
        let mut evidence = openshift4();
        evidence.change_all("upstream-1", referral);
        let signs = evidence.signs("F59");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "upstream-1", Confidence::Certain));
        assert!(signs[0].message.contains("NOERROR without an answer"), "{}", signs[0].message);
        evidence.change_all("upstream-1", |at| at.set_rcode("REFUSED", flags("")));
        assert_eq!(evidence.signs("F59")[0].confidence, Confidence::Likely);
        evidence.change("upstream-1", |at| at.name == ROUTE, |at| at.set_answer(&["203.0.113.7"], 300, flags("aa")));
        assert_eq!(evidence.signs("F59")[0].confidence, Confidence::Certain);
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut authority = openshift4();
        authority.change_all("upstream-1", |at| at.set_rcode("REFUSED", flags("")));
        for pod in ["coredns/dns-default-a", "coredns/dns-default-b"] {
            authority.change_hop(pod, |hop| hop.forwards[0].zones = vec!["example.com".to_owned()]);
        }
        authority.change_hop("node1", |hop| hop.forwards.clear());
        assert_eq!(authority.signs("F59"), [], "F42: it is asked for its own zone only");
        let mut refusing = openshift4();
        refusing.change("upstream-1", |at| at.name == OUTSIDE, |at| at.set_rcode("REFUSED", flags("ra")));
        assert_eq!(refusing.signs("F59"), [], "dnsmasq that has no upstream says ra=1");
        let mut enough = openshift4();
        let asked_for = [OUTSIDE, ROUTE];
        enough.change(
            "upstream-1",
            |at| !asked_for.contains(&at.name.as_str()),
            |at| at.set_rcode("REFUSED", flags("")),
        );
        enough.change(
            "upstream-1",
            |at| asked_for.contains(&at.name.as_str()),
            |at| {
                let answers = at.answers.clone();
                at.set_rcode("NOERROR", flags("aa"));
                at.answers = answers;
            },
        );
        assert_eq!(enough.signs("F59")[0].confidence, Confidence::Possible, "it knows every name that was asked for");
        let mut own = openshift4();
        own.change_all("upstream-1", |at| at.set_negative("NXDOMAIN", Some((".", "a b 1 2 3 4 5")), flags("aa")));
        assert_eq!(own.signs("F59"), [], "a private root answers for the whole world");
    }
}
