//! F54: nothing of the outside world resolves, or the domain that makes names of addresses is filtered.

use super::embedded::{ask, controls, denies, outside_hops, private_targets};
use super::{Mode, Stage};
use crate::dns::chain::{Hop, PlaceKind};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::Trouble;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F54",
    code: "no-outside-dns",
    title: "Nothing of the outside world resolves, or nip.io is filtered",
    shows: "every resolver outside of the cluster is silent or says SERVFAIL to every name of the world (offline, or a network \
            that only knows a proxy); or nip.io alone is denied, with private and with public addresses alike",
    mend: "bring the machine online, or do without: `minishift addons`/`minishift dns start`, a local dnsmasq with \
           `address=/DOMAIN/ADDRESS`, or the names in /etc/hosts",
    stage: Stage::Next,
    explains: &["upstream-silent", "upstream-servfail"],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let offline: Vec<Sign> = offline(seen).into_iter().collect();
    if offline.is_empty() { filtered(seen) } else { offline }
}

/// No resolver outside says anything of the world, not even that a name does not exist.
fn offline(seen: &Seen<'_>) -> Option<Sign> {
    let hops: Vec<&Hop> = outside_hops(seen).collect();
    let asked: Vec<At<'_>> = hops.iter().flat_map(|hop| seen.asked(&hop.id)).collect();
    let names = seen.outside_names();
    let was_asked = |name: &str| asked.iter().any(|at| at.name.eq_ignore_ascii_case(name));
    let cut_off = |at: &At<'_>| {
        let lost = [Trouble::Timeout, Trouble::NetUnreachable, Trouble::HostUnreachable];
        // A reply without `ra` comes from a server that is not asked the right thing: F59.
        lost.iter().any(|trouble| at.met(*trouble))
            || at.said("SERVFAIL")
            || at.said("REFUSED") && at.flag(|flags| flags.ra)
    };
    if !names.iter().any(|name| was_asked(name)) || !asked.iter().all(cut_off) {
        return None;
    }
    let hop = hops.iter().rev().find(|hop| asked.iter().any(|at| at.hop == hop.id))?;
    let said: Vec<&At<'_>> = asked.iter().filter(|at| at.replied()).collect();
    let unchecked = asked.iter().any(|at| at.checking_disabled && at.said("SERVFAIL"));
    let here = seen.places(PlaceKind::Workstation).any(|place| asked.iter().any(|at| at.vantage == place.name));
    let confidence = match said.is_empty() {
        // Silence seen from a pod or a node has many causes nearer by.
        true if here => Confidence::Likely,
        true => Confidence::Possible,
        false if unchecked => Confidence::Certain,
        false => Confidence::Likely,
    };
    let how = match said.last() {
        Some(at) => format!("say {} to every question", at.rcode.as_deref().unwrap_or_default()),
        None => "answer no question".to_owned(),
    };
    let servers: Vec<String> = hops.iter().filter_map(|hop| Some(hop.address?.to_string())).collect();
    let message = format!("the resolvers outside of the cluster ({}) {how}, e.g. {}", servers.join(", "), names[0]);
    Some(Sign::new(&hop.id, confidence, message).about(names).resting_on(indexes(asked)))
}

/// The domain of embedded addresses is denied as a whole, while other names are known.
fn filtered(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs = Vec::new();
    for (name, domain) in private_targets(seen) {
        let all_denied = |hop: &Hop| -> Option<Vec<At<'_>>> {
            let (private, public) = controls(seen, &hop.id, domain);
            let all = vec![seen.reply(&hop.id, name, "A")?, private?, public?];
            let cut_off = |at: &At<'_>| denies(at) || at.silent();
            (all.iter().all(cut_off) && knows_the_world(seen, hop, domain)).then_some(all)
        };
        let is_last = |hop: &&Hop| !seen.asks_for(hop, name).iter().any(|next| all_denied(next).is_some());
        for hop in outside_hops(seen).filter(is_last) {
            let Some(rests) = all_denied(hop) else { continue };
            let code = rests[2].rcode.as_deref().unwrap_or("nothing");
            let message = format!(
                "{} says {code} to every name below {domain}, also to {}, while it knows other names of the world",
                hop.id, rests[2].name,
            );
            signs.push(Sign::new(&hop.id, Confidence::Likely, message).about([name]).resting_on(indexes(rests)));
        }
    }
    signs
}

/// It answered another name, or denied one with the SOA of whoever denies it.
fn knows_the_world(seen: &Seen<'_>, hop: &Hop, domain: &str) -> bool {
    let of_another = |at: &At<'_>| !crate::dns::chain::is_below(&at.name, domain);
    seen.asked(&hop.id).filter(of_another).any(|at| at.has_answer() || at.said("NXDOMAIN") && at.soa().is_some())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{
        OUTSIDE, flags, openshift4,
        workstations::{NIP, minishift},
    };
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;
    use crate::dns::observation::Observation;

    fn everywhere(change: impl Fn(&mut Observation)) -> Evidence {
        let mut evidence = minishift();
        for hop in ["workstation-dns", "upstream-1"] {
            evidence.change_all(hop, &change);
        }
        evidence
    }

    #[test]
    fn a_workstation_without_a_network_is_told() {
        let evidence = everywhere(Observation::set_silent);
        let signs = evidence.signs("F54");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "upstream-1", Confidence::Likely));
        let failing = everywhere(|at| at.set_rcode("SERVFAIL", flags("ra")));
        let message = &failing.signs("F54")[0].message;
        assert!(message.contains("say SERVFAIL to every question"), "{message}");
    }

    #[test]
    fn a_filter_of_the_domain_is_told() {
        let mut evidence = everywhere(|at| {
            if at.name == NIP {
                at.set_unknown_in_the_world();
            }
        });
        assert_eq!(evidence.signs("F54"), [], "the name alone tells nothing");
        for address in ["10.0.0.1", "8.8.8.8"] {
            let mut reply = evidence.question("workstation", "upstream-1", &format!("{address}.nip.io"), "A").again();
            reply.set_unknown_in_the_world();
            evidence.put(reply);
        }
        let signs = evidence.signs("F54");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "upstream-1", Confidence::Likely));
    }

    #[test]
    fn neighbours_are_left_alone() {
        let unknown = everywhere(|at| {
            if at.name == OUTSIDE {
                at.set_unknown_in_the_world();
            }
        });
        assert_eq!(unknown.signs("F54"), [], "a name that does not exist");
        let authoritative = everywhere(|at| at.set_rcode("REFUSED", flags("")));
        assert_eq!(authoritative.signs("F54"), [], "F59");
        let mut from_pods = openshift4();
        from_pods.change_all("upstream-1", Observation::set_silent);
        assert_eq!(from_pods.signs("F54")[0].confidence, Confidence::Possible, "F36, F20, ...");
    }
}
