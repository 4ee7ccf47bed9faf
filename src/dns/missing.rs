//! Names without an address, and addresses without a name, though no hop need be wrong: sentences for the headline.
//! Takes evidence. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::chain::{Kind, Place, Target, is_below};
use super::evidence::Evidence;
use super::observation::{Observation, Transport, Trouble};
use super::seen::Seen;

const CURE: &str = "where it is to be found, have its zone forwarded to a server that knows it";

/// What nobody knows, then names that only some places find. Names of the cluster's own are for its pods.
pub fn missing(evidence: &Evidence) -> Vec<String> {
    let is_known = |target: &&Target| about(evidence, &target.name).any(Observation::found);
    let (known, unknown): (Vec<&Target>, Vec<&Target>) = evidence.targets.iter().partition(is_known);
    let (addresses, names): (Vec<&Target>, Vec<&Target>) =
        unknown.into_iter().partition(|target| target.kind == Kind::Reverse);
    let nowhere =
        |what: &str, of: Vec<String>| (!of.is_empty()).then(|| format!("no hop knows {what} of {}", of.join(", ")));
    let names = nowhere("an address", names.into_iter().map(|target| target.name.clone()).collect());
    let addresses = nowhere("a name", addresses.into_iter().map(|target| turned_back(&target.name)).collect());
    let partly = known.into_iter().filter(|target| is_for_all(evidence, target));
    names.into_iter().chain(addresses).chain(partly.filter_map(|target| only_somewhere(evidence, target))).collect()
}

/// What was asked for this name, by whatever way.
fn about<'a>(evidence: &'a Evidence, name: &'a str) -> impl Iterator<Item = &'a Observation> {
    let asks = |seen: &&Observation| {
        let by_query = seen.is_dns() && !seen.chaos && ["A", "AAAA", "PTR"].contains(&seen.kind.as_str());
        by_query || seen.transport == Transport::Libc
    };
    evidence.observations.iter().filter(asks).filter(move |seen| seen.name.eq_ignore_ascii_case(name))
}

fn is_for_all(evidence: &Evidence, target: &Target) -> bool {
    let domain = &evidence.chain.cluster_domain;
    let is_inside = !domain.is_empty() && is_below(target.name.trim_end_matches('.'), domain);
    !is_inside && !matches!(target.kind, Kind::Service | Kind::Reverse)
}

fn only_somewhere(evidence: &Evidence, target: &Target) -> Option<String> {
    let seen = Seen::new(evidence);
    let places = |found: bool| -> Vec<&str> {
        let fits = |place: &&Place| finds(&seen, place, &target.name) == Some(found);
        evidence.places.iter().filter(fits).map(|place| place.name.as_str()).collect()
    };
    let (without, with) = (places(false), places(true));
    let other = if with.is_empty() { String::new() } else { format!(", only at {}", with.join(", ")) };
    (!without.is_empty()).then(|| format!("{} is not found at {}{other} ({CURE})", target.name, without.join(", ")))
}

/// Whether a place finds a name: as its C library says; where that cannot be asked, as the servers say that it asks
/// first.
fn finds(seen: &Seen<'_>, place: &Place, name: &str) -> Option<bool> {
    let unasked = [Trouble::Absent, Trouble::Unreadable];
    if let Some(libc) = seen.libc(&place.name, name).filter(|at| !unasked.into_iter().any(|trouble| at.met(trouble))) {
        return Some(libc.found());
    }
    let servers = seen.client(&place.name).map(|client| seen.asks_for(client, name)).unwrap_or_default();
    let asked =
        servers.iter().flat_map(|hop| ["A", "AAAA"].map(|kind| seen.reply_at(&place.name, &hop.id, name, kind)));
    let asked: Vec<_> = asked.flatten().collect();
    let is_denied = !asked.is_empty() && asked.iter().all(|at| at.said("NXDOMAIN"));
    if asked.iter().any(|at| at.has_answer()) {
        return Some(true);
    }
    // A search list completes what has no dot.
    (is_denied && name.contains('.')).then_some(false)
}

/// The address whose name was asked for; the name as it is, where it is no address turned round.
fn turned_back(name: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let labels =
        |suffix: &str| Some(name.strip_suffix(suffix)?.split('.').rev().map(str::to_owned).collect::<Vec<_>>());
    let v4 = || labels(".in-addr.arpa")?.join(".").parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    let v6 = || {
        let digits = labels(".ip6.arpa").filter(|digits| digits.len() == 32)?.concat();
        u128::from_str_radix(&digits, 16).ok().map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)))
    };
    v4().or_else(v6).map_or_else(|| name.clone(), |address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::chain::PlaceKind;
    use crate::dns::modes::fixtures::workstations::{CRC, crc_system, minishift};
    use crate::dns::modes::fixtures::{OUTSIDE, SERVICE, flags};
    use crate::dns::rounds::reverse;

    const NOTHING: [&str; 0] = [];

    /// OpenShift Local from its workstation and from a place beside it, which asks the same dnsmasq.
    fn two_places() -> Evidence {
        let mut evidence = crc_system();
        let place = Place { name: "pod".to_owned(), kind: PlaceKind::Pod, ..evidence.places[2].clone() };
        evidence.places = vec![evidence.places[2].clone(), place];
        let mut client = evidence.chain.hop("workstation").unwrap().clone();
        (client.id, client.vantage) = ("pod".to_owned(), "pod".to_owned());
        evidence.chain.hops.push(client);
        for name in [CRC, "api.crc.testing", OUTSIDE] {
            evidence.getent("workstation", name, &["192.168.130.11"]);
        }
        evidence
    }

    #[test]
    fn a_name_that_the_c_library_finds_is_found_though_its_aaaa_is_refused() {
        let mut evidence = two_places();
        evidence.getent("pod", CRC, &["192.168.130.11"]);
        evidence.change(
            "workstation-dns",
            |at| at.kind == "AAAA",
            |at| {
                at.set_rcode("REFUSED", flags("ra"));
                at.set_ede(14);
            },
        );
        assert_eq!(missing(&evidence), NOTHING);
        assert_eq!(missing(&minishift()), NOTHING);
    }

    #[test]
    fn a_name_that_only_the_hosts_file_has_is_known() {
        let mut evidence = two_places();
        evidence.forget(|at| at.is_dns() && at.name == CRC);
        assert_eq!(missing(&evidence), NOTHING);
        evidence.forget(|at| at.name == CRC);
        assert_eq!(missing(&evidence), [format!("no hop knows an address of {CRC}")]);
    }

    #[test]
    fn places_that_find_a_name_and_places_that_do_not_are_told_apart() {
        let mut evidence = two_places();
        evidence.getent("pod", CRC, &[]);
        assert_eq!(missing(&evidence), [format!("{CRC} is not found at pod, only at workstation ({CURE})")]);
        evidence.getent("workstation", CRC, &[]);
        assert_eq!(missing(&evidence), [format!("{CRC} is not found at workstation, pod ({CURE})")]);
    }

    #[test]
    fn where_no_c_library_can_be_asked_its_servers_say_it() {
        let mut evidence = two_places();
        let mut absent = Observation::blank("pod", CRC, "ADDR", Transport::Libc);
        absent.set_trouble(Trouble::Absent);
        evidence.put(absent);
        assert_eq!(missing(&evidence), NOTHING, "nobody asked from there");
        for kind in ["A", "AAAA"] {
            let mut denied = evidence.question("pod", "workstation-dns", CRC, kind);
            denied.set_unknown_in_the_world();
            evidence.put(denied);
        }
        assert_eq!(missing(&evidence), [format!("{CRC} is not found at pod, only at workstation ({CURE})")]);
        let mut answered = evidence.question("pod", "workstation-dns", CRC, "A");
        answered.set_answer(&["192.168.130.11"], 60, flags("ra"));
        evidence.put(answered);
        assert_eq!(missing(&evidence), NOTHING);
    }

    #[test]
    fn names_of_the_cluster_are_for_its_pods() {
        let mut evidence = minishift();
        evidence.getent("workstation", SERVICE, &[]);
        assert_eq!(missing(&evidence), NOTHING);
    }

    #[test]
    fn of_an_address_it_is_the_name_that_is_missing() {
        let mut evidence = minishift();
        let target = |address: &str| Target {
            name: reverse(address.parse().unwrap()),
            kind: Kind::Reverse,
            expected: Vec::new(),
            because: None,
        };
        evidence.targets =
            vec![target("10.213.0.2"), target("fd00::7"), Target { name: CRC.to_owned(), ..target("::1") }];
        evidence.targets[2].kind = Kind::Route;
        let said = missing(&evidence);
        assert_eq!(
            said,
            [format!("no hop knows an address of {CRC}"), "no hop knows a name of 10.213.0.2, fd00::7".to_owned()]
        );
        let mut named = evidence.question("workstation", "workstation-dns", &evidence.targets[0].name.clone(), "PTR");
        named.set_answer(&["router.lab.test"], 60, flags("ra"));
        evidence.put(named);
        assert_eq!(missing(&evidence)[1], "no hop knows a name of fd00::7");
    }

    #[test]
    fn what_is_no_address_turned_round_stays_as_it_is() {
        for name in ["in-addr.arpa", "0.10.in-addr.arpa", "x.ip6.arpa", ""] {
            assert_eq!(turned_back(name), name);
        }
    }
}
