//! F48: a name has an IPv6 address that programs try first, and no IPv6 packet leaves the place.

use std::net::{IpAddr, Ipv6Addr};

use super::places::first_hops;
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Place, Target};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::proc;
use crate::dns::observation::Trouble;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F48",
    code: "ipv6-unroutable",
    title: "The name's IPv6 address is tried first, and IPv6 leads nowhere from here",
    shows: "the name resolves at once and the connection hangs, then works by IPv4: getent puts the IPv6 address first, while \
            the place has no default IPv6 route or no IPv6 server of it answers; or the name has no IPv4 address at all",
    mend: "write `precedence ::ffff:0:0/96 100` into /etc/gai.conf, take the IPv6 address off the interface, give it a route, \
           or remove the AAAA record",
    stage: Stage::Special,
    explains: &[],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs = Vec::new();
    for place in &seen.evidence.places {
        if let Some((rests, why)) = no_ipv6(seen, place) {
            signs.extend(seen.targets().filter_map(|target| of_name(seen, place, target, &rests, &why)));
        }
    }
    signs
}

fn of_name(seen: &Seen<'_>, place: &Place, target: &Target, rests: &[usize], why: &str) -> Option<Sign> {
    let hops = first_hops(seen, &place.name);
    let answered = |kind: &str| -> Vec<At<'_>> {
        let replies = hops.iter().filter_map(|hop| seen.reply_at(&place.name, &hop.id, &target.name, kind));
        replies.filter(|at| at.has_answer()).collect()
    };
    let libc = seen.libc(&place.name, &target.name).filter(|at| !at.met(Trouble::Absent));
    let first = libc.and_then(|at| at.addresses().into_iter().next());
    let (sixes, fours) = (answered("AAAA"), answered("A"));
    let of_wire = sixes.iter().flat_map(|at| at.addresses()).find_map(ipv6);
    let (address, how) = match first.and_then(ipv6) {
        Some(address) => (address, "the C library puts it first"),
        // The C library knows better, or nobody asked it and most of them do.
        None if !fours.is_empty() || first.is_some() => return None,
        None => (of_wire?, "it has no other"),
    };
    if is_near(seen, place, address) {
        return None;
    }
    let message = format!("{} has the address {address}, {how}, and {why}", target.name);
    let sign = Sign::new(&seen.client(&place.name)?.id, Confidence::Likely, message).about([target.name.as_str()]);
    Some(sign.resting_on(indexes(sixes)).resting_on(libc.map(|at| at.index)).resting_on(rests.iter().copied()))
}

fn ipv6(address: IpAddr) -> Option<Ipv6Addr> {
    match address {
        IpAddr::V6(address) if !address.is_loopback() && !address.is_unicast_link_local() => Some(address),
        _ => None,
    }
}

/// Why IPv6 leads nowhere from a place, and where that was seen.
fn no_ipv6(seen: &Seen<'_>, place: &Place) -> Option<(Vec<usize>, String)> {
    let of_six =
        |at: &At<'_>| at.is_dns() && at.vantage == place.name && at.server.is_some_and(|server| server.is_ipv6());
    let asked: Vec<At<'_>> = seen.all().filter(of_six).collect();
    if asked.iter().any(|at| at.replied()) {
        return None;
    }
    let (file, text) = seen.file(&place.name, "/proc/net/ipv6_route")?;
    if !proc::has_default_ipv6(text) {
        return Some((vec![file.index], format!("{} has no IPv6 route to the world", place.name)));
    }
    let server = asked.first()?.server?;
    let why = format!("no IPv6 server answers {}, e.g. {server}", place.name);
    Some((indexes(asked), why))
}

/// It stands on a network of this place: no router is needed.
fn is_near(seen: &Seen<'_>, place: &Place, address: Ipv6Addr) -> bool {
    seen.file(&place.name, "/proc/net/ipv6_route").is_some_and(|(_, text)| proc::has_near_ipv6(text, address))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{OUTSIDE, flags, openshift4};
    use crate::dns::evidence::Evidence;
    use crate::dns::observation::Observation;

    const LO_ONLY: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";
    const NEAR: &str = "20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n";
    const DEFAULT: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0\n";

    fn with_aaaa(routes: &str) -> Evidence {
        let mut evidence = openshift4();
        evidence.file("pod", "/proc/net/ipv6_route", routes);
        evidence.change(
            "coredns",
            |at| at.name == OUTSIDE && at.kind == "AAAA",
            |at| at.set_answer(&["2001:db8::1"], 60, flags("ra")),
        );
        evidence
    }

    #[test]
    fn an_address_that_is_tried_first_and_leads_nowhere_is_blamed() {
        let mut evidence = with_aaaa(LO_ONLY);
        assert_eq!(evidence.signs("F48"), [], "the C library sorts what it cannot reach last");
        evidence.getent("pod", OUTSIDE, &["2001:db8::1", "140.82.112.3"]);
        let signs = evidence.signs("F48");
        assert_eq!((signs.len(), signs[0].hop.as_str()), (1, "pod"));
        assert!(signs[0].message.contains("no IPv6 route"), "{}", signs[0].message);
    }

    #[test]
    fn a_name_without_ipv4_is_blamed_where_there_is_no_ipv6() {
        let mut evidence = with_aaaa(LO_ONLY);
        let no_data = |at: &mut Observation| at.set_negative("NOERROR", None, flags("ra"));
        evidence.change("coredns", |at| at.name == OUTSIDE && at.kind == "A", no_data);
        assert!(evidence.signs("F48")[0].message.contains("it has no other"));
    }

    #[test]
    fn a_default_route_that_no_server_answers_through_is_blamed() {
        let mut evidence = with_aaaa(DEFAULT);
        evidence.getent("pod", OUTSIDE, &["2001:db8::1", "140.82.112.3"]);
        assert_eq!(evidence.signs("F48"), []);
        let mut dead = evidence.question("pod", "upstream-1", OUTSIDE, "A").at_server("[2001:db8:53::1]:53");
        dead.set_silent();
        dead.hop = "upstream-2".to_owned();
        evidence.put(dead);
        assert_eq!(evidence.signs("F48").len(), 1);
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut sorted = with_aaaa(LO_ONLY);
        sorted.getent("pod", OUTSIDE, &["140.82.112.3", "2001:db8::1"]);
        assert_eq!(sorted.signs("F48"), [], "IPv4 is tried first");
        let mut near = with_aaaa(NEAR);
        near.getent("pod", OUTSIDE, &["2001:db8::1", "140.82.112.3"]);
        assert_eq!(near.signs("F48"), [], "a neighbour needs no router");
    }
}
